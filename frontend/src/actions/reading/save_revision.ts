import type { ReadingAct } from "./reading_act";

/** Save the drawing as the next revision. */
export const saveRevisionAct: ReadingAct = {
  name: "save_revision",
  label: "reading.save_revision",
  key: "Control+s",
  can: ({ state }) => state.save.kind === "unsaved" || state.save.kind === "failed",
  run: (session) => session.drawing.save(),
};
