/** A measured value and the interval it may lie in; a bound is null where nobody knows it. */
export interface Estimate {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** A date of a course: the study whose images show it. */
export interface CourseDate {
  readonly studyId: string;
  /** ISO calendar date. */
  readonly date: string;
}

export type TherapyKind = "systemic" | "immunotherapy" | "antiangiogenic" | "radiation" | "surgery" | "other";

/** A treatment from one day to another; without an end it goes on. */
export interface TherapySpan {
  readonly id: string;
  readonly kind: TherapyKind;
  readonly name: string;
  readonly startDate: string;
  readonly endDate: string | null;
}

/** What a reader may say of a date's response, by what it means; the letters say the rest. */
export type ResponseTone = "response" | "stable" | "unconfirmed" | "progression" | "open";

const TONES: Readonly<Record<string, ResponseTone>> = {
  CR: "response",
  PR: "response",
  MR: "response",
  iCR: "response",
  iPR: "response",
  CMR: "response",
  PMR: "response",
  SD: "stable",
  iSD: "stable",
  SMD: "stable",
  NMR: "stable",
  "NON-CR/NON-PD": "stable",
  "NON-iCR/NON-iUPD": "stable",
  iUPD: "unconfirmed",
  PPD: "unconfirmed",
  PD: "progression",
  iCPD: "progression",
  PMD: "progression",
};

export function toneOf(response: string | null): ResponseTone {
  return TONES[response ?? ""] ?? "open";
}

/** A value with its interval as plain text, "61.2 mm (58.0 to 64.4)". */
export function estimateInWords(estimate: Estimate, unit: string, to: string, digits = 1): string {
  const { value, low, high } = estimate;
  const written = `${value.toFixed(digits)} ${unit}`;
  if (low === null || high === null) return written;
  return `${written} (${low.toFixed(digits)} ${to} ${high.toFixed(digits)})`;
}
