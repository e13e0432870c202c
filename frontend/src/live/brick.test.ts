import { describe, expect, it } from "vitest";

import { BRICK_HEADER_BYTES, BrickError, encodeBrick, readBrick, writeRuns, type Voxels } from "./brick";

/** Three slices of 4 x 5: a box of 7s in slices 1 and 2, one voxel of 2 in the last corner. */
function phantom(make: (length: number) => Voxels): Voxels {
  const voxels = make(3 * 4 * 5);
  for (const slice of [1, 2])
    for (const row of [1, 2]) voxels.fill(7, slice * 20 + row * 5 + 1, slice * 20 + row * 5 + 4);
  voxels[59] = 2;
  return voxels;
}

describe("bricks", () => {
  it.each([
    ["uint8", (length: number) => new Uint8Array(length)],
    ["uint16", (length: number) => new Uint16Array(length)],
  ] as const)("come back as they were written (%s)", (_, make) => {
    const voxels = phantom(make);
    const bytes = encodeBrick(voxels, 4, 4, 5);
    const brick = readBrick(bytes.buffer);
    expect(brick).toMatchObject({ sequence: 0, sliceStart: 4, sliceCount: 3, rows: 4, columns: 5 });
    expect(bytes.length % 4).toBe(0);
    expect(brick.byteLength).toBe(bytes.length);
    const volume = make(8 * 20);
    writeRuns(brick, volume, [8, 4, 5]);
    expect(volume.slice(80, 140)).toEqual(voxels);
    expect(volume.slice(0, 80).every((value) => value === 0)).toBe(true);
  });

  it("hold no more runs than there are", () => {
    const brick = readBrick(
      encodeBrick(
        phantom((length) => new Uint8Array(length)),
        0,
        4,
        5,
      ).buffer,
    );
    // Two boxes of two rows: before, row, gap, row, ... and the corner.
    expect([...brick.values]).toEqual([0, 7, 0, 7, 0, 7, 0, 7, 0, 2]);
    expect(brick.runLengths.reduce((sum, length) => sum + length, 0)).toBe(60);
  });

  it("lie one after the other", () => {
    const one = encodeBrick(new Uint8Array(20).fill(1), 0, 4, 5);
    const two = encodeBrick(new Uint8Array(20).fill(2), 7, 4, 5);
    const both = new Uint8Array(one.length + two.length);
    both.set(one);
    both.set(two, one.length);
    const first = readBrick(both.buffer);
    const second = readBrick(both.buffer, first.byteLength);
    expect([first.sliceStart, second.sliceStart]).toEqual([0, 7]);
    expect([...second.values]).toEqual([2]);
  });

  it("are refused when cut, foreign or lying", () => {
    const whole = encodeBrick(
      phantom((length) => new Uint8Array(length)),
      0,
      4,
      5,
    );
    expect(() => readBrick(whole.buffer.slice(0, BRICK_HEADER_BYTES - 4))).toThrow(BrickError);
    expect(() => readBrick(whole.buffer.slice(0, whole.length - 4))).toThrow(BrickError);
    const foreign = whole.slice();
    foreign[0] = 0;
    expect(() => readBrick(foreign.buffer)).toThrow(BrickError);
    const lying = whole.slice();
    new DataView(lying.buffer).setUint32(BRICK_HEADER_BYTES, 999_999, true);
    expect(() => readBrick(lying.buffer)).toThrow(BrickError);
  });

  it("of version 2 are boxes within their slices, however wide", () => {
    // two slices of 2 x columns, each voxel its own number, first voxel at slice 1, row 1, column `start`
    for (const [columns, start] of [
      [3, 1],
      [5, 0],
    ] as const) {
      const values = Uint8Array.from({ length: 4 * columns }, (_, index) => index + 1);
      const whole = encodeBrick(values, 1, 2, columns);
      const box = new Uint8Array(whole.length + 8);
      box.set(whole.subarray(0, BRICK_HEADER_BYTES));
      box.set(whole.subarray(BRICK_HEADER_BYTES), BRICK_HEADER_BYTES + 8);
      box[5] = 2;
      new DataView(box.buffer).setUint32(48, 1, true);
      new DataView(box.buffer).setUint32(52, start, true);
      const brick = readBrick(box.buffer);
      expect(brick).toMatchObject({ sliceStart: 1, rowStart: 1, columnStart: start, rows: 2, columns });
      const volume = new Uint8Array(3 * 4 * 5);
      writeRuns(brick, volume, [3, 4, 5]);
      const expected = new Uint8Array(3 * 4 * 5);
      values.forEach((value, index) => {
        const [line, column] = [Math.floor(index / columns), index % columns];
        expected[(1 + Math.floor(line / 2)) * 20 + (1 + (line % 2)) * 5 + start + column] = value;
      });
      expect(volume).toEqual(expected);
    }
  });

  it("do not write outside their label map", () => {
    const brick = readBrick(encodeBrick(new Uint8Array(20).fill(1), 2, 4, 5).buffer);
    expect(() => {
      writeRuns(brick, new Uint8Array(40), [2, 4, 5]);
    }).toThrow(BrickError);
  });
});
