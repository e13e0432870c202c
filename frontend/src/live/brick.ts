/**
 * Run-length coded label map bricks: the same bytes on the socket, in saved patches and as the stored label map.
 * The layout is fixed by studies/label_maps/codec.py.
 */

export type Voxels = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

export interface Brick {
  sequence: number;
  sliceStart: number;
  sliceCount: number;
  rows: number;
  columns: number;
  runLengths: Uint32Array;
  values: Uint8Array | Uint16Array;
  byteLength: number;
}

export const BRICK_HEADER_BYTES = 48;
const MAGIC = 0x31425753; // "SWB1" read as a little-endian word
const VERSION = 1;
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
  require(header.getUint32(0, true) === MAGIC && header.getUint8(5) === VERSION, "Not a brick of a known version.");
  const dtype = header.getUint8(4);
  require(dtype === UINT8 || dtype === UINT16, "Brick of an unknown type.");
  const sequence = header.getUint32(8, true);
  const sliceStart = header.getUint32(12, true);
  const sliceCount = header.getUint32(16, true);
  const rows = header.getUint32(20, true);
  const columns = header.getUint32(24, true);
  const runCount = header.getUint32(28, true);
  const valueBytes = runCount * (dtype === UINT8 ? 1 : 2);
  const byteLength = Math.ceil((BRICK_HEADER_BYTES + 4 * runCount + valueBytes) / 4) * 4;
  require(data.byteLength - offset >= byteLength, "Brick is cut short.");
  const runLengths = new Uint32Array(data, offset + BRICK_HEADER_BYTES, runCount);
  const valueStart = offset + BRICK_HEADER_BYTES + 4 * runCount;
  const values =
    dtype === UINT8 ? new Uint8Array(data, valueStart, runCount) : new Uint16Array(data, valueStart, runCount);
  let covered = 0;
  for (const length of runLengths) covered += length;
  require(covered === sliceCount * rows * columns, "Runs of a brick do not cover its slices.");
  return { sequence, sliceStart, sliceCount, rows, columns, runLengths, values, byteLength };
}

/** Write a brick's runs into the voxels of its label map, axes (slice, row, column). */
export function writeRuns(brick: Brick, voxels: Voxels): void {
  const { runLengths, values } = brick;
  let position = brick.sliceStart * brick.rows * brick.columns;
  require(position + brick.sliceCount * brick.rows * brick.columns <=
    voxels.length, "Brick lies outside its label map.");
  for (let run = 0; run < runLengths.length; run++) {
    const end = position + (runLengths[run] ?? 0);
    voxels.fill(values[run] ?? 0, position, end);
    position = end;
  }
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
  header.setUint8(5, VERSION);
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
