import { restingTool } from "../../state/reading";
import type { ReadingSession } from "./session";

/** The next click on an image sets a point among the model's parameters; asking again takes it back. */
export function pickPoint(session: ReadingSession, parameter: string): void {
  const isPicking = session.state.picking === parameter;
  session.set({ picking: isPicking ? null : parameter, tool: isPicking ? restingTool(session.state) : "point" });
}
