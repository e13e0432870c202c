import { replacesCurrent, type CompareState } from "./compare";
import type { CutProblem } from "./cut";
import type { HeatMap } from "./heat";
import type { LesionKey, Measured } from "./lesions";
import type { Triple, PlaneId } from "./planes";
import type { ExplanationMethod, Job, JobMap, Model, ModelInputs, Revision, Segmentation } from "./records";
import type { BrushShape } from "./brush";
import type { ToolId } from "./tools";

export type LayoutId = "all" | PlaneId;
export type PanelId = "segments" | "run" | "history";

export interface GreyWindow {
  readonly center: number;
  readonly width: number;
}

export interface SegmentRow {
  readonly number: number;
  readonly label: string;
  readonly colour: string;
  readonly isVisible: boolean;
  readonly isLocked: boolean;
  /** Undefined while unknown. */
  readonly volumeMl: number | undefined;
}

/** Which label map is on screen. */
export type Shown =
  | { readonly kind: "nothing" }
  | { readonly kind: "loading"; readonly revision: Revision }
  | { readonly kind: "live"; readonly jobId: string }
  | { readonly kind: "revision"; readonly revision: Revision; readonly isLatest: boolean };

/** What a run found besides its labels, or what a lesion's label rests on, to be laid over the images. */
export type HeatState =
  | { readonly kind: "nothing" }
  | { readonly kind: "there"; readonly map: JobMap }
  | { readonly kind: "shown"; readonly map: JobMap; readonly voxels: HeatMap }
  | { readonly kind: "failed"; readonly map: JobMap; readonly error: unknown };

export type SaveState =
  | { readonly kind: "clean" }
  | { readonly kind: "unsaved"; readonly isRestored: boolean }
  | { readonly kind: "saving" }
  | { readonly kind: "saved"; readonly at: number }
  | { readonly kind: "conflict"; readonly latest: Revision; readonly noticedAt: number }
  | { readonly kind: "failed"; readonly message: string };

export interface ImagesState {
  readonly status: "opening" | "streaming" | "complete" | "failed";
  readonly share: number;
  readonly error: unknown;
}

export type ParameterValue = number | Triple;

export interface ReadingState {
  readonly canEdit: boolean;
  readonly images: ImagesState;
  /** Images have joined the series since it was opened. */
  readonly isOutdated: boolean;
  readonly hasVolume: boolean;
  readonly hasGrid: boolean;
  readonly isColour: boolean;
  readonly hasWebGl: boolean;
  readonly canMeasure: boolean;
  readonly frameCount: number;
  readonly frameTimeMs: number | null;
  readonly layout: LayoutId;
  readonly tool: ToolId;
  readonly panel: PanelId | null;
  readonly window: GreyWindow | undefined;
  readonly presetIndex: number | null;
  readonly isInverted: boolean;
  readonly cursor: Triple;
  readonly isPlaying: boolean;
  readonly overlay: { readonly isShown: boolean; readonly opacity: number; readonly isFilled: boolean };
  readonly heat: HeatState;
  /** Which of two maps it is, where there are both. */
  readonly heatChoice: JobMap["kind"];
  readonly heatStyle: { readonly isShown: boolean; readonly opacity: number };
  readonly segments: readonly SegmentRow[];
  readonly activeSegment: number | null;
  readonly segmentations: readonly Segmentation[] | null;
  readonly shown: Shown;
  readonly shownError: unknown;
  readonly brush: { readonly radiusMm: number; readonly shape: BrushShape };
  readonly save: SaveState;
  readonly cutProblem: CutProblem | null;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  readonly models: readonly Model[] | null;
  readonly modelsError: unknown;
  readonly chosenModel: string | null;
  readonly parameters: Readonly<Record<string, ParameterValue | undefined>>;
  /** What the chosen model would read, of one that reads several series; null while that is not known. */
  readonly modelInputs: ModelInputs | null;
  readonly modelInputsError: unknown;
  /** Series by channel, as the reader chose them; the others are the server's choice. */
  readonly chosenInputs: Readonly<Record<string, string>>;
  /** Name of the parameter whose point is being picked. */
  readonly picking: string | null;
  readonly job: Job | null;
  readonly jobError: unknown;
  /** Of each socket that is in use. */
  readonly connections: Readonly<Record<string, Connection>>;
  readonly isKeySheetOpen: boolean;
  readonly compare: CompareState | null;
  readonly measured: Measured;
  readonly chosenLesion: LesionKey | null;
  readonly explanationMethod: ExplanationMethod;
  /** The question about the label map on screen that was asked last. */
  readonly explanation: Job | null;
  readonly explanationError: unknown;
  /** How often something was asked: the answer comes into view then, and not because a page was opened. */
  readonly explanationsAsked: number;
}

export type Connection = "connecting" | "open" | "waiting" | "refused";

const WORST_FIRST: readonly Connection[] = ["refused", "waiting", "connecting", "open"];

/** What the lamp shows: the worst of all sockets in use. */
export function connectionOf(state: ReadingState): Connection | undefined {
  const states = Object.values(state.connections);
  return WORST_FIRST.find((candidate) => states.includes(candidate));
}

export const BRUSH_RADII_MM = [1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24] as const;

export const initialReading: ReadingState = {
  canEdit: false,
  images: { status: "opening", share: 0, error: undefined },
  isOutdated: false,
  hasVolume: false,
  hasGrid: false,
  isColour: false,
  hasWebGl: true,
  canMeasure: false,
  frameCount: 0,
  frameTimeMs: null,
  layout: "acquired",
  tool: "crosshair",
  panel: "segments",
  window: undefined,
  presetIndex: null,
  isInverted: false,
  cursor: [0, 0, 0],
  isPlaying: false,
  overlay: { isShown: true, opacity: 0.35, isFilled: true },
  heat: { kind: "nothing" },
  heatChoice: "uncertainty",
  heatStyle: { isShown: false, opacity: 0.6 },
  segments: [],
  activeSegment: null,
  segmentations: null,
  shown: { kind: "nothing" },
  shownError: undefined,
  brush: { radiusMm: 4, shape: "circle" },
  save: { kind: "clean" },
  cutProblem: null,
  canUndo: false,
  canRedo: false,
  models: null,
  modelsError: undefined,
  chosenModel: null,
  parameters: {},
  modelInputs: null,
  modelInputsError: undefined,
  chosenInputs: {},
  picking: null,
  job: null,
  jobError: undefined,
  connections: {},
  isKeySheetOpen: false,
  compare: null,
  measured: { kind: "nothing" },
  chosenLesion: null,
  explanationMethod: "occlusion",
  explanation: null,
  explanationError: undefined,
  explanationsAsked: 0,
};

/** Simple changes go as parts of the state; those that touch several parts have a name. */
export type ReadingEvent =
  | { type: "changed"; part: Partial<ReadingState> }
  | { type: "progressed"; share: number }
  | { type: "segment.changed"; number: number; part: Partial<Pick<SegmentRow, "isVisible" | "isLocked">> }
  | { type: "segments.described"; segments: readonly Pick<SegmentRow, "number" | "label" | "colour">[] }
  | { type: "volumes.counted"; volumesMl: ReadonlyMap<number, number> }
  | { type: "tool.chosen"; tool: ToolId }
  | { type: "model.chosen"; name: string }
  | { type: "parameter.set"; name: string; value: ParameterValue | undefined }
  | { type: "input.chosen"; channel: string; seriesId: string }
  | { type: "point.picked"; voxel: Triple }
  | { type: "revision.shown"; revision: Revision }
  | { type: "segmentations.read"; segmentations: readonly Segmentation[] }
  | { type: "job.read"; job: Job }
  | { type: "connection.changed"; socket: string; state: Connection | "closed" };

export function latestRevision(segmentation: Segmentation): Revision | undefined {
  return segmentation.revisions.reduce<Revision | undefined>(
    (latest, revision) => (!latest || revision.number > latest.number ? revision : latest),
    undefined,
  );
}

/** Of all label maps of a series. */
export function newestRevision(segmentations: readonly Segmentation[]): Revision | undefined {
  const latest = segmentations.flatMap((segmentation) => latestRevision(segmentation) ?? []);
  return latest.sort((a, b) => b.created_at.localeCompare(a.created_at))[0];
}

/** The segmentation whose revision is on screen. */
export function shownSegmentation({ shown, segmentations }: Pick<ReadingState, "shown" | "segmentations">) {
  if (shown.kind !== "revision") return undefined;
  return segmentations?.find((candidate) => candidate.id === shown.revision.segmentation_id);
}

/** The segmentation that the run on the panel ended with. */
export function resultOf({ job, segmentations }: ReadingState): Segmentation | undefined {
  return segmentations?.find((candidate) => candidate.id === job?.segmentation_id);
}

function isLatest(segmentations: readonly Segmentation[] | null, revision: Revision): boolean {
  const segmentation = segmentations?.find((candidate) => candidate.id === revision.segmentation_id);
  const latest = segmentation && latestRevision(segmentation);
  return !latest || latest.number <= revision.number;
}

/** Keep eye and lock of segments that stay. */
function describeSegments(
  state: ReadingState,
  described: readonly Pick<SegmentRow, "number" | "label" | "colour">[],
): ReadingState {
  const segments = described.map((segment): SegmentRow => {
    const before = state.segments.find((row) => row.number === segment.number && row.label === segment.label);
    return {
      ...segment,
      isVisible: before?.isVisible ?? true,
      isLocked: before?.isLocked ?? false,
      volumeMl: undefined,
    };
  });
  const isKept = segments.some((segment) => segment.number === state.activeSegment);
  return { ...state, segments, activeSegment: isKept ? state.activeSegment : (segments[0]?.number ?? null) };
}

function chooseModel(state: ReadingState, name: string): ReadingState {
  const model = state.models?.find((candidate) => candidate.name === name);
  const parameters = Object.fromEntries(
    (model?.parameters ?? []).map((parameter) => [parameter.name, parameter.default ?? undefined]),
  );
  const inputs = { modelInputs: null, modelInputsError: undefined, chosenInputs: {} };
  return { ...state, ...inputs, chosenModel: name, parameters, picking: null, jobError: undefined };
}

const EDITING: readonly ToolId[] = ["brush", "eraser", "cut"];

/** Whether the label map on screen may be drawn upon: the latest revision, on its own images, by who may edit. */
export function canDraw(state: ReadingState): boolean {
  if (replacesCurrent(state.compare)) return false;
  return state.canEdit && !state.isOutdated && state.shown.kind === "revision" && state.save.kind !== "saving";
}

/** The segment that the brush would draw with, where it is locked: it neither loses nor gains a voxel. */
export function lockedSegment(state: ReadingState): SegmentRow | undefined {
  if (state.tool !== "brush") return undefined;
  return state.segments.find((segment) => segment.number === state.activeSegment && segment.isLocked);
}

/** The tool that does no harm: what Esc leads back to. */
export function restingTool(state: ReadingState): ToolId {
  return state.hasVolume ? "crosshair" : "scroll";
}

function toolAfter(state: ReadingState): ToolId {
  const isDrawable = state.canEdit && state.shown.kind === "revision";
  return EDITING.includes(state.tool) && !isDrawable ? restingTool(state) : state.tool;
}

function reduceSegments(state: ReadingState, event: ReadingEvent): ReadingState | undefined {
  switch (event.type) {
    case "segment.changed":
      return {
        ...state,
        segments: state.segments.map((row) => (row.number === event.number ? { ...row, ...event.part } : row)),
      };
    case "segments.described":
      return describeSegments(state, event.segments);
    case "volumes.counted":
      return {
        ...state,
        segments: state.segments.map((row) => ({ ...row, volumeMl: event.volumesMl.get(row.number) ?? 0 })),
      };
    default:
      return undefined;
  }
}

function reduceRun(state: ReadingState, event: ReadingEvent): ReadingState | undefined {
  switch (event.type) {
    case "model.chosen":
      return chooseModel(state, event.name);
    case "parameter.set":
      return { ...state, parameters: { ...state.parameters, [event.name]: event.value } };
    case "input.chosen":
      return { ...state, chosenInputs: { ...state.chosenInputs, [event.channel]: event.seriesId } };
    case "point.picked": {
      if (!state.picking) return state;
      const parameters = { ...state.parameters, [state.picking]: event.voxel };
      return { ...state, parameters, picking: null, tool: restingTool(state) };
    }
    case "job.read": {
      const isOlder = state.job?.id === event.job.id && event.job.attempt < state.job.attempt;
      return isOlder ? state : { ...state, job: event.job };
    }
    default:
      return undefined;
  }
}

function withConnection(state: ReadingState, socket: string, connection: Connection | "closed"): ReadingState {
  const others = Object.entries(state.connections).filter(([name]) => name !== socket);
  const now: [string, Connection][] = connection === "closed" ? [] : [[socket, connection]];
  return { ...state, connections: Object.fromEntries([...others, ...now]) };
}

function reduceShown(state: ReadingState, event: ReadingEvent): ReadingState | undefined {
  switch (event.type) {
    case "revision.shown": {
      const { revision } = event;
      const shown: Shown = { kind: "revision", revision, isLatest: isLatest(state.segmentations, revision) };
      return { ...state, shown, shownError: undefined };
    }
    case "segmentations.read": {
      const { segmentations } = event;
      const { shown } = state;
      const isRevision = shown.kind === "revision";
      const next = isRevision ? { ...shown, isLatest: isLatest(segmentations, shown.revision) } : shown;
      return { ...state, segmentations, shown: next };
    }
    default:
      return undefined;
  }
}

function reduceRest(state: ReadingState, event: ReadingEvent): ReadingState {
  switch (event.type) {
    case "changed": {
      const next = { ...state, ...event.part };
      return { ...next, tool: toolAfter(next) };
    }
    case "progressed":
      return { ...state, images: { ...state.images, share: event.share } };
    case "tool.chosen":
      return { ...state, tool: event.tool, picking: event.tool === "point" ? state.picking : null, cutProblem: null };
    case "connection.changed":
      return withConnection(state, event.socket, event.state);
    default:
      return state;
  }
}

/** The only way the reading page's state changes. */
export function reduceReading(state: ReadingState, event: ReadingEvent): ReadingState {
  return (
    reduceSegments(state, event) ?? reduceRun(state, event) ?? reduceShown(state, event) ?? reduceRest(state, event)
  );
}
