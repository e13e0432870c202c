import type { Plane } from "../state/planes";
import type { LabelImage } from "./label_images";

/**
 * Labels are thousands of short edges that change with every image: the processor draws them faster than a graphics
 * card takes them, and very much faster than one that is only emulated.
 */
export const IN_MEMORY: CanvasRenderingContext2DSettings = { willReadFrequently: true };

/** How labels are drawn. */
export interface OverlayStyle {
  isShown: boolean;
  /** 0 to 1, of the filling. */
  opacity: number;
  isFilled: boolean;
  /** Colour of each visible segment; segments left out are not drawn. */
  colours: ReadonlyMap<number, string>;
}

/** Labels of one image, ready to be drawn at any zoom. */
export interface OverlayImage {
  fill: HTMLCanvasElement | undefined;
  /** Edges between voxels in pixel units, pixel (0, 0) having its corner at (0, 0). */
  outlines: { colour: string; path: Path2D }[];
}

function channels(colour: string): [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

function paintFill(labels: Uint16Array, plane: Plane, style: OverlayStyle): HTMLCanvasElement | undefined {
  const canvas = document.createElement("canvas");
  canvas.width = plane.columns;
  canvas.height = plane.rows;
  const context = canvas.getContext("2d", IN_MEMORY);
  if (!context) return undefined;
  const image = context.createImageData(plane.columns, plane.rows);
  const pixels = new Uint32Array(image.data.buffer);
  const words = new Map<number, number>();
  for (const [segment, colour] of style.colours) {
    const [red, green, blue] = channels(colour);
    words.set(segment, ((Math.round(style.opacity * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0);
  }
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] ?? 0;
    if (label !== 0) pixels[i] = words.get(label) ?? 0;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** Edges of one segment along rows: for each gap between rows, runs of pixels that differ across it. */
function traceRows(labels: Uint16Array, columns: number, rows: number, segment: number, path: Path2D): void {
  for (let gap = 0; gap <= rows; gap++) {
    let runStart = -1;
    for (let column = 0; column <= columns; column++) {
      const isEdge =
        column < columns &&
        (gap > 0 && labels[(gap - 1) * columns + column] === segment) !==
          (gap < rows && labels[gap * columns + column] === segment);
      if (isEdge && runStart < 0) runStart = column;
      if (isEdge || runStart < 0) continue;
      path.moveTo(runStart, gap);
      path.lineTo(column, gap);
      runStart = -1;
    }
  }
}

/** The same along columns. */
function traceColumns(labels: Uint16Array, columns: number, rows: number, segment: number, path: Path2D): void {
  for (let gap = 0; gap <= columns; gap++) {
    let runStart = -1;
    for (let row = 0; row <= rows; row++) {
      const isEdge =
        row < rows &&
        (gap > 0 && labels[row * columns + gap - 1] === segment) !==
          (gap < columns && labels[row * columns + gap] === segment);
      if (isEdge && runStart < 0) runStart = row;
      if (isEdge || runStart < 0) continue;
      path.moveTo(gap, runStart);
      path.lineTo(gap, row);
      runStart = -1;
    }
  }
}

function present(labels: Uint16Array): Set<number> {
  const found = new Set<number>();
  let last = 0;
  for (const label of labels) {
    if (label === last) continue;
    last = label;
    if (label !== 0) found.add(label);
  }
  return found;
}

export function makeOverlayImage(
  { labels, isEmpty }: LabelImage,
  plane: Plane,
  style: OverlayStyle,
): OverlayImage | undefined {
  if (isEmpty) return undefined;
  const outlines = [...present(labels)].flatMap((segment) => {
    const colour = style.colours.get(segment);
    if (!colour) return [];
    const path = new Path2D();
    traceRows(labels, plane.columns, plane.rows, segment, path);
    traceColumns(labels, plane.columns, plane.rows, segment, path);
    return [{ colour, path }];
  });
  const fill = style.isFilled ? paintFill(labels, plane, style) : undefined;
  return outlines.length > 0 ? { fill, outlines } : undefined;
}

/** Draw labels as they lie on the screen; the matrix leads from image pixels to canvas pixels. */
export function paintOverlay(
  canvas: HTMLCanvasElement,
  overlay: OverlayImage,
  toScreen: DOMMatrix,
  size: { width: number; height: number; ratio: number },
): void {
  canvas.width = size.width;
  canvas.height = size.height;
  const context = canvas.getContext("2d", IN_MEMORY);
  if (!context) return;
  if (overlay.fill) {
    context.imageSmoothingEnabled = false;
    context.setTransform(toScreen);
    context.drawImage(overlay.fill, 0, 0);
    context.resetTransform();
  }
  context.lineWidth = 1.5 * size.ratio;
  for (const { colour, path } of overlay.outlines) {
    const onScreen = new Path2D();
    onScreen.addPath(path, toScreen);
    context.strokeStyle = colour;
    context.stroke(onScreen);
  }
}
