import type { components } from "../contract/api";
import type { LesionMeasurement, Revision } from "./records";
import type { Triple } from "./planes";

/** The measured lesions of the revision on screen. */
export type Measured =
  | { readonly kind: "nothing" }
  | { readonly kind: "measuring"; readonly revisionId: string }
  | {
      readonly kind: "done";
      readonly revisionId: string;
      readonly lesions: readonly LesionMeasurement[];
      /** Of a PET: why it has no SUV, in sentences; empty where it has, and for everything else. */
      readonly refusals: readonly string[];
    }
  | { readonly kind: "failed"; readonly revisionId: string; readonly error: unknown };

export interface LesionKey {
  readonly segment: number;
  readonly number: number;
}

export function isLesion(lesion: LesionMeasurement, key: LesionKey | null): boolean {
  return key !== null && lesion.segment_number === key.segment && lesion.lesion_number === key.number;
}

const ANATOMICAL_STRUCTURE = "123037004"; // SNOMED CT, DICOM CID 7150

/** Whether a label map, or one segment of it, can hold lesions: an organ or a vessel has a volume, and is none. */
export function canHoldLesions({ segments }: Pick<Revision, "segments">, number?: number): boolean {
  return segments.some(
    ({ segment_number, category_code }) =>
      (number === undefined || segment_number === number) && category_code[0] !== ANATOMICAL_STRUCTURE,
  );
}

/** The lesions of one segment, the largest first. */
export function lesionsOf(measured: Measured, segment: number): readonly LesionMeasurement[] {
  if (measured.kind !== "done") return [];
  return measured.lesions
    .filter((lesion) => lesion.segment_number === segment)
    .sort((a, b) => b.longest_diameter.value - a.longest_diameter.value);
}

/** Where to look at a lesion: the middle of its longest diameter, in the image that was taken in. */
export function middleOf(lesion: LesionMeasurement): Triple {
  const [from = [], to = []] = lesion.in_plane.longest.ends_index;
  const middle = (axis: number) => Math.round(((from[axis] ?? 0) + (to[axis] ?? 0)) / 2);
  return [lesion.in_plane.slice_index, middle(1), middle(2)];
}

/** "3.1" of `?lesion=`: segment, then lesion. */
export function readLesionKey(text: string | null): LesionKey | null {
  const found = /^(\d+)\.(\d+)$/.exec(text ?? "");
  return found ? { segment: Number(found[1]), number: Number(found[2]) } : null;
}

/** "1.5,-20,33" of `?at=`: patient LPS mm. */
export function readPlace(text: string | null): Triple | null {
  const parts = (text ?? "").split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  const [x, y, z] = parts;
  if (parts.length !== 3 || x === undefined || y === undefined || z === undefined) return null;
  return [x, y, z].every(Number.isFinite) ? [x, y, z] : null;
}

/** What the patient's lesions are called, by "segment.number" in a revision; empty where another one is followed. */
export function trackedNames(tracking: components["schemas"]["Tracking"], revisionId: string): Map<string, string> {
  const timepoint = tracking.timepoints.find((each) => each.revision_id === revisionId);
  const names = new Map<string, string>();
  if (!timepoint) return names;
  for (const lesion of tracking.lesions) {
    for (const seen of lesion.observations) {
      if (seen.timepoint_id !== timepoint.id) continue;
      for (const [segment, number] of seen.components) names.set(`${segment}.${number}`, lesion.name);
    }
  }
  return names;
}

/** Why a PET has no SUV, each sentence once; the scales of other images are empty. */
export function refusalsOf(scales: components["schemas"]["RevisionMeasurements"]["scales"]): string[] {
  return [...new Set(scales.flatMap((scale) => (scale.refusal ? [scale.refusal] : [])))];
}

/** What a lesion takes up, on the first scale that the headers allow; undefined where there is none. */
export function uptakeOf(lesion: LesionMeasurement): components["schemas"]["Uptake"] | undefined {
  return lesion.uptake?.[0];
}
