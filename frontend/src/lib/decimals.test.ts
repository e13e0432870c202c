import { describe, expect, it } from "vitest";

import { readDecimal, showDecimal } from "./decimals";

describe("decimals", () => {
  it("takes a point and a comma for the same", () => {
    expect(["1.9", "1,9", " 0.21 ", "12"].map(readDecimal)).toEqual([1.9, 1.9, 0.21, 12]);
  });

  it("tells nothing from no number", () => {
    expect(readDecimal("  ")).toBeNull();
    expect(["a", "1.9.2", "1.234,5", "-1", "1e3"].map(readDecimal)).toEqual(Array(5).fill(undefined));
  });

  it("shows what was stored in the language's way", () => {
    expect(showDecimal("1.90", "de-DE")).toBe("1,9");
    expect(showDecimal("1500.25", "en-GB")).toBe("1500.25");
    expect(showDecimal(null, "de-DE")).toBe("");
  });
});
