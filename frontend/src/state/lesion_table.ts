import type { components } from "../contract/api";
import { lengthOf, volumeOf } from "./charts/from_record";
import type { Estimate } from "./charts/course";

type Schemas = components["schemas"];
export type Lesion = Schemas["Lesion"];
export type Observation = Schemas["Observation"];
export type Timepoint = Schemas["Timepoint"];

/** What stands in one cell: one lesion on one date. */
export interface LesionCell {
  readonly lesion: Lesion;
  readonly timepoint: Timepoint;
  /** Undefined where nothing is recorded: the lesion begins later. */
  readonly seen: Observation | undefined;
  readonly length: Estimate | null;
  readonly volume: Estimate | null;
  readonly isConfirmed: boolean;
  /** A person has to decide. */
  readonly isAsked: boolean;
  /** Where to open the images, patient LPS mm. */
  readonly at: readonly [number, number, number] | undefined;
}

export interface LesionRow {
  readonly lesion: Lesion;
  readonly cells: readonly LesionCell[];
}

function isAsked(seen: Observation | undefined): boolean {
  if (!seen || seen.confirmed_by) return false;
  return seen.state === "unmarked" || (seen.proposal?.must_ask ?? false);
}

function placeOf(lesion: Lesion, timepoint: Timepoint): LesionCell["at"] {
  const [x, y, z] = lesion.places.find((each) => each.timepoint_id === timepoint.id)?.at_mm ?? [];
  return x === undefined || y === undefined || z === undefined ? undefined : [x, y, z];
}

function cellOf(lesion: Lesion, timepoint: Timepoint): LesionCell {
  const seen = lesion.observations.find((each) => each.timepoint_id === timepoint.id);
  const measured = seen?.state === "measured" ? seen.measurements : undefined;
  const isNode = lesion.description.kind === "node";
  return {
    lesion,
    timepoint,
    seen,
    length: measured ? lengthOf(measured, isNode) : null,
    volume: measured ? volumeOf(measured) : null,
    isConfirmed: Boolean(seen?.confirmed_by),
    isAsked: isAsked(seen),
    at: placeOf(lesion, timepoint),
  };
}

/** The dates that take part, in their order. */
export function datesOf(tracking: Schemas["Tracking"]): Timepoint[] {
  return tracking.timepoints.filter((timepoint) => timepoint.day !== null);
}

/** A row for each lesion that nobody dismissed. */
export function rowsOf(tracking: Schemas["Tracking"]): LesionRow[] {
  const dates = datesOf(tracking);
  return tracking.lesions
    .filter((lesion) => !lesion.description.dismissed_reason)
    .map((lesion) => ({ lesion, cells: dates.map((timepoint) => cellOf(lesion, timepoint)) }));
}

/** The lesions a person said are none. */
export function dismissedOf(tracking: Schemas["Tracking"]): Lesion[] {
  return tracking.lesions.filter((lesion) => lesion.description.dismissed_reason);
}

/** How a lesion changed up to the latest date on which it was measured, and which day that was. */
export function changeOf(insight: Schemas["Insight"] | undefined, name: string, reference: "baseline" | "previous") {
  const changes = insight?.lesion_changes.filter((each) => each.lesion === name && each.reference === reference) ?? [];
  const latest = changes.at(-1);
  return latest && { ...latest.diameter, toDay: latest.to_day };
}
