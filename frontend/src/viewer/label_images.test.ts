import { describe, expect, it } from "vitest";

import { LabelMap } from "../state/label_map";
import { planeOf, voxelAt, type Grid, type PlaneId } from "../state/planes";
import { LaidOverLabels, OwnLabels } from "./label_images";

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

describe("the labels of an image", () => {
  it.each(["acquired", "along_rows", "along_columns"] as PlaneId[])("cuts labels as images are cut (%s)", (id) => {
    const labelMap = new LabelMap(grid.shape);
    labelMap.voxels = Uint8Array.from({ length: 60 }, (_, index) => index + 1);
    const plane = planeOf(grid, id);
    const { labels, isEmpty } = new OwnLabels(labelMap).slice(plane, 1);
    expect(isEmpty).toBe(false);
    expect(labels).toHaveLength(plane.rows * plane.columns);
    for (let row = 0; row < plane.rows; row++)
      for (let column = 0; column < plane.columns; column++) {
        const [s, r, c] = voxelAt(plane, 1, column, row);
        expect(labels[row * plane.columns + column]).toBe((s * 4 + r) * 5 + c + 1);
      }
  });

  it.each(["acquired", "along_rows", "along_columns"] as PlaneId[])(
    "lie over the images of another grid (%s)",
    (id) => {
      // The prior has half the slice distance and lies one voxel of the current grid further along its rows.
      const prior = new LabelMap([6, 4, 5]);
      prior.voxels = Uint8Array.from({ length: 120 }, (_, index) => index + 1);
      const plane = planeOf(grid, id);
      const { labels } = new LaidOverLabels(prior, [2, 0, 0, 0.3, 0, 1, 0, 0, 0, 0, 1, -1]).slice(plane, 1);
      for (let row = 0; row < plane.rows; row++)
        for (let column = 0; column < plane.columns; column++) {
          const [s, r, c] = voxelAt(plane, 1, column, row);
          expect(labels[row * plane.columns + column]).toBe(c === 0 ? 0 : (2 * s * 4 + r) * 5 + c);
        }
    },
  );

  it("knows a slice without labels", () => {
    expect(new OwnLabels(new LabelMap(grid.shape)).slice(planeOf(grid, "acquired"), 2).isEmpty).toBe(true);
  });
});
