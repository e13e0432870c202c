import type { PlainMessageKey } from "../../lib/messages";
import { canDraw, type ReadingState } from "../../state/reading";
import type { ToolId } from "../../state/tools";
import type { ReadingAct } from "./reading_act";

type Condition = (state: ReadingState) => boolean;

function chooseTool(tool: ToolId, label: PlainMessageKey, key: string, can: Condition = () => true): ReadingAct {
  return {
    name: `choose_tool.${tool}`,
    label,
    key,
    can: (session) => can(session.state),
    run: (session) => {
      session.store.dispatch({ type: "tool.chosen", tool });
    },
  };
}

const canPaint: Condition = (state) => canDraw(state) && state.activeSegment !== null;

/** What the left mouse button or one finger does. */
export const chooseToolActs: Readonly<Record<Exclude<ToolId, "point">, ReadingAct>> = {
  crosshair: chooseTool("crosshair", "reading.tool_crosshair", "c", (state) => state.hasVolume),
  scroll: chooseTool("scroll", "reading.tool_scroll", "s", (state) => state.frameCount > 1),
  window: chooseTool("window", "reading.tool_window", "w", (state) => !state.isColour),
  zoom: chooseTool("zoom", "reading.tool_zoom", "z"),
  pan: chooseTool("pan", "reading.tool_pan", "p"),
  length: chooseTool("length", "reading.tool_length", "l", (state) => state.canMeasure),
  brush: chooseTool("brush", "reading.tool_brush", "b", canPaint),
  eraser: chooseTool("eraser", "reading.tool_eraser", "e", canPaint),
  cut: chooseTool("cut", "reading.tool_cut", "u", (state) => canPaint(state) && state.hasVolume),
};
