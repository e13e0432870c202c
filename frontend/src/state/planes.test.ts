import { describe, expect, it } from "vitest";

import { dot } from "../lib/vectors";
import {
  isInside,
  pixelAt,
  pixelOf,
  placeOf,
  planeOf,
  PLANE_IDS,
  positionMm,
  sideOf,
  voxelAt,
  walk,
  type Grid,
} from "./planes";

/** Axial as most scanners send it: slices towards the head, rows to the back, columns to the left. */
const axial: Grid = {
  shape: [4, 5, 6],
  spacingMm: [3, 0.5, 0.7],
  originMm: [-10, -20, -30],
  axes: [
    [0, 0, 1],
    [0, 1, 0],
    [1, 0, 0],
  ],
  isMeasured: true,
};

/** Sagittal: slices to the left, rows to the feet, columns to the back. */
const sagittal: Grid = {
  ...axial,
  axes: [
    [1, 0, 0],
    [0, 0, -1],
    [0, 1, 0],
  ],
};

const tilt = (10 * Math.PI) / 180;
const oblique: Grid = {
  ...axial,
  axes: [
    [0, -Math.sin(tilt), Math.cos(tilt)],
    [0, Math.cos(tilt), Math.sin(tilt)],
    [1, 0, 0],
  ],
};

describe("planes", () => {
  it("are named by the patient, not by the scanner", () => {
    expect(PLANE_IDS.map((id) => planeOf(axial, id).name)).toEqual(["Axial", "Coronal", "Sagittal"]);
    expect(PLANE_IDS.map((id) => planeOf(sagittal, id).name)).toEqual(["Sagittal", "Axial", "Coronal"]);
    expect(planeOf(oblique, "acquired").name).toBe("Axial, oblique");
    expect(planeOf(oblique, "along_columns").name).toBe("Sagittal");
  });

  it.each([
    ["axial", axial],
    ["sagittal", sagittal],
    ["oblique", oblique],
  ] as const)("show the head up, the patient's left on the right, the face left from the side (%s)", (_, grid) => {
    for (const id of ["along_rows", "along_columns"] as const) {
      const plane = planeOf(grid, id);
      const place = placeOf(grid, plane, 0);
      const sides = [sideOf(place.right), sideOf(place.down)];
      const expected = { Axial: ["L", "P"], Coronal: ["L", "I"], Sagittal: ["P", "I"] }[plane.name.split(",")[0] ?? ""];
      expect(sides).toEqual(expected);
    }
  });

  it.each(PLANE_IDS)("lead from voxel to pixel and back (%s)", (id) => {
    for (const grid of [axial, sagittal]) {
      const plane = planeOf(grid, id);
      const { index, column, row } = pixelOf(plane, [2, 3, 1]);
      expect(voxelAt(plane, index, column, row)).toEqual([2, 3, 1]);
    }
  });

  it.each(PLANE_IDS)("walk the voxels in the order of their pixels (%s)", (id) => {
    for (const grid of [axial, sagittal, oblique]) {
      const plane = planeOf(grid, id);
      const { start, stepRight, stepDown } = walk(plane, grid.shape, 1);
      for (const [column, row] of [
        [0, 0],
        [plane.columns - 1, 0],
        [1, plane.rows - 1],
      ] as const) {
        const [s, r, c] = voxelAt(plane, 1, column, row);
        expect(start + column * stepRight + row * stepDown).toBe((s * 5 + r) * 6 + c);
      }
    }
  });

  it.each(PLANE_IDS)("put a pixel where its voxel is in the patient (%s)", (id) => {
    for (const grid of [axial, sagittal, oblique]) {
      const plane = planeOf(grid, id);
      const place = placeOf(grid, plane, 2);
      const point = positionMm(grid, voxelAt(plane, 2, 3, 1));
      const found = pixelAt(place, point);
      expect(found.column).toBeCloseTo(3, 9);
      expect(found.row).toBeCloseTo(1, 9);
      expect(dot(place.right, place.down)).toBeCloseTo(0, 9);
    }
  });

  it("know where a voxel lies in mm", () => {
    expect(positionMm(axial, [1, 2, 3])).toEqual([-10 + 3 * 0.7, -20 + 2 * 0.5, -30 + 3]);
  });

  it("know inside from outside", () => {
    expect(isInside([4, 5, 6], [3, 4, 5])).toBe(true);
    expect(isInside([4, 5, 6], [4, 0, 0])).toBe(false);
    expect(isInside([4, 5, 6], [0, -1, 0])).toBe(false);
  });
});
