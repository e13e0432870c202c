import { walk, type Plane, type Triple } from "./planes";

/**
 * Colours of a map from nothing to most: one hue whose lightness alone rises evenly (CIELAB L* 19 to 90), so that it
 * reads the same with every kind of colour vision and on a grey print. Red, green and blue; between them it is linear.
 */
export const RAMP: readonly (readonly [number, number, number])[] = [
  [84, 20, 72],
  [134, 40, 112],
  [180, 72, 148],
  [219, 114, 182],
  [243, 162, 212],
  [253, 216, 238],
];

/** The same lightness in two more hues, for maps with a sign: what speaks for an answer, and what against it. */
export const RAMP_FOR: typeof RAMP = [
  [74, 37, 0],
  [123, 62, 1],
  [174, 90, 1],
  [223, 123, 31],
  [255, 167, 97],
  [255, 220, 196],
];
export const RAMP_AGAINST: typeof RAMP = [
  [2, 49, 77],
  [2, 83, 126],
  [1, 119, 178],
  [10, 157, 233],
  [123, 193, 255],
  [207, 229, 254],
];

/** The byte of nothing, in a map with a sign. */
const ZERO_LEVEL = 128;

/** Values from here on are drawn: what is nearer to nothing leaves the image as it is. */
export const LEAST_DRAWN = 13;

/** Values from here on cover as much as was asked for; weaker ones less, so that the images show through. */
const FULLY_DRAWN = 128;

/** What a run found besides its labels: a byte for every voxel, on the grid of its series. */
export interface HeatMap {
  readonly id: string;
  readonly voxels: Uint8Array<ArrayBuffer>;
  readonly shape: Triple;
  /** Whether bytes below 128 are less than nothing. */
  readonly isSigned: boolean;
}

/** Red, green and blue of a value from 0 to 255. */
export function rampColour(value: number, ramp: typeof RAMP = RAMP): readonly [number, number, number] {
  const place = (Math.max(0, Math.min(255, value)) / 255) * (ramp.length - 1);
  const below = Math.min(Math.floor(place), ramp.length - 2);
  const [from, to] = [ramp[below] ?? [0, 0, 0], ramp[below + 1] ?? [0, 0, 0]];
  const mix = (channel: 0 | 1 | 2) => Math.round(from[channel] + (to[channel] - from[channel]) * (place - below));
  return [mix(0), mix(1), mix(2)];
}

/** How strong a byte is, 0 to 255, and in which hue it is drawn. */
function readLevel(value: number, isSigned: boolean): { readonly strength: number; readonly ramp: typeof RAMP } {
  if (!isSigned) return { strength: value, ramp: RAMP };
  const strength = Math.min(255, Math.abs(value - ZERO_LEVEL) * 2);
  return { strength, ramp: value < ZERO_LEVEL ? RAMP_AGAINST : RAMP_FOR };
}

/** The values of one image of a plane, row after row. */
export function heatSlice({ voxels, shape }: HeatMap, plane: Plane, index: number): Uint8Array {
  const { start, stepRight, stepDown } = walk(plane, shape, index);
  const values = new Uint8Array(plane.columns * plane.rows);
  let target = 0;
  for (let row = 0; row < plane.rows; row++) {
    let source = start + row * stepDown;
    for (let column = 0; column < plane.columns; column++, source += stepRight) values[target++] = voxels[source] ?? 0;
  }
  return values;
}

/** Pixels of those values, as a canvas takes them: red, green, blue and how much they cover. */
export function paintHeat(values: Uint8Array, opacity: number, isSigned = false): Uint32Array<ArrayBuffer> {
  const words = Uint32Array.from({ length: 256 }, (_, value) => {
    const { strength, ramp } = readLevel(value, isSigned);
    if (strength < LEAST_DRAWN) return 0;
    const [red, green, blue] = rampColour(strength, ramp);
    const covered = opacity * Math.min(1, strength / FULLY_DRAWN);
    return ((Math.round(covered * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
  return Uint32Array.from(values, (value) => words[value] ?? 0);
}
