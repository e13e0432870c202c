import type { Triple } from "./planes";
import type { Registration, SeriesBrief } from "./records";
import { affineOf, lampOf, type Affine } from "./registration";

/** Prior and current beside each other, one in place of the other in turn, or what differs. */
export type CompareMode = "side" | "flicker" | "difference";

/** A prior series open beside the current one. */
export interface CompareState {
  readonly priorSeriesId: string;
  readonly registration: Registration | null;
  /** All series of the prior's study. */
  readonly series: readonly SeriesBrief[];
  readonly images: "opening" | "streaming" | "complete" | "failed";
  readonly error: unknown;
  /** There is a label map of the prior, and it could not be fetched. */
  readonly hasLabelsFailed: boolean;
  /** A person has linked the views though the alignment is in doubt. */
  readonly isLinkedAnyway: boolean;
  readonly mode: CompareMode;
  /** While flickering: whether the prior is on screen. */
  readonly showsPrior: boolean;
  readonly cursor: Triple;
  /** The prior's images do not reach the place of the crosshair. */
  readonly isBeyond: boolean;
}

export function beginCompare(priorSeriesId: string): CompareState {
  return {
    priorSeriesId,
    registration: null,
    series: [],
    images: "opening",
    error: undefined,
    hasLabelsFailed: false,
    isLinkedAnyway: false,
    mode: "side",
    showsPrior: false,
    cursor: [0, 0, 0],
    isBeyond: false,
  };
}

/** The way from prior to current by which the views are linked; undefined where they are not. */
export function linkOf(compare: CompareState | null): Affine | undefined {
  const matrix = compare?.registration?.prior_to_current_mm;
  if (!compare || !matrix) return undefined;
  const lamp = lampOf(compare.registration);
  const isLinked = lamp === "trusted" || (lamp === "doubtful" && compare.isLinkedAnyway);
  return isLinked ? affineOf(matrix) : undefined;
}

function words(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[a-z0-9]+/g) ?? []);
}

function sharedWords(a: string, b: string): number {
  const [first, second] = [words(a), words(b)];
  const union = new Set([...first, ...second]).size;
  return union === 0 ? 0 : [...first].filter((word) => second.has(word)).length / union;
}

function likeness(current: SeriesBrief, candidate: SeriesBrief): number {
  const isAlike = current.modality === candidate.modality;
  const thickness = [current.spacing_mm?.[0], candidate.spacing_mm?.[0]] as const;
  const isThin = thickness[0] !== undefined && thickness[1] !== undefined;
  const spacing = isThin ? -Math.abs(Math.log((thickness[0] ?? 1) / (thickness[1] ?? 1))) : -1;
  const described = sharedWords(current.series_description, candidate.series_description);
  return (candidate.is_volume ? 100 : 0) + (isAlike ? 50 : 0) + 20 * described + spacing;
}

/** The series of another study that shows most nearly the same: a volume, by modality, words and slice distance. */
export function chooseLikest(current: SeriesBrief, candidates: readonly SeriesBrief[]): SeriesBrief | undefined {
  const withImages = candidates.filter((one) => one.frame_count > 0);
  return [...withImages].sort((a, b) => likeness(current, b) - likeness(current, a))[0];
}

/** Whether something of the prior stands in the place of the current images. */
export function replacesCurrent(compare: CompareState | null): boolean {
  return compare !== null && (compare.mode === "difference" || (compare.mode === "flicker" && compare.showsPrior));
}
