/**
 * Run-length coded label map bricks: the same bytes on the socket, in saved patches and as the stored label map.
 * The layout is fixed by studies/label_maps/codec.py.
 */

export type Voxels = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

export interface Brick {
  sequence: number;
  sliceStart: number;
  rowStart: number;
  columnStart: number;
  sliceCount: number;
  rows: number;
  columns: number;
  runLengths: Uint32Array;
  values: Uint8Array | Uint16Array;
  byteLength: number;
}

export const BRICK_HEADER_BYTES = 48;
const MAGIC = 0x31425753; // "SWB1" read as a little-endian word
const WHOLE = 1;
const BOX = 2;
const BOX_ORIGIN_BYTES = 8;
const UINT8 = 1;
const UINT16 = 2;

export class BrickError extends Error {}

function require(condition: boolean, message: string): asserts condition {
  if (!condition) throw new BrickError(message);
}

/** Read the brick that starts at `offset`; its arrays are views on `data`. */
export function readBrick(data: ArrayBuffer, offset = 0): Brick {
  require(offset % 4 === 0 && data.byteLength - offset >= BRICK_HEADER_BYTES, "Brick is cut short.");
  const header = new DataView(data, offset, BRICK_HEADER_BYTES);
  require(header.getUint32(0, true) === MAGIC, "Not a brick.");
  const { rowStart, columnStart, bytes } = readBoxOrigin(header.getUint8(5), data, offset + BRICK_HEADER_BYTES);
  const runsAt = BRICK_HEADER_BYTES + bytes;
  const dtype = header.getUint8(4);
  require(dtype === UINT8 || dtype === UINT16, "Brick of an unknown type.");
  const sequence = header.getUint32(8, true);
  const sliceStart = header.getUint32(12, true);
  const sliceCount = header.getUint32(16, true);
  const rows = header.getUint32(20, true);
  const columns = header.getUint32(24, true);
  const runCount = header.getUint32(28, true);
  const valueBytes = runCount * (dtype === UINT8 ? 1 : 2);
  const byteLength = Math.ceil((runsAt + 4 * runCount + valueBytes) / 4) * 4;
  require(data.byteLength - offset >= byteLength, "Brick is cut short.");
  const runLengths = new Uint32Array(data, offset + runsAt, runCount);
  const valueStart = offset + runsAt + 4 * runCount;
  const values =
    dtype === UINT8 ? new Uint8Array(data, valueStart, runCount) : new Uint16Array(data, valueStart, runCount);
  let covered = 0;
  for (const length of runLengths) covered += length;
  require(covered === sliceCount * rows * columns, "Runs of a brick do not cover its slices.");
  return { sequence, sliceStart, rowStart, columnStart, sliceCount, rows, columns, runLengths, values, byteLength };
}

function readBoxOrigin(version: number, data: ArrayBuffer, offset: number) {
  if (version === WHOLE) return { rowStart: 0, columnStart: 0, bytes: 0 };
  require(version === BOX, "Not a brick of a known version.");
  require(data.byteLength >= offset + BOX_ORIGIN_BYTES, "Brick is cut short.");
  const origin = new DataView(data, offset, BOX_ORIGIN_BYTES);
  return { rowStart: origin.getUint32(0, true), columnStart: origin.getUint32(4, true), bytes: BOX_ORIGIN_BYTES };
}

/** Write a brick's runs into the voxels of a label map of `shape` (slices, rows, columns). */
export function writeRuns(brick: Brick, voxels: Voxels, shape: readonly [number, number, number]): void {
  const [slices, rows, columns] = shape;
  const isInside =
    brick.sliceStart + brick.sliceCount <= slices &&
    brick.rowStart + brick.rows <= rows &&
    brick.columnStart + brick.columns <= columns;
  require(isInside, "Brick lies outside its label map.");
  const at = (voxel: number) => {
    const line = Math.floor(voxel / brick.columns);
    const slice = brick.sliceStart + Math.floor(line / brick.rows);
    const row = brick.rowStart + (line % brick.rows);
    return (slice * rows + row) * columns + brick.columnStart + (voxel % brick.columns);
  };
  // whole rows lie end to end: a run is one stretch; in a narrower box it is cut at the end of each line
  const stretch = brick.columns === columns ? brick.rows * (brick.rows === rows ? brick.sliceCount : 1) : 1;
  const most = stretch * brick.columns;
  let voxel = 0;
  brick.runLengths.forEach((length, run) => {
    const end = voxel + length;
    while (voxel < end) {
      const stop = Math.min(end, (Math.floor(voxel / most) + 1) * most);
      const position = at(voxel);
      voxels.fill(brick.values[run] ?? 0, position, position + stop - voxel);
      voxel = stop;
    }
  });
}

function countRuns(voxels: Voxels): number {
  let runs = voxels.length > 0 ? 1 : 0;
  for (let i = 1; i < voxels.length; i++) if (voxels[i] !== voxels[i - 1]) runs++;
  return runs;
}

/** Encode whole slices, given as their voxels in C order. */
export function encodeBrick(
  voxels: Voxels,
  sliceStart: number,
  rows: number,
  columns: number,
): Uint8Array<ArrayBuffer> {
  const isWide = voxels instanceof Uint16Array;
  const runCount = countRuns(voxels);
  const valueStart = BRICK_HEADER_BYTES + 4 * runCount;
  const data = new ArrayBuffer(Math.ceil((valueStart + runCount * (isWide ? 2 : 1)) / 4) * 4);
  const header = new DataView(data);
  header.setUint32(0, MAGIC, true);
  header.setUint8(4, isWide ? UINT16 : UINT8);
  header.setUint8(5, WHOLE);
  const words = [0, sliceStart, voxels.length / (rows * columns), rows, columns, runCount];
  words.forEach((word, index) => {
    header.setUint32(8 + 4 * index, word, true);
  });
  const lengths = new Uint32Array(data, BRICK_HEADER_BYTES, runCount);
  const values = isWide ? new Uint16Array(data, valueStart, runCount) : new Uint8Array(data, valueStart, runCount);
  let run = 0;
  let start = 0;
  for (let i = 1; i <= voxels.length; i++) {
    if (i < voxels.length && voxels[i] === voxels[start]) continue;
    lengths[run] = i - start;
    values[run++] = voxels[start] ?? 0;
    start = i;
  }
  return new Uint8Array(data);
}
