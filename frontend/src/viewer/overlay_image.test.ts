import { describe, expect, it } from "vitest";

import { planeOf, voxelAt, type Grid, type PlaneId } from "../state/planes";
import { sliceLabels } from "./overlay_image";

const grid: Grid = {
  shape: [3, 4, 5],
  spacingMm: [2, 1, 1],
  originMm: [0, 0, 0],
  axes: [
    [0, 0, 1],
    [0, 1, 0],
    [1, 0, 0],
  ],
  isMeasured: true,
};

describe("sliceLabels", () => {
  it.each(["acquired", "along_rows", "along_columns"] as PlaneId[])("cuts labels as images are cut (%s)", (id) => {
    const voxels = Uint8Array.from({ length: 60 }, (_, index) => index + 1);
    const plane = planeOf(grid, id);
    const { labels, isEmpty } = sliceLabels(voxels, grid.shape, plane, 1);
    expect(isEmpty).toBe(false);
    expect(labels).toHaveLength(plane.rows * plane.columns);
    for (let row = 0; row < plane.rows; row++)
      for (let column = 0; column < plane.columns; column++) {
        const [s, r, c] = voxelAt(plane, 1, column, row);
        expect(labels[row * plane.columns + column]).toBe((s * 4 + r) * 5 + c + 1);
      }
  });

  it("knows a slice without labels", () => {
    expect(sliceLabels(new Uint8Array(60), grid.shape, planeOf(grid, "acquired"), 2).isEmpty).toBe(true);
  });
});
