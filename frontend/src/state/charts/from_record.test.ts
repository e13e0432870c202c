// @vitest-environment node
import { describe, expect, it } from "vitest";

import type { components } from "../../contract/api";
import { sumPointsOf } from "./from_record";

type Schemas = components["schemas"];

/** What `sumPointsOf` reads of a verdict on two dates, and of what stands behind it. */
function course(unit: string): [Schemas["Assessment"], Schemas["Insight"]] {
  const date = (day: number, value: number) => ({
    study_id: `study ${day}`,
    study_date: "2026-01-01",
    day,
    numbers: { value, unit, low: value - 1, high: value + 1 },
    overall_response: "SD",
    bands_after: null,
  });
  const change = { old: 50, new: 40.000000000000004, low_percent: -30, high_percent: -8 };
  return [
    { questions: [], timepoints: [date(0, 50), date(56, 40)] } as unknown as Schemas["Assessment"],
    { sum_changes: [{ reference: "baseline", from_day: 0, to_day: 56, change }] } as unknown as Schemas["Insight"],
  ];
}

describe("the sums of a verdict", () => {
  it("carry the interval of their change from baseline, not that of the voxel grid", () => {
    const [assessment, insight] = course("mm");
    const [baseline, later] = sumPointsOf(assessment, insight);
    expect(baseline?.sum).toEqual({ value: 50, low: null, high: null });
    expect(later?.sum).toEqual({ value: 40, low: 35, high: 46 }); // 50 mm less 30 % and less 8 %
  });

  it("carry none where nothing is known of their error", () => {
    const [assessment, insight] = course("mm2");
    expect(sumPointsOf(assessment, insight)[1]?.sum).toEqual({ value: 40, low: null, high: null });
    expect(sumPointsOf(course("mm")[0], undefined)[1]?.sum).toEqual({ value: 40, low: null, high: null });
  });
});
