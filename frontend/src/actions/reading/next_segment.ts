import type { ReadingAct } from "./reading_act";

/** Draw with the next segment. */
export const nextSegmentAct: ReadingAct = {
  name: "next_segment",
  label: "reading.next_segment",
  key: "n",
  can: ({ state }) => state.segments.length > 1,
  run: (session) => {
    const { segments, activeSegment } = session.state;
    const index = segments.findIndex((segment) => segment.number === activeSegment);
    session.set({ activeSegment: segments[(index + 1) % segments.length]?.number ?? null });
  },
};
