import { dayNumber, formatDate } from "../../../lib/dates";
import type { Locale, Translate } from "../../../lib/messages";
import {
  type Estimate,
  estimateInWords,
  type ResponseTone,
  type TherapySpan,
  toneOf,
} from "../../../state/charts/course";

/** The language a chart is drawn in. */
export interface Speech {
  readonly t: Translate;
  readonly locale: Locale;
}

const DAY_MS = 86_400_000;

export const dateOf = (day: number): Date => new Date(day * DAY_MS);

const TONE_COLOURS: Readonly<Record<ResponseTone, string>> = {
  response: "var(--good)",
  stable: "var(--ink-quiet)",
  unconfirmed: "var(--caution)",
  progression: "var(--danger)",
  open: "var(--ink-faint)",
};

export const colourOfResponse = (response: string | null): string => TONE_COLOURS[toneOf(response)];

/** The letters that stand beside a point; a baseline is marked as one already. */
export const lettersOf = (response: string | null): string => (response === "BASELINE" ? "" : (response ?? ""));

const LESION_COLOURS = 8;

/** One of the eight tints of Okabe and Ito, the same for a lesion in every chart; its name stands beside it. */
export const colourOfLesion = (number: number): string => `var(--lesion-${((number - 1) % LESION_COLOURS) + 1})`;

export const FONT_STYLE = {
  fontFamily: "var(--font)",
  fontSize: "11px",
  color: "var(--ink-quiet)",
  overflow: "visible",
};

/** The dates that have room for their label, `gapPx` apart: the first always, later ones where they fit. */
export function labelledDays(days: readonly number[], pxPerDay: number, gapPx: number): number[] {
  const chosen: number[] = [];
  for (const day of [...new Set(days)].sort((one, other) => one - other)) {
    const last = chosen.at(-1);
    if (last === undefined || (day - last) * pxPerDay >= gapPx) chosen.push(day);
  }
  return chosen;
}

export interface TherapyStrip {
  readonly therapy: TherapySpan;
  readonly lane: number;
  readonly fromDay: number;
  readonly toDay: number;
}

/** Therapies that touch a stretch of time, cut to it, each in the first lane that is free. */
export function layOutStrips(therapies: readonly TherapySpan[], fromDay: number, toDay: number): TherapyStrip[] {
  const laneEnds: number[] = [];
  return [...therapies]
    .sort((one, other) => one.startDate.localeCompare(other.startDate))
    .flatMap((therapy) => {
      const start = Math.max(fromDay, dayNumber(therapy.startDate));
      const end = Math.min(toDay, therapy.endDate === null ? toDay : dayNumber(therapy.endDate) + 1);
      if (end <= start) return [];
      const free = laneEnds.findIndex((taken) => taken <= start);
      const lane = free < 0 ? laneEnds.length : free;
      laneEnds[lane] = end;
      return [{ therapy, lane, fromDay: start, toDay: end }];
    });
}

export const inWords = (estimate: Estimate, unit: string, { t }: Speech): string =>
  estimateInWords(estimate, unit, t("chart.to"));

export const shortDate = (date: string, { locale }: Speech): string => formatDate(date, locale);
