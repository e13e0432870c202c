import type { SeriesFrames } from "../state/records";
import type { CanvasPoint, Window } from "./view";

/** A drag across the screen spans a few times the present width, so that narrow windows can be set finely. */
export function draggedWindow(window: Window, [right, down]: CanvasPoint, description: SeriesFrames): Window {
  const range = description.maximum - description.minimum;
  const gain = Math.max(window.width, range / 400) / 250;
  const smallest = description.dtype === "float32" ? range / 1000 : 1;
  const width = Math.max(smallest || 1e-6, window.width + right * gain);
  return { center: window.center + down * gain, width };
}
