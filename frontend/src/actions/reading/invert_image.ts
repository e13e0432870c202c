import type { ReadingAct } from "./reading_act";

/** Swap black and white. */
export const invertImageAct: ReadingAct = {
  name: "invert_image",
  label: "reading.invert_image",
  key: "i",
  can: ({ state }) => !state.isColour,
  run: (session) => {
    session.set({ isInverted: !session.state.isInverted });
  },
};
