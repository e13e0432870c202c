// @vitest-environment node
import { describe, expect, it } from "vitest";

import { type DetailsDraft, detailsOf, EMPTY_DETAILS, missingIn, personNameOf } from "./details_draft";

const whole: DetailsDraft = {
  ...EMPTY_DETAILS,
  patientId: " P1 ",
  patientName: "Argus, Ada",
  modality: "OP",
  studyDate: "2026-11-20",
};

describe("what a picture does not say", () => {
  it("is never filled in for the person", () => {
    expect(missingIn(EMPTY_DETAILS)).toEqual(["patientId", "patientName", "modality", "studyDate"]);
    expect(missingIn(whole)).toEqual([]);
    expect(detailsOf(whole)).toMatchObject({ patient_birth_date: null, patient_sex: "", pixel_spacing_mm: null });
  });

  it("goes to the server as DICOM writes it", () => {
    expect(detailsOf(whole)).toMatchObject({ patient_id: "P1", patient_name: "Argus^Ada", modality: "OP" });
    expect(personNameOf("DOE^JANE^^DR")).toBe("DOE^JANE^^DR");
    expect(personNameOf("Doe")).toBe("Doe");
  });

  it("has a spacing in both directions or none, and never zero", () => {
    expect(missingIn({ ...whole, rowSpacing: 0.2 })).toEqual(["rowSpacing"]);
    expect(missingIn({ ...whole, rowSpacing: 0, columnSpacing: 0 })).toEqual(["rowSpacing"]);
    expect(detailsOf({ ...whole, rowSpacing: 0.2, columnSpacing: 0.3 }).pixel_spacing_mm).toEqual([0.2, 0.3]);
  });
});
