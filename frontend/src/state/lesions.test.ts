import { describe, expect, it } from "vitest";

import { canHoldLesions } from "./lesions";
import type { Revision } from "./records";

const segment = (number: number, category: readonly string[]): Revision["segments"][number] => ({
  segment_number: number,
  segment_label: category[2] ?? "",
  colour: "#e69f00",
  category_code: [...category],
  type_code: ["52988006", "SCT", "Lesion"],
  volume_ml: 1,
  voxel_count: 1000,
});
const ORGAN = ["123037004", "SCT", "Anatomical Structure"];
const ABNORMAL = ["49755003", "SCT", "Morphologically Altered Structure"];

describe("what can hold lesions", () => {
  it("is no organ", () => {
    expect(canHoldLesions({ segments: [segment(1, ORGAN), segment(2, ORGAN)] })).toBe(false);
  });

  it("is what a disease has altered, beside an organ or alone", () => {
    const beside = { segments: [segment(1, ORGAN), segment(2, ABNORMAL)] };
    expect(canHoldLesions(beside)).toBe(true);
    expect([1, 2].map((number) => canHoldLesions(beside, number))).toEqual([false, true]);
  });
});
