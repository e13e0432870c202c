import { fireEvent, render, screen } from "@testing-library/react";
import { MemoryRouter } from "react-router";
import { describe, expect, it } from "vitest";

import type { Tracking } from "../../../api/records";
import { type LesionCell, rowsOf } from "../../../state/lesion_table";
import { LesionCellView } from "./LesionCellView";

const SEEN = {
  timepoint_id: "t1",
  state: "unmarked",
  measurements: [],
  components: [],
  confirmed_by: null,
  proposal: { kind: "vanished", must_ask: true, runner_up: { kind: "same" }, reason: "registration.doubtful" },
  note: "",
};

function cellWith(seen: object, places: object[] = []): { cell: LesionCell; tracking: Tracking } {
  const tracking = {
    timepoints: [{ id: "t1", day: 0, study_date: "2026-01-12", study_id: "s", series_id: "x" }],
    lesions: [{ name: "L1", description: {}, observations: [{ ...SEEN, ...seen }], places }],
  } as unknown as Tracking;
  return { cell: rowsOf(tracking)[0]!.cells[0]!, tracking };
}

function show(seen: object, places?: object[]) {
  const parts = { ...cellWith(seen, places), onWish: () => undefined, isBusy: false, canEdit: false };
  render(
    <MemoryRouter>
      <LesionCellView {...parts} />
    </MemoryRouter>,
  );
}

describe("a cell of the lesion table", () => {
  it("says why it is asked about, by keyboard too, where no place of the lesion is known", async () => {
    show({});
    const cell = screen.getByRole("button", { name: /^L1 on .*not marked; otherwise: the lesion of the date before/ });
    expect(screen.queryByRole("tooltip")).toBeNull();
    fireEvent.keyDown(document.body, { key: "Tab" });
    cell.focus();
    expect((await screen.findByRole("tooltip")).textContent).toContain("do not align well enough");
  });

  it("names who confirmed it instead of what was proposed, with the note", () => {
    show({ state: "absent", confirmed_by: "Pat", note: "resected" });
    expect(screen.getByRole("button").getAttribute("aria-label")).toMatch(/gone; confirmed by Pat; resected$/);
  });

  it("leads to the images where there is a place", () => {
    show({}, [{ timepoint_id: "t1", at_mm: [1, 2, 3] }]);
    expect(screen.getByRole("link").getAttribute("href")).toContain("/studies/s?series=x&at=1.00,2.00,3.00");
    expect(screen.queryByRole("button")).toBeNull();
  });

  it("is plain text where there is nothing to tell", () => {
    show({ proposal: null });
    expect(screen.getByText("not marked")).toBeTruthy();
    expect(screen.queryByRole("button")).toBeNull();
  });
});
