import { canDraw } from "../../state/reading";
import type { ReadingAct } from "./reading_act";

/** Take back the last stroke. */
export const undoStrokeAct: ReadingAct = {
  name: "undo_stroke",
  label: "reading.undo_stroke",
  key: "Control+z",
  can: ({ state }) => state.canUndo && canDraw(state),
  run: (session) => {
    session.drawing.undo();
  },
};
