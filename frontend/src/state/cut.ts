import type { Vector3 } from "../lib/vectors";
import type { LabelMap } from "./label_map";
import { isInside, positionMm, strides, type Grid, type Plane, type Triple } from "./planes";

/** A straight line across an image; its ends lie between voxels. */
export interface CutLine {
  readonly plane: Plane;
  readonly from: Triple;
  readonly to: Triple;
}

/** Why nothing was cut. */
export type CutProblem =
  { readonly kind: "locked"; readonly segment: string } | { readonly kind: "refused"; readonly error: unknown };

const STEPS_PER_VOXEL = 4;

/** The segment a line is meant for: the active one where the line meets it, else the one it meets most of. */
export function crossedSegment(labelMap: LabelMap, { from, to }: CutLine, active: number): number {
  const counts = new Map<number, number>();
  const stride = strides(labelMap.shape);
  const length = Math.max(...from.map((value, axis) => Math.abs((to[axis] ?? value) - value)));
  const steps = Math.max(1, Math.ceil(length * STEPS_PER_VOXEL));
  for (let step = 0; step <= steps; step++) {
    const at = (axis: 0 | 1 | 2) => Math.round(from[axis] + ((to[axis] - from[axis]) * step) / steps);
    const voxel: Triple = [at(0), at(1), at(2)];
    if (!isInside(labelMap.shape, voxel)) continue;
    const label = labelMap.voxels[voxel[0] * stride[0] + voxel[1] * stride[1] + voxel[2]] ?? 0;
    if (label !== 0) counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  if (counts.has(active)) return active;
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  return most?.[0] ?? active;
}

/** Where a line lies in the patient, mm, and along which direction the reader saw it. */
export function placeCut(grid: Grid, { plane, from, to }: CutLine): { ends: [Vector3, Vector3]; sight: Vector3 } {
  return { ends: [positionMm(grid, from), positionMm(grid, to)], sight: grid.axes[plane.through] };
}
