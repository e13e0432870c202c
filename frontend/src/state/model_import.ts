/** How grey values become a network's input: `Scheme` of the server. */
export const SCHEMES = [
  "z_score",
  "z_score_nonzero",
  "min_max",
  "range",
  "percentiles",
  "clip_z_score",
  "tissue",
  "body",
  "none",
] as const;
export type SchemeName = (typeof SCHEMES)[number];

export const SUFFIXES = [".zip", ".pt", ".pth", ".ts", ".onnx"] as const;

/** What a person enters beside the file; numbers stand as they were typed. */
export interface ImportDraft {
  readonly title: string;
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly modality: string;
  readonly segments: string;
  readonly window: string;
  readonly spacing: string;
  readonly axes: string;
  readonly channels: string;
  readonly scheme: SchemeName;
  readonly low: string;
  readonly high: string;
  readonly mean: string;
  readonly deviation: string;
  readonly intendedUse: string;
}

export const EMPTY_IMPORT: ImportDraft = {
  title: "",
  name: "",
  version: "",
  licence: "",
  modality: "",
  segments: "",
  window: "",
  spacing: "",
  axes: "slice row column",
  channels: "",
  scheme: "z_score",
  low: "",
  high: "",
  mean: "",
  deviation: "",
  intendedUse: "",
};

/** What the server is told, as `inference.formats.wish` reads it. */
export interface ImportWish {
  readonly file_name: string;
  readonly title?: string;
  readonly name?: string;
  readonly version?: string;
  readonly licence?: string;
  readonly modalities?: readonly string[];
  readonly description?: Readonly<Record<string, unknown>>;
}

export type DraftField = keyof ImportDraft;

/** A file alone holds a network but not what it expects; a zip says it itself. */
export function needsDescription(fileName: string): boolean {
  return !fileName.toLowerCase().endsWith(".zip");
}

export function hasModelSuffix(fileName: string): boolean {
  return SUFFIXES.some((suffix) => fileName.toLowerCase().endsWith(suffix));
}

/** The numbers that a scheme asks for. */
export function numbersOf(scheme: SchemeName): readonly ("low" | "high" | "mean" | "deviation")[] {
  switch (scheme) {
    case "range":
    case "percentiles":
      return ["low", "high"];
    case "clip_z_score":
      return ["low", "high", "mean", "deviation"];
    default:
      return [];
  }
}

export function readTriple(text: string): readonly [number, number, number] | undefined {
  const parts = text
    .trim()
    .split(/\s*[x×*;\s]\s*/)
    .map((part) => Number(part.replace(",", ".")));
  const [first, second, third] = parts;
  if (parts.length !== 3 || first === undefined || second === undefined || third === undefined) return undefined;
  return parts.every((part) => Number.isFinite(part) && part > 0) ? [first, second, third] : undefined;
}

const listOf = (text: string): readonly string[] =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);

const numberOf = (text: string): number | undefined => {
  const value = Number(text.trim().replace(",", "."));
  return text.trim() !== "" && Number.isFinite(value) ? value : undefined;
};

function isWrongWindow(text: string): boolean {
  const window = readTriple(text);
  return !window?.every(Number.isInteger);
}

/** The fields that still keep a file from being sent. */
export function problemsOf(draft: ImportDraft, fileName: string): readonly DraftField[] {
  if (!needsDescription(fileName)) return [];
  const found: DraftField[] = [];
  if (listOf(draft.segments).length === 0) found.push("segments");
  if (isWrongWindow(draft.window)) found.push("window");
  if (draft.spacing.trim() && !readTriple(draft.spacing)) found.push("spacing");
  found.push(...numbersOf(draft.scheme).filter((name) => numberOf(draft[name]) === undefined));
  return found;
}

export function wishOf(draft: ImportDraft, fileName: string): ImportWish {
  const said = { title: draft.title, name: draft.name, version: draft.version, licence: draft.licence };
  const words = Object.fromEntries(Object.entries(said).filter(([, text]) => text.trim()));
  const modalities = draft.modality ? { modalities: [draft.modality] } : {};
  const base = { file_name: fileName, ...words, ...modalities };
  if (!needsDescription(fileName)) return base;
  const channels = listOf(draft.channels);
  const numbers = Object.fromEntries(numbersOf(draft.scheme).map((name) => [name, numberOf(draft[name])]));
  return {
    ...base,
    description: {
      segments: listOf(draft.segments),
      window: readTriple(draft.window),
      spacing_mm: draft.spacing.trim() ? readTriple(draft.spacing) : null,
      orientation: draft.axes,
      scheme: draft.scheme,
      intended_use: draft.intendedUse.trim(),
      ...(channels.length > 0 ? { channels } : {}),
      ...numbers,
    },
  };
}
