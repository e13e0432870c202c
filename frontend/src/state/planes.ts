import { add, dot, scale, subtract, type Vector3 } from "../lib/vectors";

/** Sizes or positions along (slice, row, column). */
export type Triple = readonly [number, number, number];
export type Axis = 0 | 1 | 2;
/** As acquired, then the two that cut across the acquired images. */
export type PlaneId = "acquired" | "along_rows" | "along_columns";
export const PLANE_IDS: readonly PlaneId[] = ["acquired", "along_rows", "along_columns"];

/** A regular grid in the patient, as the API describes it. */
export interface Grid {
  shape: Triple;
  spacingMm: Triple;
  originMm: Vector3;
  /** Unit vectors of increasing slice, row and column index, patient LPS. */
  axes: readonly [Vector3, Vector3, Vector3];
  /** False where the images say nothing of their size: lengths then have no unit. */
  isMeasured: boolean;
}

/** One family of parallel images through a grid. */
export interface Plane {
  id: PlaneId;
  /** Axial, Coronal, Sagittal; "oblique" added where the plane is tilted by more than 5 degrees. */
  name: string;
  /** Axis that steps from image to image, and those that run right and down in an image. */
  through: Axis;
  right: Axis;
  down: Axis;
  isRightFlipped: boolean;
  isDownFlipped: boolean;
  count: number;
  columns: number;
  rows: number;
}

/** Where one image lies: centre of its first pixel, unit vectors right and down, pixel distances. */
export interface ImagePlace {
  originMm: Vector3;
  right: Vector3;
  down: Vector3;
  spacingRightMm: number;
  spacingDownMm: number;
  columns: number;
  rows: number;
}

const NAMES = ["Sagittal", "Coronal", "Axial"] as const;
const COS_5_DEGREES = Math.cos((5 * Math.PI) / 180);

function main(vector: Vector3): Axis {
  const size = vector.map(Math.abs) as [number, number, number];
  if (size[2] >= size[0] && size[2] >= size[1]) return 2;
  return size[1] >= size[0] ? 1 : 0;
}

/** Patient direction that runs right and down on the screen for a plane whose normal is mostly x, y or z (LPS). */
const SCREEN: Record<Axis, { right: Vector3; down: Vector3 }> = {
  0: { right: [0, 1, 0], down: [0, 0, -1] },
  1: { right: [1, 0, 0], down: [0, 0, -1] },
  2: { right: [1, 0, 0], down: [0, 1, 0] },
};

export function planeName(normal: Vector3): string {
  const axis = main(normal);
  const name = NAMES[axis];
  return Math.abs(normal[axis]) < COS_5_DEGREES ? `${name}, oblique` : name;
}

function acquiredPlane(grid: Grid): Plane {
  const [count, rows, columns] = grid.shape;
  const name = grid.isMeasured || count > 1 ? planeName(grid.axes[0]) : "Image";
  const order = { through: 0, right: 2, down: 1, isRightFlipped: false, isDownFlipped: false } as const;
  return { id: "acquired", name, ...order, count, rows, columns };
}

function crossPlane(grid: Grid, id: PlaneId, through: Axis): Plane {
  const screen = SCREEN[main(grid.axes[through])];
  const [a, b] = ([0, 1, 2] as const).filter((axis) => axis !== through) as [Axis, Axis];
  const isARight = Math.abs(dot(grid.axes[a], screen.right)) >= Math.abs(dot(grid.axes[b], screen.right));
  const right = isARight ? a : b;
  const down = isARight ? b : a;
  return {
    id,
    name: planeName(grid.axes[through]),
    through,
    right,
    down,
    isRightFlipped: dot(grid.axes[right], screen.right) < 0,
    isDownFlipped: dot(grid.axes[down], screen.down) < 0,
    count: grid.shape[through],
    columns: grid.shape[right],
    rows: grid.shape[down],
  };
}

export function planeOf(grid: Grid, id: PlaneId): Plane {
  if (id === "acquired") return acquiredPlane(grid);
  return crossPlane(grid, id, id === "along_rows" ? 1 : 2);
}

/** Distance between neighbours of the flat voxel array along each axis. */
export function strides(shape: Triple): Triple {
  return [shape[1] * shape[2], shape[2], 1];
}

/** Walk through an image of a plane: flat index = start + column * stepRight + row * stepDown. */
export function walk(
  plane: Plane,
  shape: Triple,
  index: number,
): { start: number; stepRight: number; stepDown: number } {
  const stride = strides(shape);
  const right = stride[plane.right];
  const down = stride[plane.down];
  const start =
    index * stride[plane.through] +
    (plane.isRightFlipped ? (plane.columns - 1) * right : 0) +
    (plane.isDownFlipped ? (plane.rows - 1) * down : 0);
  return { start, stepRight: plane.isRightFlipped ? -right : right, stepDown: plane.isDownFlipped ? -down : down };
}

/** Voxel (slice, row, column) under a pixel of a plane's image; positions between pixels stay between voxels. */
export function voxelAt(plane: Plane, index: number, column: number, row: number): Triple {
  const voxel: [number, number, number] = [0, 0, 0];
  voxel[plane.through] = index;
  voxel[plane.right] = plane.isRightFlipped ? plane.columns - 1 - column : column;
  voxel[plane.down] = plane.isDownFlipped ? plane.rows - 1 - row : row;
  return voxel;
}

/** The reverse: image index, column and row at which a plane shows a voxel. */
export function pixelOf(plane: Plane, voxel: Triple): { index: number; column: number; row: number } {
  const right = voxel[plane.right];
  const down = voxel[plane.down];
  return {
    index: voxel[plane.through],
    column: plane.isRightFlipped ? plane.columns - 1 - right : right,
    row: plane.isDownFlipped ? plane.rows - 1 - down : down,
  };
}

export function positionMm(grid: Grid, voxel: Triple): Vector3 {
  return ([0, 1, 2] as const).reduce<Vector3>(
    (sum, axis) => add(sum, scale(grid.axes[axis], voxel[axis] * grid.spacingMm[axis])),
    grid.originMm,
  );
}

export function placeOf(grid: Grid, plane: Plane, index: number): ImagePlace {
  return {
    originMm: positionMm(grid, voxelAt(plane, index, 0, 0)),
    right: scale(grid.axes[plane.right], plane.isRightFlipped ? -1 : 1),
    down: scale(grid.axes[plane.down], plane.isDownFlipped ? -1 : 1),
    spacingRightMm: grid.spacingMm[plane.right],
    spacingDownMm: grid.spacingMm[plane.down],
    columns: plane.columns,
    rows: plane.rows,
  };
}

/** Column and row, between pixels, of a point that lies in or near an image. */
export function pixelAt(place: ImagePlace, pointMm: Vector3): { column: number; row: number } {
  const offset = subtract(pointMm, place.originMm);
  return {
    column: dot(offset, place.right) / place.spacingRightMm,
    row: dot(offset, place.down) / place.spacingDownMm,
  };
}

export function isInside(shape: Triple, voxel: Triple): boolean {
  return voxel.every((value, axis) => value >= 0 && value < (shape[axis] ?? 0));
}

const LETTERS = [
  ["R", "L"],
  ["A", "P"],
  ["I", "S"],
] as const;

/** Letter of the side of the patient that a direction points to (L, R, A, P, S, I). */
export function sideOf(direction: Vector3): string {
  const axis = main(direction);
  return LETTERS[axis][direction[axis] > 0 ? 1 : 0];
}
