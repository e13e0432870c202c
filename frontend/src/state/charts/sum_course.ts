import { dayNumber } from "../../lib/dates";
import type { CourseDate, Estimate } from "./course";

/** One date of the sum plot. */
export interface SumPoint extends CourseDate {
  /** null: the sum could not be formed on that date. */
  readonly sum: Estimate | null;
  /** As its criterion writes it; null where nothing was judged. */
  readonly response: string | null;
  /** Not confirmed yet, or rests on something a person has not looked at. */
  readonly isProvisional: boolean;
  readonly isBaseline: boolean;
  /** What the next date's sum is judged against; null where the criterion has no such lines. */
  readonly linesAfter: ResponseLines | null;
}

/** At or below `partial` a partial response begins, at or above `progression` progression; in the sum's unit. */
export interface ResponseLines {
  readonly partial: number;
  readonly progression: number;
}

export interface PlacedSum extends SumPoint {
  readonly day: number;
}

/** The lines a scan in these days is judged against. */
export interface ResponseBand extends ResponseLines {
  readonly fromDay: number;
  readonly toDay: number;
}

export interface SumCourse {
  readonly points: readonly PlacedSum[];
  readonly baseline: PlacedSum | null;
  /** The smallest sum of all dates, the first where it was reached twice. */
  readonly nadir: PlacedSum | null;
  readonly bands: readonly ResponseBand[];
  readonly firstDay: number;
  readonly lastDay: number;
}

const LOOK_AHEAD_SHARE = 0.12;
const SHORTEST_LOOK_AHEAD_DAYS = 14;

const smallest = (points: readonly PlacedSum[]): PlacedSum | null =>
  points.reduce<PlacedSum | null>((least, point) => {
    if (!point.sum) return least;
    return least?.sum && least.sum.value <= point.sum.value ? least : point;
  }, null);

/** Each stretch ends at the date that its lines judge; the last one is for the scan to come. */
function layOutBands(counted: readonly PlacedSum[], lastDay: number): ResponseBand[] {
  return counted.flatMap((point, place) => {
    const toDay = counted[place + 1]?.day ?? lastDay;
    return point.linesAfter && toDay > point.day ? [{ fromDay: point.day, toDay, ...point.linesAfter }] : [];
  });
}

/** Puts sums at their true dates, with the nadir and the lines each date is judged against. */
export function shapeSumCourse(points: readonly SumPoint[]): SumCourse {
  const placed = points
    .map((point) => ({ ...point, day: dayNumber(point.date) }))
    .sort((one, other) => one.day - other.day);
  const first = placed[0]?.day ?? 0;
  const last = placed.at(-1)?.day ?? first;
  const lastDay = last + Math.max(SHORTEST_LOOK_AHEAD_DAYS, Math.round((last - first) * LOOK_AHEAD_SHARE));
  const start = placed.findIndex((point) => point.isBaseline);
  const counted = start < 0 ? [] : placed.slice(start);
  return {
    points: placed,
    baseline: counted[0] ?? null,
    nadir: smallest(counted),
    bands: layOutBands(counted, lastDay),
    firstDay: first,
    lastDay,
  };
}
