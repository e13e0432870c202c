import { fireEvent, render, screen } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";

import type { TimepointWish, Tracking } from "../../../api/records";
import { isAboutPet, PetRecords } from "./PetRecords";

type Timepoint = Tracking["timepoints"][number];

const dateWith = (recorded: object, modality = "PT") => ({ id: "t1", modality, recorded }) as unknown as Timepoint;

function show(recorded: object) {
  const record = vi.fn<(body: TimepointWish) => void>();
  render(<PetRecords timepoint={dateWith(recorded)} isBusy={false} record={record} />);
  return record;
}

describe("what is recorded of a PET", () => {
  it("sends a reference tissue with two decimals, and nothing where the field is emptied", () => {
    const record = show({ blood_sul_mean: "1.40" });
    const liver = screen.getByLabelText("Liver mean, SUL");
    for (const typed of ["1.9", "1,9"]) {
      fireEvent.change(liver, { target: { value: typed } });
      fireEvent.blur(liver);
      expect(record).toHaveBeenLastCalledWith({ liver_sul_mean: "1.90" });
    }
    const blood = screen.getByLabelText("Blood pool mean, SUL");
    fireEvent.change(blood, { target: { value: "" } });
    fireEvent.blur(blood);
    expect(record).toHaveBeenLastCalledWith({ blood_sul_mean: null });
  });

  it("says of a value that the record did not take that it is not kept", () => {
    show({ liver_sul_mean: "1.90" });
    expect(screen.queryByText("Not kept")).toBeNull();
    const spread = screen.getByLabelText("Liver SD, SUL");
    fireEvent.change(spread, { target: { value: "250" } });
    expect(screen.queryByText("Not kept")).toBeNull();
    fireEvent.blur(spread);
    expect(screen.getByText("Not kept")).toBeTruthy();
    expect((spread as HTMLInputElement).value).toBe("250");
  });

  it("is asked for on a PET, under its criteria, and where something was recorded", () => {
    expect(isAboutPet(dateWith({}), "RECIST_1_1")).toBe(true);
    expect(isAboutPet(dateWith({}, "CT"), "LUGANO_PET")).toBe(true);
    expect(isAboutPet(dateWith({ deauville_score: 3 }, "CT"), "RECIST_1_1")).toBe(true);
    expect(isAboutPet(dateWith({ deauville_score: null }, "MR"), "RANO_2_0")).toBe(false);
  });
});
