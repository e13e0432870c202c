import { describe, expect, it } from "vitest";

import type { components } from "../contract/api";
import { changeOf, datesOf, dismissedOf, rowsOf } from "./lesion_table";

type Tracking = components["schemas"]["Tracking"];

const quantity = (value: number) => ({ value, interval: { low: value - 1, high: value + 1 } });
const measurement = (longest: number, across: number) => ({
  longest_diameter: quantity(longest),
  perpendicular_diameter: quantity(across),
  volume: quantity(2),
});
const seen = (timepoint: string, state: string, rest: object = {}) => ({
  timepoint_id: timepoint,
  state,
  measurements: [],
  confirmed_by: null,
  proposal: { must_ask: false },
  ...rest,
});
const lesion = (name: string, kind: string, observations: object[], dismissed = "") => ({
  name,
  description: { kind, dismissed_reason: dismissed },
  observations,
  places: [{ timepoint_id: "t1", at_mm: [1, 2, 3] }],
});
const tracking = {
  timepoints: [
    { id: "t1", day: 0 },
    { id: "t2", day: 56 },
    { id: "left out", day: null },
  ],
  lesions: [
    lesion("L1", "non_nodal", [
      seen("t1", "measured", { measurements: [measurement(20, 12)], confirmed_by: "reader" }),
      seen("t2", "measured", { measurements: [measurement(9, 5), measurement(8, 4)], proposal: { must_ask: true } }),
    ]),
    lesion("L2", "node", [seen("t1", "measured", { measurements: [measurement(20, 12)] }), seen("t2", "unmarked")]),
    lesion("L3", "non_nodal", [], "a vessel"),
  ],
} as unknown as Tracking;

describe("the lesion table", () => {
  it("has a column for each date that takes part and a row for each lesion that is one", () => {
    expect(datesOf(tracking).map((each) => each.id)).toEqual(["t1", "t2"]);
    expect(rowsOf(tracking).map((row) => row.lesion.name)).toEqual(["L1", "L2"]);
    expect(dismissedOf(tracking).map((each) => each.name)).toEqual(["L3"]);
  });

  it("adds fragments up and counts a node by its short axis", () => {
    const [first, second] = rowsOf(tracking);
    expect(first?.cells[1]?.length).toEqual({ value: 17, low: 15, high: 19 });
    expect(second?.cells[0]?.length?.value).toBe(12);
  });

  it("asks where the matching is unsure and where nobody said anything, and no more once a person has", () => {
    const asked = rowsOf(tracking).map((row) => row.cells.map((cell) => cell.isAsked));
    expect(asked).toEqual([
      [false, true],
      [false, true],
    ]);
    expect(rowsOf(tracking)[1]?.cells[1]?.length).toBeNull();
  });

  it("leads to the images where a place is known", () => {
    const cells = rowsOf(tracking)[0]?.cells;
    expect(cells?.map((cell) => cell.at)).toEqual([[1, 2, 3], undefined]);
  });

  it("takes the latest change of each kind", () => {
    const change = (to_day: number, percent: number) => ({
      lesion: "L1",
      reference: "baseline",
      to_day,
      diameter: { percent },
    });
    const insight = { lesion_changes: [change(56, 5), change(112, 9)] } as unknown as Parameters<typeof changeOf>[0];
    expect(changeOf(insight, "L1", "baseline")).toMatchObject({ percent: 9, toDay: 112 });
    expect(changeOf(insight, "L2", "baseline")).toBeUndefined();
    expect(changeOf(undefined, "L1", "previous")).toBeUndefined();
  });
});
