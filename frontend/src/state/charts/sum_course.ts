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
}

/** Where a criterion draws its lines, as shares of the baseline and of the nadir. */
export interface ResponseLimits {
  readonly partialShare: number;
  readonly progressionShare: number;
  /** Growth that progression needs besides, in the sum's unit; null where the criterion asks for none. */
  readonly progressionFloor: number | null;
}

export interface PlacedSum extends SumPoint {
  readonly day: number;
}

/** The lines a scan in these days is judged against. */
export interface ResponseBand {
  readonly fromDay: number;
  readonly toDay: number;
  readonly partial: number;
  readonly progression: number;
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

const RECIST: ResponseLimits = { partialShare: 0.7, progressionShare: 1.2, progressionFloor: 5 };
const RANO: ResponseLimits = { partialShare: 0.5, progressionShare: 1.25, progressionFloor: null };
const LIMITS: Readonly<Record<string, ResponseLimits>> = {
  RECIST_1_1: RECIST,
  IRECIST: RECIST,
  RANO_BM: RECIST,
  MRECIST_HCC: { ...RECIST, progressionFloor: null },
  RANO_2_0: RANO,
  MRANO: RANO,
  RANO_HGG: RANO,
  RANO_LGG: RANO,
  // 0.7 and 1.2 of a sphere's diameter are these shares of its volume.
  VOLUMETRIC: { partialShare: 0.343, progressionShare: 1.728, progressionFloor: null },
};

/** The lines a criterion draws in its sum plot; null where it judges by something else than one sum. */
export function limitsOf(criterion: string): ResponseLimits | null {
  return LIMITS[criterion] ?? null;
}

/** From which value on a scan after a nadir is progression: whichever line is higher. */
export function progressionLine(nadir: number, limits: ResponseLimits): number {
  return Math.max(nadir * limits.progressionShare, nadir + (limits.progressionFloor ?? 0));
}

const smallest = (points: readonly PlacedSum[]): PlacedSum | null =>
  points.reduce<PlacedSum | null>((least, point) => {
    if (!point.sum) return least;
    return least?.sum && least.sum.value <= point.sum.value ? least : point;
  }, null);

/**
 * Each stretch ends at a date and carries the lines that this date is judged against: the nadir is that of the dates
 * before. The last stretch is for the scan to come.
 */
function layOutBands(counted: readonly PlacedSum[], limits: ResponseLimits, lastDay: number): ResponseBand[] {
  const baseline = counted[0];
  if (!baseline?.sum) return [];
  const partial = baseline.sum.value * limits.partialShare;
  return counted.flatMap((point, place) => {
    const nadir = smallest(counted.slice(0, place + 1))?.sum;
    const toDay = counted[place + 1]?.day ?? lastDay;
    if (!nadir || toDay <= point.day) return [];
    return [{ fromDay: point.day, toDay, partial, progression: progressionLine(nadir.value, limits) }];
  });
}

/** Puts sums at their true dates, with the nadir and the lines each date is judged against. */
export function shapeSumCourse(points: readonly SumPoint[], limits: ResponseLimits | null): SumCourse {
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
    bands: limits ? layOutBands(counted, limits, lastDay) : [],
    firstDay: first,
    lastDay,
  };
}
