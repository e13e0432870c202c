import { sideOf, type Triple } from "../state/planes";
import { scale } from "../lib/vectors";
import type { CanvasPoint, View } from "./view";

const QUIET = "rgba(232, 234, 237, 0.78)";
const LINE = "rgba(90, 162, 255, 0.75)";
const GAP_PX = 14;
const NARROW_PX = 560;

/** Letters of the patient's sides at the edges of an image. */
export function drawSides(context: CanvasRenderingContext2D, view: View): void {
  const { right, down } = view.place();
  const { clientWidth: width, clientHeight: height } = view.element;
  context.font = "600 13px system-ui, sans-serif";
  context.fillStyle = QUIET;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const put = (letter: string, x: number, y: number) => {
    context.strokeStyle = "rgba(0, 0, 0, 0.8)";
    context.lineWidth = 3;
    context.strokeText(letter, x, y);
    context.fillText(letter, x, y);
  };
  put(sideOf(scale(right, -1)), 12, height / 2);
  put(sideOf(right), width - 12, height / 2);
  // In a narrow pane the caption stands where the letter would.
  put(sideOf(scale(down, -1)), width / 2, width < NARROW_PX ? 32 : 12);
  put(sideOf(down), width / 2, height - 12);
}

/** Where the other planes cut this one; the middle stays free so that the point itself can be seen. */
export function drawCrosshair(context: CanvasRenderingContext2D, view: View, cursor: Triple): void {
  const [x, y] = view.locate(cursor).point;
  const { clientWidth: width, clientHeight: height } = view.element;
  context.strokeStyle = LINE;
  context.lineWidth = 1;
  context.beginPath();
  const column = Math.round(x) + 0.5;
  const row = Math.round(y) + 0.5;
  context.moveTo(column, 0);
  context.lineTo(column, row - GAP_PX);
  context.moveTo(column, row + GAP_PX);
  context.lineTo(column, height);
  context.moveTo(0, row);
  context.lineTo(column - GAP_PX, row);
  context.moveTo(column + GAP_PX, row);
  context.lineTo(width, row);
  context.stroke();
}

/** Outline of the brush under the pointer. */
export function drawBrush(context: CanvasRenderingContext2D, view: View, point: CanvasPoint, radiusMm: number): void {
  const size = view.pixelSize();
  const place = view.place();
  const radiusX = Math.max(2, (radiusMm / place.spacingRightMm) * size.right);
  const radiusY = Math.max(2, (radiusMm / place.spacingDownMm) * size.down);
  for (const [colour, lineWidth] of [["rgba(0, 0, 0, 0.7)", 3] as const, ["#ffffff", 1.25] as const]) {
    context.strokeStyle = colour;
    context.lineWidth = lineWidth;
    context.beginPath();
    context.ellipse(point[0], point[1], radiusX, radiusY, 0, 0, 2 * Math.PI);
    context.stroke();
  }
}

/** The line along which a lesion is to be cut. */
export function drawCut(context: CanvasRenderingContext2D, from: CanvasPoint, to: CanvasPoint): void {
  for (const [colour, lineWidth] of [["rgba(0, 0, 0, 0.8)", 4] as const, ["#ffffff", 1.75] as const]) {
    context.strokeStyle = colour;
    context.lineWidth = lineWidth;
    context.beginPath();
    context.moveTo(from[0], from[1]);
    context.lineTo(to[0], to[1]);
    traceEnd(context, from, to);
    traceEnd(context, to, from);
    context.stroke();
  }
}

/** A picked voxel. */
export function drawPoint(context: CanvasRenderingContext2D, view: View, voxel: Triple): void {
  const { point, isShown } = view.locate(voxel);
  if (!isShown) return;
  for (const [colour, lineWidth] of [["rgba(0, 0, 0, 0.8)", 4] as const, ["#ffd166", 2] as const]) {
    context.strokeStyle = colour;
    context.lineWidth = lineWidth;
    context.beginPath();
    context.arc(point[0], point[1], 6, 0, 2 * Math.PI);
    context.moveTo(point[0] - 11, point[1]);
    context.lineTo(point[0] - 6, point[1]);
    context.moveTo(point[0] + 6, point[1]);
    context.lineTo(point[0] + 11, point[1]);
    context.stroke();
  }
}

/** End points of two diameters of a lesion, voxels (slice, row, column), in the acquired image they were taken in. */
export interface DiameterMark {
  readonly sliceIndex: number;
  readonly lines: readonly (readonly [Triple, Triple])[];
}

/** The diameters of a lesion on the image they were measured in. */
export function drawDiameters(context: CanvasRenderingContext2D, view: View, mark: DiameterMark): void {
  if (view.plane.id !== "acquired" || view.index !== mark.sliceIndex) return;
  for (const [colour, lineWidth] of [["rgba(0, 0, 0, 0.8)", 4] as const, ["#ffe08a", 1.75] as const]) {
    context.strokeStyle = colour;
    context.lineWidth = lineWidth;
    context.beginPath();
    for (const [from, to] of mark.lines) {
      const [a, b] = [view.canvasPoint(from[2], from[1]), view.canvasPoint(to[2], to[1])];
      context.moveTo(a[0], a[1]);
      context.lineTo(b[0], b[1]);
      traceEnd(context, a, b);
      traceEnd(context, b, a);
    }
    context.stroke();
  }
}

const END_PX = 4;

/** A short stroke across the end of a line. */
function traceEnd(context: CanvasRenderingContext2D, end: CanvasPoint, other: CanvasPoint): void {
  const [right, down] = [other[0] - end[0], other[1] - end[1]];
  const length = Math.hypot(right, down) || 1;
  const [x, y] = [(-down / length) * END_PX, (right / length) * END_PX];
  context.moveTo(end[0] - x, end[1] - y);
  context.lineTo(end[0] + x, end[1] + y);
}

const BAR_MM = [200, 100, 50, 20, 10, 5, 2, 1];

/** A bar of a round length, so that size is seen without measuring. */
export function drawScaleBar(context: CanvasRenderingContext2D, view: View): void {
  const { clientWidth: width, clientHeight: height } = view.element;
  const pxPerMm = view.pixelSize().right / view.place().spacingRightMm;
  const lengthMm = BAR_MM.find((candidate) => candidate * pxPerMm <= width / 4);
  if (!lengthMm) return;
  const end = width - 12;
  const start = end - lengthMm * pxPerMm;
  const y = height - 12;
  for (const [colour, lineWidth] of [["rgba(0, 0, 0, 0.8)", 4] as const, [QUIET, 1.5] as const]) {
    context.strokeStyle = colour;
    context.lineWidth = lineWidth;
    context.beginPath();
    context.moveTo(start, y - 4);
    context.lineTo(start, y);
    context.lineTo(end, y);
    context.lineTo(end, y - 4);
    context.stroke();
  }
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "right";
  context.textBaseline = "bottom";
  context.fillStyle = QUIET;
  const label = lengthMm >= 10 ? `${String(lengthMm / 10)} cm` : `${String(lengthMm)} mm`;
  context.strokeStyle = "rgba(0, 0, 0, 0.8)";
  context.lineWidth = 3;
  context.strokeText(label, end, y - 6);
  context.fillText(label, end, y - 6);
}
