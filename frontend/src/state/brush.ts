import type { LabelVoxels } from "./label_map";
import { isInside, strides, type Plane, type Triple } from "./planes";

export type BrushShape = "circle" | "sphere";

/** A brush tip on a grid: voxel offsets and how far they reach along each axis. */
export interface Tip {
  offsets: readonly Triple[];
}

/** One voxel's change; before lets it be undone. */
export interface VoxelChange {
  index: number;
  before: number;
}

/**
 * Voxels whose centres lie within a radius of the tip's centre: in the plane of the image for a circle, in space for a
 * sphere. The centre voxel always belongs, however small the radius.
 */
export function makeTip(plane: Plane, spacingMm: Triple, radiusMm: number, shape: BrushShape): Tip {
  const reach = spacingMm.map((spacing) => Math.floor(radiusMm / spacing)) as [number, number, number];
  if (shape === "circle") reach[plane.through] = 0;
  const offsets: Triple[] = [];
  for (let slice = 0 - reach[0]; slice <= reach[0]; slice++)
    for (let row = 0 - reach[1]; row <= reach[1]; row++)
      for (let column = 0 - reach[2]; column <= reach[2]; column++) {
        const distance = Math.hypot(slice * spacingMm[0], row * spacingMm[1], column * spacingMm[2]);
        if (distance <= radiusMm) offsets.push([slice, row, column]);
      }
  return { offsets };
}

/** Voxel centres to stamp so that a stroke from one point to the next has no gaps. */
export function strokeCentres(from: Triple, to: Triple): Triple[] {
  const steps = Math.max(1, ...from.map((value, axis) => Math.ceil(Math.abs((to[axis] ?? value) - value))));
  return Array.from({ length: steps + 1 }, (_, step): Triple => {
    const share = step / steps;
    const at = (axis: 0 | 1 | 2) => Math.round(from[axis] + (to[axis] - from[axis]) * share);
    return [at(0), at(1), at(2)];
  });
}

/**
 * Set every voxel under the tip to a value, except those that hold a locked segment number.
 * Returns what changed, so that the stroke can be undone.
 */
export function stamp(
  voxels: LabelVoxels,
  shape: Triple,
  tip: Tip,
  centre: Triple,
  value: number,
  isLocked: (segment: number) => boolean,
): VoxelChange[] {
  const stride = strides(shape);
  const changes: VoxelChange[] = [];
  for (const offset of tip.offsets) {
    const voxel: Triple = [centre[0] + offset[0], centre[1] + offset[1], centre[2] + offset[2]];
    if (!isInside(shape, voxel)) continue;
    const index = voxel[0] * stride[0] + voxel[1] * stride[1] + voxel[2];
    const before = voxels[index] ?? 0;
    if (before === value || (before !== 0 && isLocked(before))) continue;
    voxels[index] = value;
    changes.push({ index, before });
  }
  return changes;
}
