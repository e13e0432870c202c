import { describe, expect, it } from "vitest";

import { crossedSegment, placeCut, type CutLine } from "./cut";
import { LabelMap } from "./label_map";
import { planeOf, type Grid } from "./planes";

const grid: Grid = {
  shape: [3, 10, 12],
  spacingMm: [2, 0.5, 0.5],
  originMm: [-10, 20, 5],
  axes: [
    [0, 0, 1],
    [0, 1, 0],
    [1, 0, 0],
  ],
  isMeasured: true,
};

function down(column: number, slice = 1): CutLine {
  return { plane: planeOf(grid, "acquired"), from: [slice, -2, column], to: [slice, 9, column] };
}

describe("a line across lesions", () => {
  const labelMap = new LabelMap(grid.shape);
  // Segment 1 in columns 2 to 4, rows 2 to 7; segment 2 in columns 4 to 8, rows 8 and 9.
  for (let row = 2; row < 8; row++)
    for (let column = 2; column < 5; column++) labelMap.voxels[120 + row * 12 + column] = 1;
  for (let row = 8; row < 10; row++)
    for (let column = 4; column < 9; column++) labelMap.voxels[120 + row * 12 + column] = 2;

  it("is meant for the active segment where it meets it", () => {
    expect(crossedSegment(labelMap, down(4.2), 2)).toBe(2);
    expect(crossedSegment(labelMap, down(4.2), 1)).toBe(1);
  });

  it("is meant for the segment it meets most of where it misses the active one", () => {
    expect(crossedSegment(labelMap, down(4), 7)).toBe(1);
    expect(crossedSegment(labelMap, down(6), 1)).toBe(2);
  });

  it("stays with the active one where it meets none", () => {
    expect(crossedSegment(labelMap, down(6, 0), 1)).toBe(1);
    expect(crossedSegment(labelMap, down(400), 1)).toBe(1);
  });

  it("lies in the patient where it was drawn, seen through its plane", () => {
    const { ends, sight } = placeCut(grid, down(4.5));
    expect(ends).toEqual([
      [-7.75, 19, 7],
      [-7.75, 24.5, 7],
    ]);
    expect(sight).toEqual([0, 0, 1]);
    expect(placeCut(grid, { ...down(4.5), plane: planeOf(grid, "along_rows") }).sight).toEqual([0, 1, 0]);
  });
});
