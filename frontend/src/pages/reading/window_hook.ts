import type { ReadingSession } from "../../actions/reading/session";
import { digestVoxels } from "../../live/digest";
import { connectionOf } from "../../state/reading";
import { linkOf } from "../../state/compare";
import { positionMm, type PlaneId, type Triple } from "../../state/planes";
import { lampOf } from "../../state/registration";
import type { Viewer } from "../../viewer/viewer";

declare global {
  interface Window {
    /** Read-only counters for browser journeys; nothing in the page depends on them. */
    __segweb?: { readonly viewer?: ViewerCounters };
  }
}

export interface PriorCounters {
  readonly seriesId: string;
  readonly lamp: string;
  readonly isLinked: boolean;
  readonly isComplete: boolean;
  readonly mode: string;
  readonly showsPrior: boolean;
  /** What the mode says stands in the place of the current images, in a pane that has its new size. */
  readonly isLaidOver: boolean;
  readonly voxel: Triple;
  readonly shownRevisionId: string | undefined;
  readonly overlayVoxels: number;
  /** Where the crosshair of each series lies, patient LPS mm. */
  readonly priorMm: Triple | undefined;
  readonly currentMm: Triple | undefined;
}

export interface ViewerCounters {
  readonly seriesId: string;
  readonly sliceIndex: number;
  readonly sliceCount: number;
  readonly isComplete: boolean;
  readonly hasWebGl: boolean;
  readonly firstImageMs: number | undefined;
  readonly rendersWithOverlay: number;
  readonly drawnSequence: number;
  readonly overlayVoxels: number;
  readonly tool: string;
  readonly layout: string;
  readonly jobState: string | undefined;
  readonly shownRevisionId: string | undefined;
  readonly saveState: string;
  readonly connection: string;
  /** The prior beside it; undefined where there is none. */
  readonly prior: PriorCounters | undefined;
  readonly lesionCount: number;
  readonly voxel: Triple;
  labelMapDigest(): Promise<string | undefined>;
  /** Where a voxel (slice, row, column) is on the page, if a plane shows it. */
  pagePointOf(voxel: Triple, plane?: PlaneId): readonly [number, number] | undefined;
  /** The same of a voxel of the prior. */
  priorPointOf(voxel: Triple, plane?: PlaneId): readonly [number, number] | undefined;
}

function priorOf({ compare, viewer }: ReadingSession): PriorCounters | undefined {
  const { state } = compare;
  if (!state) return undefined;
  const placeOf = (one: Viewer | undefined) => one?.grid && positionMm(one.grid, one.cursor);
  return {
    seriesId: state.priorSeriesId,
    lamp: lampOf(state.registration),
    isLinked: linkOf(state) !== undefined,
    isComplete: compare.viewer?.isComplete ?? false,
    mode: state.mode,
    showsPrior: state.showsPrior,
    isLaidOver: viewer?.isComparing ?? false,
    voxel: state.cursor,
    shownRevisionId: compare.labels?.revision.id,
    overlayVoxels: compare.labels?.labelMap.labelledVoxels ?? 0,
    priorMm: placeOf(compare.viewer),
    currentMm: placeOf(viewer),
  };
}

async function digestOf({ labelMap }: ReadingSession): Promise<string | undefined> {
  return labelMap && digestVoxels(labelMap.voxels, labelMap.shape);
}

type Questions = Pick<ViewerCounters, "labelMapDigest" | "pagePointOf" | "priorPointOf">;

function questionsTo(session: ReadingSession): Questions {
  return {
    labelMapDigest: () => digestOf(session),
    pagePointOf: (voxel, plane = "acquired") => session.viewer?.pagePointOf(voxel, plane),
    priorPointOf: (voxel, plane = "acquired") => session.compare.viewer?.pagePointOf(voxel, plane),
  };
}

function countersOf(session: ReadingSession): ViewerCounters {
  return {
    seriesId: session.seriesId,
    get sliceIndex() {
      return session.state.cursor[0];
    },
    get sliceCount() {
      return session.state.frameCount;
    },
    get isComplete() {
      return session.state.images.status === "complete";
    },
    get hasWebGl() {
      return session.state.hasWebGl;
    },
    get firstImageMs() {
      return session.counters.firstImageMs;
    },
    get rendersWithOverlay() {
      return session.counters.rendersWithOverlay;
    },
    get drawnSequence() {
      return session.jobs.drawnSequence;
    },
    get overlayVoxels() {
      return session.labelMap?.labelledVoxels ?? 0;
    },
    get tool() {
      return session.state.tool;
    },
    get layout() {
      return session.state.layout;
    },
    get jobState() {
      return session.state.job?.state;
    },
    get shownRevisionId() {
      const { shown } = session.state;
      return shown.kind === "revision" ? shown.revision.id : undefined;
    },
    get saveState() {
      return session.state.save.kind;
    },
    get connection() {
      return connectionOf(session.state) ?? "idle";
    },
    get prior() {
      return priorOf(session);
    },
    get lesionCount() {
      const { measured } = session.state;
      return measured.kind === "done" ? measured.lesions.length : 0;
    },
    get voxel() {
      return session.state.cursor;
    },
    ...questionsTo(session),
  };
}

/** Show counters to journeys until the returned function is called. */
export function showToJourneys(session: ReadingSession): () => void {
  const viewer = Object.freeze(countersOf(session));
  const shown = Object.freeze({ viewer });
  window.__segweb = shown;
  return () => {
    if (window.__segweb === shown) delete window.__segweb;
  };
}
