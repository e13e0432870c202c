import { cross, type Vector3 } from "../lib/vectors";
import { placeOf, planeOf, type Grid, type ImagePlace } from "./planes";
import type { SeriesFrames } from "./records";

function vector(values: readonly number[], start = 0): Vector3 {
  return [values[start] ?? 0, values[start + 1] ?? 0, values[start + 2] ?? 0];
}

function column(direction: readonly number[], axis: number): Vector3 {
  return [direction[axis] ?? 0, direction[axis + 3] ?? 0, direction[axis + 6] ?? 0];
}

type Frame = SeriesFrames["frames"][number];

/** Where one frame lies by itself; nominal (1 mm, identity) where its header does not say. */
export function framePlace(frame: Frame): ImagePlace {
  const orientation = frame.image_orientation ?? [1, 0, 0, 0, 1, 0];
  const [spacingDownMm, spacingRightMm] = frame.pixel_spacing_mm ?? [1, 1];
  return {
    originMm: vector(frame.image_position_mm ?? [0, 0, 0]),
    right: vector(orientation),
    down: vector(orientation, 3),
    spacingRightMm: spacingRightMm ?? 1,
    spacingDownMm: spacingDownMm ?? 1,
    columns: frame.columns,
    rows: frame.rows,
  };
}

/**
 * The grid on which the label map of a series lies: the volume's own, or the frames one after the other with nominal
 * distances where they are no volume. Undefined where frames differ in size, which no label map can cover.
 */
export function gridOf(description: SeriesFrames): Grid | undefined {
  const { geometry, frames } = description;
  if (geometry) {
    return {
      shape: vector(geometry.shape),
      spacingMm: vector(geometry.spacing_mm),
      originMm: vector(geometry.origin_mm),
      axes: [column(geometry.direction, 0), column(geometry.direction, 1), column(geometry.direction, 2)],
      isMeasured: frames.every((frame) => frame.pixel_spacing_mm !== null),
    };
  }
  const first = frames[0];
  if (!first || frames.some((frame) => frame.rows !== first.rows || frame.columns !== first.columns)) return undefined;
  const place = framePlace(first);
  return {
    shape: [frames.length, first.rows, first.columns],
    spacingMm: [1, place.spacingDownMm, place.spacingRightMm],
    originMm: place.originMm,
    axes: [cross(place.right, place.down), place.down, place.right],
    isMeasured: frames.every((frame) => frame.pixel_spacing_mm !== null),
  };
}

/** Where the acquired image of a frame lies. */
export function acquiredPlace(description: SeriesFrames, grid: Grid | undefined, index: number): ImagePlace {
  if (grid && description.is_volume) return placeOf(grid, planeOf(grid, "acquired"), index);
  const frame = description.frames[index];
  if (!frame) throw new RangeError(`The series has no frame ${String(index)}.`);
  return framePlace(frame);
}

/** Whether distances between pixels of a frame are known. */
export function isFrameMeasured(description: SeriesFrames, index: number): boolean {
  return (description.frames[index]?.pixel_spacing_mm ?? null) !== null;
}
