import { voxelAt, type Plane, type Triple } from "./planes";
import { transform, type Affine } from "./registration";

type Values = Int16Array | Uint16Array | Uint8Array | Float32Array;

/** A volume to take values from, and the way to it from the voxels of another grid. */
export interface ResampledFrom {
  readonly values: Values;
  readonly shape: Triple;
  readonly fromIndex: Affine;
}

/**
 * One image of a plane of another grid, filled from a volume by linear interpolation; NaN where the volume does not
 * reach. An image of 512 x 512 takes some milliseconds.
 */
export function resampleImage(source: ResampledFrom, plane: Plane, index: number): Float32Array<ArrayBuffer> {
  const image = new Float32Array(plane.columns * plane.rows);
  let target = 0;
  walkThrough(source, plane, index, (slice, row, column) => {
    image[target++] = valueAt(source, slice, row, column);
  });
  return image;
}

/** One image of a plane of another grid, filled with the labels of the nearest voxels; none beyond the volume. */
export function resampleLabels(source: ResampledFrom, plane: Plane, index: number): Uint16Array<ArrayBuffer> {
  const image = new Uint16Array(plane.columns * plane.rows);
  let target = 0;
  walkThrough(source, plane, index, (slice, row, column) => {
    image[target++] = nearestValue(source, slice, row, column);
  });
  return image;
}

function nearestValue({ values, shape }: ResampledFrom, slice: number, row: number, column: number): number {
  const [s, r, c] = [Math.round(slice), Math.round(row), Math.round(column)];
  const isInside = s >= 0 && r >= 0 && c >= 0 && s < shape[0] && r < shape[1] && c < shape[2];
  return isInside ? (values[(s * shape[1] + r) * shape[2] + c] ?? 0) : 0;
}

/** Visit the place in the volume of each pixel of an image, row after row, by adding one step. */
function walkThrough(
  { fromIndex }: ResampledFrom,
  plane: Plane,
  index: number,
  visit: (slice: number, row: number, column: number) => void,
): void {
  const start = transform(fromIndex, voxelAt(plane, index, 0, 0));
  const along = transform(fromIndex, voxelAt(plane, index, 1, 0)).map((value, i) => value - (start[i] ?? 0));
  const down = transform(fromIndex, voxelAt(plane, index, 0, 1)).map((value, i) => value - (start[i] ?? 0));
  const [alongS = 0, alongR = 0, alongC = 0] = along;
  for (let row = 0; row < plane.rows; row++) {
    let slice = start[0] + row * (down[0] ?? 0);
    let line = start[1] + row * (down[1] ?? 0);
    let column = start[2] + row * (down[2] ?? 0);
    for (let i = 0; i < plane.columns; i++) {
      visit(slice, line, column);
      slice += alongS;
      line += alongR;
      column += alongC;
    }
  }
}

/** A place up to half a voxel beyond the outermost centres still belongs to the volume. */
function within(position: number, count: number): boolean {
  return position >= -0.5 && position <= count - 0.5;
}

function clamp(position: number, count: number): number {
  return Math.max(0, Math.min(count - 1, position));
}

function valueAt({ values, shape }: ResampledFrom, slice: number, row: number, column: number): number {
  if (!within(slice, shape[0]) || !within(row, shape[1]) || !within(column, shape[2])) return NaN;
  const s = clamp(slice, shape[0]);
  const r = clamp(row, shape[1]);
  const c = clamp(column, shape[2]);
  const s0 = Math.floor(s);
  const r0 = Math.floor(r);
  const c0 = Math.floor(c);
  const s1 = Math.min(s0 + 1, shape[0] - 1);
  const r1 = Math.min(r0 + 1, shape[1] - 1);
  const c1 = Math.min(c0 + 1, shape[2] - 1);
  const at = (i: number, j: number, k: number) => values[(i * shape[1] + j) * shape[2] + k] ?? 0;
  const mix = (a: number, b: number, share: number) => a + (b - a) * share;
  const line = (i: number, j: number) => mix(at(i, j, c0), at(i, j, c1), c - c0);
  const image = (i: number) => mix(line(i, r0), line(i, r1), r - r0);
  return mix(image(s0), image(s1), s - s0);
}

/** Current minus prior, the prior's greys brought to the current's; zero where there is no prior. */
export function subtractImage(
  current: ArrayLike<number>,
  prior: Float32Array,
  greys: { readonly factor: number; readonly offset: number },
): Float32Array<ArrayBuffer> {
  const difference = new Float32Array(prior.length);
  for (let i = 0; i < difference.length; i++) {
    const value = prior[i] ?? NaN;
    difference[i] = Number.isNaN(value) ? 0 : (current[i] ?? 0) - (value * greys.factor + greys.offset);
  }
  return difference;
}

const FEWEST_PAIRS = 1000;

/**
 * How to bring the greys of one MR to those of another: by mean and spread over places both show. MR has no unit; CT
 * and PET have one and are left alone.
 */
export function fitGreys(pairs: readonly (readonly [current: number, prior: number])[]): {
  readonly factor: number;
  readonly offset: number;
} {
  const count = pairs.length;
  if (count < FEWEST_PAIRS) return { factor: 1, offset: 0 };
  const mean = (pick: 0 | 1) => pairs.reduce((sum, pair) => sum + pair[pick], 0) / count;
  const means = [mean(0), mean(1)] as const;
  const spread = (pick: 0 | 1) =>
    Math.sqrt(pairs.reduce((sum, pair) => sum + (pair[pick] - means[pick]) ** 2, 0) / count);
  const [currentSpread, priorSpread] = [spread(0), spread(1)];
  if (priorSpread <= 0 || currentSpread <= 0) return { factor: 1, offset: 0 };
  const factor = currentSpread / priorSpread;
  return { factor, offset: means[0] - factor * means[1] };
}
