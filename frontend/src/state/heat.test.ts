import { describe, expect, it } from "vitest";

import { heatSlice, paintHeat, rampColour, LEAST_DRAWN, RAMP, RAMP_AGAINST, RAMP_FOR } from "./heat";
import { planeOf, type Grid } from "./planes";

/** CIELAB lightness of an sRGB colour, as IEC 61966-2-1 and CIE 15 define them. */
function lightness([red, green, blue]: readonly [number, number, number]): number {
  const linear = (value: number) =>
    value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  const luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  return luminance > 216 / 24389 ? 116 * Math.cbrt(luminance) - 16 : (luminance * 24389) / 27;
}

describe("the ramp", () => {
  it.each([RAMP, RAMP_FOR, RAMP_AGAINST])("grows lighter by even steps", (...ramp) => {
    const steps = [0, 51, 102, 153, 204, 255].map((value) => lightness(rampColour(value, ramp)));
    expect(steps[0]).toBeCloseTo(19, -0.5);
    expect(steps[5]).toBeCloseTo(90, -0.5);
    const rises = steps.slice(1).map((step, index) => step - (steps[index] ?? 0));
    expect(Math.min(...rises)).toBeGreaterThan(12);
    expect(Math.max(...rises) - Math.min(...rises)).toBeLessThan(5);
  });

  it("leaves the image alone where there is next to nothing", () => {
    const pixels = paintHeat(Uint8Array.from([0, LEAST_DRAWN - 1, LEAST_DRAWN, 255]), 0.5);
    expect([...pixels].map((pixel) => pixel >>> 24)).toEqual([0, 0, 13, 128]);
    const covered = [...paintHeat(Uint8Array.from([32, 64, 128, 200]), 0.5)].map((pixel) => pixel >>> 24);
    expect(covered).toEqual([32, 64, 128, 128]);
    const [red, green, blue] = rampColour(255);
    expect((pixels[3] ?? 0) & 0xffffff).toBe((blue << 16) | (green << 8) | red);
  });

  it("draws what speaks for and what speaks against in two hues, and nothing in none", () => {
    const pixels = paintHeat(Uint8Array.from([0, 127, 128, 129, 255]), 1, true);
    expect([...pixels].map((pixel) => pixel >>> 24)).toEqual([255, 0, 0, 0, 255]);
    const [against, , , , inFavour] = [...pixels].map((pixel) => [pixel & 255, (pixel >> 16) & 255] as const);
    expect(against?.[1]).toBeGreaterThan(against?.[0] ?? 255);
    expect(inFavour?.[0]).toBeGreaterThan(inFavour?.[1] ?? 255);
  });
});

describe("a slice", () => {
  it("is cut like the images", () => {
    const shape = [2, 3, 4] as const;
    const grid: Grid = {
      shape,
      spacingMm: [1, 1, 1],
      originMm: [0, 0, 0],
      axes: [
        [0, 0, 1],
        [0, 1, 0],
        [1, 0, 0],
      ],
      isMeasured: true,
    };
    const map = { id: "a", isSigned: false, shape, voxels: Uint8Array.from({ length: 24 }, (_, index) => index) };
    expect([...heatSlice(map, planeOf(grid, "acquired"), 1)]).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]);
  });
});
