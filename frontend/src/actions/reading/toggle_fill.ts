import type { ReadingAct } from "./reading_act";

/** Filled labels, or their outlines alone. */
export const toggleFillAct: ReadingAct = {
  name: "toggle_fill",
  label: "reading.toggle_fill",
  key: "f",
  can: ({ state }) => state.overlay.isShown,
  run: (session) => {
    const { overlay } = session.state;
    session.set({ overlay: { ...overlay, isFilled: !overlay.isFilled } });
  },
};
