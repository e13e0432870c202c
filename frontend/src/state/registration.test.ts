import { describe, expect, it } from "vitest";

import { planeOf, positionMm, voxelAt, type Grid } from "./planes";
import {
  compose,
  currentToPriorIndex,
  IDENTITY,
  indexToPatient,
  invert,
  lampOf,
  likestPlane,
  transform,
  voxelNear,
} from "./registration";
import type { Registration } from "./records";
import { fitGreys, resampleImage, subtractImage } from "./resampling";

/** Axial, feet to head, 2 mm by 1 mm by 1 mm. */
const axial: Grid = {
  shape: [6, 8, 10],
  spacingMm: [2, 1, 1],
  originMm: [-5, -4, 10],
  axes: [
    [0, 0, 1],
    [0, 1, 0],
    [1, 0, 0],
  ],
  isMeasured: true,
};
/** Coronal: slices run to the back, rows down the body. */
const coronal: Grid = {
  shape: [12, 14, 16],
  spacingMm: [1.5, 1, 1],
  originMm: [-8, -9, 18],
  axes: [
    [0, 1, 0],
    [0, 0, -1],
    [1, 0, 0],
  ],
  isMeasured: true,
};
/** A quarter turn about z with a shift and a stretch along x. */
const TURN = [0, -1.1, 0, 3, 1, 0, 0, -2, 0, 0, 1, 5];

describe("affine ways", () => {
  it("lead home when composed with their inverse", () => {
    compose(invert(TURN), TURN).forEach((value, i) => expect(value).toBeCloseTo(IDENTITY[i] ?? 0, 12));
  });

  it("compose in the order they are applied", () => {
    const shift = [1, 0, 0, 7, 0, 1, 0, 0, 0, 0, 1, 0];
    expect(transform(compose(TURN, shift), [1, 2, 3])).toEqual(transform(TURN, transform(shift, [1, 2, 3])));
  });

  it("agree with the grid on where a voxel lies", () => {
    transform(indexToPatient(coronal), [3, 4, 5]).forEach((value, i) =>
      expect(value).toBeCloseTo(positionMm(coronal, [3, 4, 5])[i] ?? 0, 12),
    );
  });

  it("find the voxel of the prior under a voxel of the current series", () => {
    const way = currentToPriorIndex(axial, coronal, TURN);
    const prior = transform(way, [2, 3, 4]);
    const back = transform(TURN, transform(indexToPatient(coronal), prior));
    back.forEach((value, i) => expect(value).toBeCloseTo(positionMm(axial, [2, 3, 4])[i] ?? 0, 9));
  });
});

describe("voxelNear", () => {
  it("returns the voxel whose centre is meant", () => {
    expect(voxelNear(coronal, positionMm(coronal, [3, 4, 5]))).toEqual({ voxel: [3, 4, 5], isInside: true });
  });

  it("stays in the grid and says that the point does not", () => {
    expect(voxelNear(axial, [1000, 0, 12])).toEqual({ voxel: [1, 4, 9], isInside: false });
  });
});

describe("likestPlane", () => {
  it("shows the axial plane of a coronal series beside an axial one", () => {
    const id = likestPlane(axial, planeOf(axial, "acquired"), coronal, IDENTITY);
    expect(planeOf(coronal, id).name).toBe("Axial");
  });
});

/** A value that is linear in place, so that linear interpolation is exact. */
const valueOf = ([x, y, z]: readonly [number, number, number]) => 2 * x + 3 * y + 5 * z;

function fill(grid: Grid): Float32Array {
  const values = new Float32Array(grid.shape[0] * grid.shape[1] * grid.shape[2]);
  let i = 0;
  for (let s = 0; s < grid.shape[0]; s++)
    for (let r = 0; r < grid.shape[1]; r++)
      for (let c = 0; c < grid.shape[2]; c++) values[i++] = valueOf(positionMm(grid, [s, r, c]));
  return values;
}

describe("resampleImage", () => {
  it("takes from the prior what lies at the same place of the patient, in every plane", () => {
    const source = {
      values: fill(coronal),
      shape: coronal.shape,
      fromIndex: currentToPriorIndex(axial, coronal, TURN),
    };
    for (const id of ["acquired", "along_rows", "along_columns"] as const) {
      const plane = planeOf(axial, id);
      const image = resampleImage(source, plane, 2);
      let compared = 0;
      for (let row = 0; row < plane.rows; row++)
        for (let column = 0; column < plane.columns; column++) {
          const mm = transform(invert(TURN), positionMm(axial, voxelAt(plane, 2, column, row)));
          const index = transform(invert(indexToPatient(coronal)), mm);
          const isCovered = index.every((value, axis) => value >= 0 && value <= coronal.shape[axis]! - 1);
          if (!isCovered) continue;
          compared += 1;
          expect(image[row * plane.columns + column]).toBeCloseTo(valueOf(mm), 3);
        }
      expect(compared).toBeGreaterThan(10);
    }
  });

  it("says where the prior does not reach", () => {
    const far = [1, 0, 0, 500, 0, 1, 0, 0, 0, 0, 1, 0];
    const source = { values: fill(coronal), shape: coronal.shape, fromIndex: currentToPriorIndex(axial, coronal, far) };
    expect(resampleImage(source, planeOf(axial, "acquired"), 0).every(Number.isNaN)).toBe(true);
  });
});

describe("subtractImage", () => {
  it("is current minus the scaled prior, and nothing where there is no prior", () => {
    const difference = subtractImage([10, 20, 30], new Float32Array([1, 2, NaN]), { factor: 3, offset: 1 });
    expect([...difference]).toEqual([6, 13, 0]);
  });

  it("undoes another gain and offset of an MR", () => {
    const pairs = Array.from({ length: 2000 }, (_, i) => [4 * (i % 97) + 11, i % 97] as const);
    const { factor, offset } = fitGreys(pairs);
    expect(factor).toBeCloseTo(4, 9);
    expect(offset).toBeCloseTo(11, 9);
  });
});

describe("lampOf", () => {
  const of = (part: Partial<Registration>) => lampOf(part as Registration);
  it("never shows trust that is not there", () => {
    expect(lampOf(null)).toBe("none");
    expect(of({ state: "pending", is_trusted: false })).toBe("running");
    expect(of({ state: "failed", is_trusted: false })).toBe("failed");
    expect(of({ state: "done", is_trusted: false })).toBe("doubtful");
    expect(of({ state: "done", is_trusted: true })).toBe("trusted");
  });
});
