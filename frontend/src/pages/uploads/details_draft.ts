import type { UploadDetails } from "../../api/records";

/** Modalities of pictures that come without a DICOM header, by their code in the Standard (PS3.3 C.7.3.1.1.1). */
export const MODALITIES = ["OP", "XC", "CR", "DX", "US", "CT", "MR", "PT", "MG", "ES", "GM", "SM", "OT"] as const;

export interface DetailsDraft {
  readonly patientId: string;
  readonly patientName: string;
  readonly birthDate: string;
  readonly sex: "" | "F" | "M" | "O";
  /** Empty until the person has said it. */
  readonly modality: (typeof MODALITIES)[number] | "";
  readonly studyDate: string;
  readonly description: string;
  /** NaN while the field is empty, as React Aria writes it. */
  readonly rowSpacing: number;
  readonly columnSpacing: number;
}

export const EMPTY_DETAILS: DetailsDraft = {
  patientId: "",
  patientName: "",
  birthDate: "",
  sex: "",
  modality: "",
  studyDate: "",
  description: "",
  rowSpacing: Number.NaN,
  columnSpacing: Number.NaN,
};

/** "Doe, Jane" as a DICOM person name; what already is one stays. */
export function personNameOf(typed: string): string {
  if (typed.includes("^")) return typed.trim();
  const [family = "", given = ""] = typed.split(",").map((part) => part.trim());
  return given ? `${family}^${given}` : family;
}

/** The fields without which the server does not take the file, and a spacing given by half. */
export function missingIn(draft: DetailsDraft): readonly (keyof DetailsDraft)[] {
  const needed = (["patientId", "patientName", "modality", "studyDate"] as const).filter(
    (name) => draft[name].trim() === "",
  );
  const isHalf = Number.isNaN(draft.rowSpacing) !== Number.isNaN(draft.columnSpacing);
  const isZero = draft.rowSpacing === 0 || draft.columnSpacing === 0;
  return isHalf || isZero ? [...needed, "rowSpacing"] : needed;
}

export function detailsOf(draft: DetailsDraft): UploadDetails {
  const hasSpacing = !Number.isNaN(draft.rowSpacing) && !Number.isNaN(draft.columnSpacing);
  return {
    patient_id: draft.patientId.trim(),
    patient_name: personNameOf(draft.patientName),
    patient_birth_date: draft.birthDate || null,
    patient_sex: draft.sex,
    modality: draft.modality,
    study_date: draft.studyDate,
    study_description: draft.description.trim(),
    pixel_spacing_mm: hasSpacing ? [draft.rowSpacing, draft.columnSpacing] : null,
  };
}
