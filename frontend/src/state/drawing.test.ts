import { describe, expect, it } from "vitest";

import { makeTip, stamp, strokeCentres } from "./brush";
import { EditHistory } from "./edit_history";
import { LabelMap } from "./label_map";
import { planeOf, type Grid, type Triple } from "./planes";

const shape: Triple = [9, 20, 20];
const grid: Grid = {
  shape,
  spacingMm: [3, 1, 1],
  originMm: [0, 0, 0],
  axes: [
    [0, 0, 1],
    [0, 1, 0],
    [1, 0, 0],
  ],
  isMeasured: true,
};
const never = () => false;

describe("brush", () => {
  it("covers the pixels within its radius, in the plane only", () => {
    const { offsets } = makeTip(planeOf(grid, "acquired"), grid.spacingMm, 2, "circle");
    // Lattice points of a disc of radius 2: 13.
    expect(offsets).toHaveLength(13);
    expect(offsets.every(([slice]) => slice === 0)).toBe(true);
  });

  it("is as wide in mm across the slices as along them", () => {
    const { offsets } = makeTip(planeOf(grid, "along_rows"), grid.spacingMm, 3, "circle");
    expect(offsets.every(([, row]) => row === 0)).toBe(true);
    expect(offsets).toContainEqual([1, 0, 0]);
    expect(offsets).not.toContainEqual([1, 0, 1]);
  });

  it("reaches into neighbouring slices as a sphere", () => {
    const { offsets } = makeTip(planeOf(grid, "acquired"), grid.spacingMm, 3.1, "sphere");
    const counts = [-1, 0, 1].map((slice) => offsets.filter((offset) => offset[0] === slice).length);
    const disc = (radius: number) => {
      let count = 0;
      for (let x = -5; x <= 5; x++) for (let y = -5; y <= 5; y++) if (Math.hypot(x, y) <= radius) count++;
      return count;
    };
    const cap = Math.sqrt(3.1 ** 2 - 3 ** 2);
    expect(counts).toEqual([disc(cap), disc(3.1), disc(cap)]);
  });

  it("always covers at least the voxel under it", () => {
    expect(makeTip(planeOf(grid, "acquired"), [3, 4, 4], 1, "circle").offsets).toEqual([[0, 0, 0]]);
  });

  it("leaves locked segments alone and stays inside", () => {
    const voxels = new Uint8Array(9 * 20 * 20);
    voxels[0] = 5;
    const tip = makeTip(planeOf(grid, "acquired"), grid.spacingMm, 1, "circle");
    const changes = stamp(voxels, shape, tip, [0, 0, 0], 1, (segment) => segment === 5);
    expect(changes.map((change) => change.index)).toEqual([1, 20]);
    expect(voxels[0]).toBe(5);
  });

  it("leaves no gap in a quick stroke", () => {
    const centres = strokeCentres([2, 0, 0], [2, 10, 4]);
    expect(centres[0]).toEqual([2, 0, 0]);
    expect(centres.at(-1)).toEqual([2, 10, 4]);
    for (let i = 1; i < centres.length; i++)
      expect(
        Math.max(...centres[i]!.map((value, axis) => Math.abs(value - centres[i - 1]![axis]!))),
      ).toBeLessThanOrEqual(1);
  });
});

describe("edit history", () => {
  it("takes back and redoes strokes, and says which slices changed", () => {
    const labelMap = new LabelMap(shape);
    const history = new EditHistory();
    const tip = makeTip(planeOf(grid, "acquired"), grid.spacingMm, 1, "circle");
    const changes = stamp(labelMap.voxels, shape, tip, [4, 10, 10], 2, never);
    history.push({
      indices: Uint32Array.from(changes, (change) => change.index),
      before: Uint16Array.from(changes, (change) => change.before),
      after: new Uint16Array(changes.length).fill(2),
    });
    labelMap.touch(4, 1);
    expect(labelMap.labelledVoxels).toBe(5);
    expect(history.undo(labelMap)).toEqual(new Set([4]));
    expect(labelMap.labelledVoxels).toBe(0);
    expect([history.canUndo, history.canRedo]).toEqual([false, true]);
    expect(history.redo(labelMap)).toEqual(new Set([4]));
    expect(labelMap.countVoxels()).toEqual(new Map([[2, 5]]));
  });
});

describe("label map", () => {
  it("counts voxels per segment and counts altered slices again", () => {
    const labelMap = new LabelMap([2, 3, 4]);
    labelMap.write(0, 2, (voxels) => {
      voxels.set([1, 1, 2], 0);
      voxels[23] = 2;
    });
    expect(labelMap.countVoxels()).toEqual(
      new Map([
        [1, 2],
        [2, 2],
      ]),
    );
    labelMap.write(1, 1, (voxels) => {
      voxels[23] = 0;
    });
    expect(labelMap.countVoxels().get(2)).toBe(1);
  });

  it("tells its views of each change and can hold large segment numbers", () => {
    const labelMap = new LabelMap([1, 2, 2]);
    let told = 0;
    const stop = labelMap.subscribe(() => told++);
    labelMap.clear(true);
    labelMap.write(0, 1, (voxels) => {
      voxels[3] = 700;
    });
    stop();
    labelMap.touch(0, 1);
    expect(told).toBe(2);
    expect(labelMap.countVoxels()).toEqual(new Map([[700, 1]]));
  });
});
