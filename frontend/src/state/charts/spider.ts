import { dayNumber } from "../../lib/dates";
import type { CourseDate, Estimate } from "./course";

export const SPIDER_MEASURES = ["percent", "diameter", "volume"] as const;
export type SpiderMeasure = (typeof SPIDER_MEASURES)[number];

/** What was seen of a lesion on one date. */
export interface LesionSighting extends CourseDate {
  readonly state: string;
  /** Longest diameter, or the short axis of a node, mm. */
  readonly diameter: Estimate | null;
  readonly volume: Estimate | null;
  /** Of the diameter since the first measurement, percent, with the error of both dates; null where nobody knows. */
  readonly change: Estimate | null;
  readonly isProvisional: boolean;
}

export interface LesionCourse {
  readonly id: string;
  readonly name: string;
  /** Stays with the lesion whatever else is shown. */
  readonly colourNumber: number;
  readonly isNew: boolean;
  readonly sightings: readonly LesionSighting[];
}

export interface SpiderPoint {
  readonly lesion: LesionCourse;
  readonly sighting: LesionSighting;
  readonly days: number;
  readonly estimate: Estimate;
  /** First seen after baseline, and this is where. */
  readonly isFirstOfNew: boolean;
  readonly isVanished: boolean;
}

/** An unbroken run of dates of one lesion: a date without a value is not bridged. */
export interface SpiderStretch {
  readonly lesion: LesionCourse;
  readonly points: readonly SpiderPoint[];
}

export interface SpiderChart {
  readonly stretches: readonly SpiderStretch[];
  readonly points: readonly SpiderPoint[];
}

const GONE: Estimate = { value: 0, low: null, high: null };

/** Where no change with its interval is known, the bare share: what bounds one date does not bound a change. */
const asPercent = (sighting: LesionSighting, value: number, reference: number): Estimate =>
  sighting.change ?? { value: (value / reference - 1) * 100, low: null, high: null };

function measureOf(sighting: LesionSighting, measure: SpiderMeasure): Estimate | null {
  if (sighting.state === "absent") return GONE;
  return measure === "volume" ? sighting.volume : sighting.diameter;
}

/** The first value of the lesion that is not zero: baseline, or where a new one was first seen. */
function referenceOf(values: readonly (Estimate | null)[]): number | null {
  return values.find((value) => value !== null && value.value > 0)?.value ?? null;
}

function shapeLesion(lesion: LesionCourse, baselineDay: number, measure: SpiderMeasure): (SpiderPoint | null)[] {
  const sightings = [...lesion.sightings].sort((one, other) => dayNumber(one.date) - dayNumber(other.date));
  const values = sightings.map((sighting) => measureOf(sighting, measure));
  const reference = referenceOf(values);
  const firstSeen = values.findIndex((value) => value !== null && value.value > 0);
  return sightings.map((sighting, place) => {
    const value = values[place] ?? null;
    // Before it is first seen a lesion is not at zero: it is not there.
    if (value === null || reference === null || place < firstSeen) return null;
    return {
      lesion,
      sighting,
      days: dayNumber(sighting.date) - baselineDay,
      estimate: measure === "percent" ? asPercent(sighting, value.value, reference) : value,
      isFirstOfNew: lesion.isNew && place === firstSeen,
      isVanished: sighting.state === "absent",
    };
  });
}

function splitAtGaps(lesion: LesionCourse, points: readonly (SpiderPoint | null)[]): SpiderStretch[] {
  const stretches: SpiderPoint[][] = [[]];
  for (const point of points) {
    if (point) stretches.at(-1)?.push(point);
    else stretches.push([]);
  }
  return stretches.filter((run) => run.length > 0).map((run) => ({ lesion, points: run }));
}

/** Each lesion over days from baseline, in one measure; a change is against its first measurement. */
export function shapeSpider(
  lesions: readonly LesionCourse[],
  baselineDate: string,
  measure: SpiderMeasure,
): SpiderChart {
  const baselineDay = dayNumber(baselineDate);
  const stretches = lesions.flatMap((lesion) => splitAtGaps(lesion, shapeLesion(lesion, baselineDay, measure)));
  return { stretches, points: stretches.flatMap((stretch) => stretch.points) };
}
