import { fetchFrames } from "../../api/reading";
import { LabelMap } from "../../state/label_map";
import type { SeriesFrames } from "../../state/records";
import type { ReadingState } from "../../state/reading";
import { throttle } from "../../lib/throttle";
import { Viewer, type ViewerEvents } from "../../viewer/viewer";
import type { ReadingSession } from "./session";

const PROGRESS_INTERVAL_MS = 120;

/** Fetch what the series consists of and show its first image; the rest streams in. */
export async function openImages(session: ReadingSession): Promise<void> {
  let description: SeriesFrames;
  const openedAt = performance.now();
  try {
    description = await fetchFrames(session.seriesId);
  } catch (error) {
    session.set({ images: { status: "failed", share: 0, error } });
    return;
  }
  if (!session.isOpen) return;
  const viewer = new Viewer(description, viewerEvents(session, openedAt));
  session.viewer = viewer;
  if (viewer.grid) {
    session.labelMap = new LabelMap(viewer.grid.shape);
    viewer.setLabelMap(session.labelMap);
  }
  session.set({ ...describe(description, viewer), images: { status: "streaming", share: 0, error: undefined } });
}

function describe(description: SeriesFrames, viewer: Viewer): Partial<ReadingState> {
  const isColour = description.samples_per_pixel > 1;
  const preset = description.window_presets[0];
  const range = description.maximum - description.minimum;
  const wide = { center: description.minimum + range / 2, width: Math.max(range, 1e-6) };
  return {
    hasVolume: description.is_volume && viewer.grid !== undefined,
    hasGrid: viewer.grid !== undefined,
    hasWebGl: viewer.hasWebGl,
    isColour,
    canMeasure: viewer.canMeasure(),
    frameCount: description.frames.length,
    frameTimeMs: description.frames[0]?.frame_time_ms ?? null,
    layout: description.is_volume && viewer.grid ? "all" : "acquired",
    tool: description.is_volume ? "crosshair" : "scroll",
    window: isColour ? undefined : preset ? { center: preset.center, width: preset.width } : wide,
    presetIndex: preset ? 0 : null,
    cursor: viewer.cursor,
  };
}

function viewerEvents(session: ReadingSession, openedAt: number): ViewerEvents {
  const progress = throttle((share: number) => {
    session.store.dispatch({ type: "progressed", share });
  }, PROGRESS_INTERVAL_MS);
  return {
    onFirstImage: () => {
      session.counters.firstImageMs = performance.now() - openedAt;
    },
    onProgress: progress,
    onComplete: () => {
      progress.cancel();
      session.set({ images: { status: "complete", share: 1, error: undefined } });
    },
    onFailure: (message) => {
      progress.cancel();
      session.set({ images: { ...session.state.images, status: "failed", error: new Error(message) } });
    },
    onWindow: (window) => {
      session.set({ window, presetIndex: null });
    },
    onCursor: (cursor) => {
      session.set({ cursor, canMeasure: session.viewer?.canMeasure() ?? false });
      session.jobs.moveFocus(cursor);
      session.compare.followCurrent();
    },
    onHover: (readout) => {
      session.readout.dispatch(readout);
    },
    onBrush: (gesture) => {
      session.drawing.draw(gesture);
    },
    onCut: (line) => {
      void session.cuts.cut(line);
    },
    onPoint: (voxel) => {
      session.store.dispatch({ type: "point.picked", voxel });
    },
    onOverlayDrawn: () => {
      session.jobs.noteDrawn();
    },
    onCamera: () => {
      session.compare.followCamera();
    },
  };
}
