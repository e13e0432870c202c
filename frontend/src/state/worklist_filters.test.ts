// @vitest-environment node
import { describe, expect, it } from "vitest";

import { changeFilters, NO_FILTERS, parseFilters, queryOf, toggleOrdering, writeFilters } from "./worklist_filters";

describe("the filters in the address", () => {
  it("come back as they went", () => {
    const filters = {
      ...NO_FILTERS,
      search: "doe & co",
      modality: "MR",
      state: "running",
      dateFrom: "2026-01-31",
      ordering: "patient_name",
      page: 3,
    } as const;
    expect(parseFilters(new URLSearchParams(writeFilters(filters).toString()))).toEqual(filters);
  });

  it("leave the address bare at their defaults", () => {
    expect(writeFilters(NO_FILTERS).toString()).toBe("");
  });

  it("fall back where the address makes no sense", () => {
    const address = new URLSearchParams("page=-2&ordering=password&state=gone&from=2026-13-40&to=yesterday");
    expect(parseFilters(address)).toEqual(NO_FILTERS);
  });

  it("start at the first page when anything but the page changes", () => {
    const third = { ...NO_FILTERS, page: 3 };
    expect(changeFilters(third, { search: "x" }).page).toBe(1);
    expect(changeFilters(third, { page: 4 })).toEqual({ ...NO_FILTERS, page: 4 });
  });

  it("ask the server only for what is set", () => {
    expect(queryOf(NO_FILTERS)).toEqual({ page: 1, page_size: 50, ordering: "-received_at" });
    expect(queryOf({ ...NO_FILTERS, team: "t", dateTo: "2026-02-01" })).toMatchObject({
      team: "t",
      date_to: "2026-02-01",
    });
  });
});

describe("a press on a column's head", () => {
  it("sorts names upwards and dates downwards first, then turns round", () => {
    expect(toggleOrdering("-received_at", "patient_name")).toBe("patient_name");
    expect(toggleOrdering("patient_name", "patient_name")).toBe("-patient_name");
    expect(toggleOrdering("patient_name", "study_date")).toBe("-study_date");
    expect(toggleOrdering("-study_date", "study_date")).toBe("study_date");
  });
});
