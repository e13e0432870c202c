import { dayNumber } from "../../lib/dates";
import type { CourseDate, TherapySpan } from "./course";

/** A patient's best change of the sum from baseline. */
export interface WaterfallEntry extends CourseDate {
  readonly patientId: string;
  readonly name: string;
  /** Percent; null where no later date could be compared. */
  readonly bestPercent: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Why there is no interval; empty where there is one. */
  readonly unknownBecause: string;
  /** From where on the criterion sees a partial response, and progression, percent; null where it has no such lines. */
  readonly partialPercent: number | null;
  readonly progressionPercent: number | null;
  readonly response: string | null;
  readonly isProvisional: boolean;
}

export interface WaterfallBar extends WaterfallEntry {
  readonly bestPercent: number;
}

/** Largest growth first; who has nothing to compare is left out, and counted. */
export function shapeWaterfall(entries: readonly WaterfallEntry[]): { bars: WaterfallBar[]; leftOut: number } {
  const bars = entries.flatMap((entry) => {
    const { bestPercent } = entry;
    return bestPercent === null ? [] : [{ ...entry, bestPercent }];
  });
  bars.sort((one, other) => other.bestPercent - one.bestPercent || one.name.localeCompare(other.name));
  return { bars, leftOut: entries.length - bars.length };
}

export interface SwimmerMark extends CourseDate {
  readonly response: string;
  readonly isProvisional: boolean;
}

export interface SwimmerCourse {
  readonly patientId: string;
  readonly name: string;
  readonly baselineDate: string;
  /** Still followed: the bar ends in an arrow. */
  readonly isOngoing: boolean;
  readonly marks: readonly SwimmerMark[];
  readonly therapies: readonly TherapySpan[];
}

export interface SwimmerLane {
  readonly patientId: string;
  readonly name: string;
  readonly lastDay: number;
  readonly isOngoing: boolean;
  readonly marks: readonly (SwimmerMark & { readonly day: number })[];
  /** Cut to the time from baseline to the last date. */
  readonly therapies: readonly { readonly therapy: TherapySpan; readonly fromDay: number; readonly toDay: number }[];
}

function laneOf(course: SwimmerCourse): SwimmerLane {
  const baseline = dayNumber(course.baselineDate);
  const marks = course.marks
    .map((mark) => ({ ...mark, day: dayNumber(mark.date) - baseline }))
    .filter((mark) => mark.day >= 0)
    .sort((one, other) => one.day - other.day);
  const lastDay = marks.at(-1)?.day ?? 0;
  const therapies = course.therapies.flatMap((therapy) => {
    const fromDay = Math.max(0, dayNumber(therapy.startDate) - baseline);
    const end = therapy.endDate === null ? lastDay : dayNumber(therapy.endDate) - baseline;
    const toDay = Math.min(lastDay, end);
    return toDay >= fromDay && end >= 0 ? [{ therapy, fromDay, toDay }] : [];
  });
  return { patientId: course.patientId, name: course.name, lastDay, isOngoing: course.isOngoing, marks, therapies };
}

/** Days from each patient's own baseline, the longest course first. */
export function shapeSwimmer(courses: readonly SwimmerCourse[]): SwimmerLane[] {
  return courses.map(laneOf).sort((one, other) => other.lastDay - one.lastDay || one.name.localeCompare(other.name));
}
