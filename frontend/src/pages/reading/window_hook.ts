import type { ReadingSession } from "../../actions/reading/session";
import { digestVoxels } from "../../live/digest";
import { connectionOf } from "../../state/reading";
import type { PlaneId, Triple } from "../../state/planes";

declare global {
  interface Window {
    /** Read-only counters for browser journeys; nothing in the page depends on them. */
    __segweb?: { readonly viewer?: ViewerCounters };
  }
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
  labelMapDigest(): Promise<string | undefined>;
  /** Where a voxel (slice, row, column) is on the page, if a plane shows it. */
  pagePointOf(voxel: Triple, plane?: PlaneId): readonly [number, number] | undefined;
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
    async labelMapDigest() {
      const { labelMap } = session;
      return labelMap && digestVoxels(labelMap.voxels, labelMap.shape);
    },
    pagePointOf: (voxel, plane = "acquired") => session.viewer?.pagePointOf(voxel, plane),
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
