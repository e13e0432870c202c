import type { EvaluationInterval, EvaluationReport } from "../../api/evaluations";
import type { Locale, PlainMessageKey, Translate } from "../../lib/messages";

export const MEASURES = ["dice", "surface_dice", "hd95", "volume_error", "lesion_f1"] as const;
export type Measure = (typeof MEASURES)[number];

/** How a measure is written: volume errors are shares with their sign. */
const DIGITS: Readonly<Record<Measure, number>> = { dice: 3, surface_dice: 3, hd95: 1, volume_error: 0, lesion_f1: 3 };

export const MEASURE_WORDS: Readonly<Record<Measure, readonly [name: PlainMessageKey, hint: PlainMessageKey]>> = {
  dice: ["evaluations.dice", "evaluations.dice_hint"],
  surface_dice: ["evaluations.surface_dice", "models.surface_hint"],
  hd95: ["evaluations.hd95", "models.hd95_hint"],
  volume_error: ["evaluations.volume_error", "evaluations.volume_error_hint"],
  lesion_f1: ["evaluations.lesion_f1", "models.lesions_hint"],
};

export function numberText(value: number, locale: Locale, digits: number): string {
  return value.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function measureText(value: number | null, measure: Measure, locale: Locale): string {
  if (value === null) return "–";
  if (measure === "volume_error")
    return value.toLocaleString(locale, { style: "percent", signDisplay: "exceptZero", maximumFractionDigits: 0 });
  return numberText(value, locale, DIGITS[measure]);
}

export function intervalText(
  interval: EvaluationInterval | null,
  measure: Measure,
  t: Translate,
  locale: Locale,
): string {
  if (!interval) return "–";
  const write = (value: number) => measureText(value, measure, locale);
  return t("models.interval", { mean: write(interval.mean), low: write(interval.low), high: write(interval.high) });
}

export type Group = EvaluationReport["by"]["scanner"][number];

/** Whether an interval over so few cases says little. */
export const isOfFew = ({ model }: Group, few: number): boolean => (model.dice?.count ?? 0) < few;
