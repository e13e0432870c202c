import { dot, subtract, type Vector3 } from "../lib/vectors";
import { positionMm, type Grid, type Plane, type PlaneId, PLANE_IDS, planeOf, type Triple } from "./planes";
import type { Registration } from "./records";

/** 4x4 without its last row, row-major: three rows of (x, y, z, shift). */
export type Affine = readonly number[];

export const IDENTITY: Affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];

export function affineOf(matrix: readonly number[]): Affine {
  return matrix.slice(0, 12);
}

export function transform(matrix: Affine, point: Vector3): Vector3 {
  const row = (i: number) =>
    (matrix[i] ?? 0) * point[0] +
    (matrix[i + 1] ?? 0) * point[1] +
    (matrix[i + 2] ?? 0) * point[2] +
    (matrix[i + 3] ?? 0);
  return [row(0), row(4), row(8)];
}

/** First `inner`, then `outer`. */
export function compose(outer: Affine, inner: Affine): Affine {
  const shift = transform(outer, [inner[3] ?? 0, inner[7] ?? 0, inner[11] ?? 0]);
  return [0, 4, 8].flatMap((row, i) => {
    const cell = (column: number) =>
      (outer[row] ?? 0) * (inner[column] ?? 0) +
      (outer[row + 1] ?? 0) * (inner[column + 4] ?? 0) +
      (outer[row + 2] ?? 0) * (inner[column + 8] ?? 0);
    return [cell(0), cell(1), cell(2), shift[i] ?? 0];
  });
}

export function invert(matrix: Affine): Affine {
  const at = (row: number, column: number) => matrix[4 * row + column] ?? 0;
  const cofactor = (row: number, column: number) => {
    const [r1, r2, c1, c2] = [(row + 1) % 3, (row + 2) % 3, (column + 1) % 3, (column + 2) % 3];
    return at(r1, c1) * at(r2, c2) - at(r1, c2) * at(r2, c1);
  };
  const determinant = [0, 1, 2].reduce((sum, column) => sum + at(0, column) * cofactor(0, column), 0);
  return [0, 1, 2].flatMap((row) => {
    const cells = [0, 1, 2].map((column) => cofactor(column, row) / determinant);
    return [...cells, -cells.reduce((sum, cell, i) => sum + cell * at(i, 3), 0)];
  });
}

/** From (slice, row, column) of a grid to patient mm. */
export function indexToPatient(grid: Grid): Affine {
  return [0, 1, 2].flatMap((i) => [
    ...([0, 1, 2] as const).map((axis) => (grid.axes[axis][i] ?? 0) * grid.spacingMm[axis]),
    grid.originMm[i] ?? 0,
  ]);
}

/** From voxels of the current grid to those of the prior one. */
export function currentToPriorIndex(current: Grid, prior: Grid, priorToCurrentMm: Affine): Affine {
  return compose(invert(indexToPatient(prior)), compose(invert(priorToCurrentMm), indexToPatient(current)));
}

/** Voxel nearest to a point of the patient, and whether the grid reaches there. */
export function voxelNear(grid: Grid, pointMm: Vector3): { voxel: Triple; isInside: boolean } {
  const index = transform(invert(indexToPatient(grid)), pointMm);
  const rounded = index.map(Math.round) as [number, number, number];
  const voxel = rounded.map((value, axis) => Math.max(0, Math.min((grid.shape[axis] ?? 1) - 1, value)));
  return {
    voxel: voxel as [number, number, number],
    isInside: rounded.every((value, axis) => value >= 0 && value < (grid.shape[axis] ?? 0)),
  };
}

export function patientOf(grid: Grid, voxel: Triple): Vector3 {
  return positionMm(grid, voxel);
}

/** The plane of the prior that shows most nearly what a plane of the current series shows. */
export function likestPlane(current: Grid, plane: Plane, prior: Grid, priorToCurrentMm: Affine): PlaneId {
  const normal = current.axes[plane.through];
  const turned = (axis: Vector3): Vector3 =>
    subtract(transform(priorToCurrentMm, axis), transform(priorToCurrentMm, [0, 0, 0]));
  const likeness = (id: PlaneId) => Math.abs(dot(turned(prior.axes[planeOf(prior, id).through]), normal));
  return PLANE_IDS.reduce((best, id) => (likeness(id) > likeness(best) ? id : best), "acquired");
}

export type Lamp = "trusted" | "doubtful" | "failed" | "running" | "none";

export function lampOf(registration: Registration | null): Lamp {
  if (!registration || registration.state === "none") return "none";
  if (registration.state === "pending") return "running";
  if (registration.state === "failed") return "failed";
  return registration.is_trusted ? "trusted" : "doubtful";
}
