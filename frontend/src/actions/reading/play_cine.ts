import type { ReadingAct } from "./reading_act";

/** Where the header does not say how fast: ten frames a second. */
const DEFAULT_FRAME_MS = 100;

/** Play the frames at the speed they were recorded. */
export const playCineAct: ReadingAct = {
  name: "play_cine",
  label: "reading.play_cine",
  key: " ",
  can: ({ state }) => !state.hasVolume && state.frameCount > 1,
  run: (session) => {
    const { isPlaying, frameTimeMs } = session.state;
    if (isPlaying) session.viewer?.pause();
    else session.viewer?.play(frameTimeMs ?? DEFAULT_FRAME_MS);
    session.set({ isPlaying: !isPlaying });
  },
};
