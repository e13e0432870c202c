import { readDecimal } from "../lib/decimals";

export type EvaluationSource = "file" | "archive";

/** What a person enters; numbers stand as they were typed. */
export interface EvaluationDraft {
  readonly model: string;
  readonly source: EvaluationSource;
  readonly team: string;
  readonly baseline: string;
  readonly modality: string;
  /** What the lower bound of the mean Dice must reach; empty asks for no verdict. */
  readonly leastDice: string;
  /** Outlined numbers by the model's segment number, as "1" or "1, 2"; empty: equal numbers. */
  readonly numbers: Readonly<Record<string, string>>;
}

export const NO_BASELINE = "none";

export const EMPTY_EVALUATION: EvaluationDraft = {
  model: "",
  source: "file",
  team: "",
  baseline: "region",
  modality: "",
  leastDice: "",
  numbers: {},
};

/** What the server is told. */
export interface EvaluationWish {
  readonly model: string;
  readonly cases_from: EvaluationSource;
  readonly file_name: string;
  readonly team: string | null;
  readonly baseline: string;
  readonly modality: string;
  readonly least_dice: number | null;
  readonly segments: Readonly<Record<string, readonly number[]>> | null;
}

/** The threshold as a number from 0 to 1; null where none is asked for, undefined where it is none. */
export function readThreshold(text: string): number | null | undefined {
  const value = readDecimal(text);
  return typeof value === "number" && value > 1 ? undefined : value;
}

const LARGEST_NUMBER = 255;

/** Outlined numbers as typed: "1, 2"; empty for none, undefined where something else stands there. */
export function readNumbers(text: string): readonly number[] | undefined {
  const parts = text.split(/[\s,;]+/).filter(Boolean);
  const numbers = parts.map(Number);
  const isRight = numbers.every((number) => Number.isInteger(number) && number >= 1 && number <= LARGEST_NUMBER);
  return isRight ? numbers : undefined;
}

/** Fields that hold something the server could not take: "leastDice", or a segment's number. */
export function problemsOf({ leastDice, numbers }: EvaluationDraft): readonly string[] {
  const wrong = Object.entries(numbers).filter(([, text]) => readNumbers(text) === undefined);
  return [...(readThreshold(leastDice) === undefined ? ["leastDice"] : []), ...wrong.map(([segment]) => segment)];
}

/** Where one segment's numbers are stated the others keep their own unless stated too. */
function segmentsOf(draft: EvaluationDraft, known: readonly number[]): EvaluationWish["segments"] {
  if (!Object.values(draft.numbers).some((text) => text.trim())) return null;
  const stated = known.map((number) => {
    const numbers = readNumbers(draft.numbers[String(number)] ?? "") ?? [];
    return [String(number), numbers.length > 0 ? numbers : [number]] as const;
  });
  return Object.fromEntries(stated);
}

export function wishOf(draft: EvaluationDraft, fileName: string, segments: readonly number[]): EvaluationWish {
  return {
    model: draft.model,
    cases_from: draft.source,
    file_name: fileName,
    team: draft.team || null,
    baseline: draft.baseline,
    modality: draft.modality,
    least_dice: readThreshold(draft.leastDice) ?? null,
    segments: draft.source === "file" ? segmentsOf(draft, segments) : null,
  };
}
