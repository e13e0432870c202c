import { canDraw } from "../../state/reading";
import type { ReadingAct } from "./reading_act";

/** Draw again what was taken back. */
export const redoStrokeAct: ReadingAct = {
  name: "redo_stroke",
  label: "reading.redo_stroke",
  key: "Control+Z",
  can: ({ state }) => state.canRedo && canDraw(state),
  run: (session) => {
    session.drawing.redo();
  },
};
