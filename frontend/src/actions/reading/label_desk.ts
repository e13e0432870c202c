import { acceptSegmentation, fetchLabelMap, fetchSegmentations } from "../../api/reading";
import { readBrick, writeRuns } from "../../live/brick";
import type { LabelMap } from "../../state/label_map";
import { newestRevision, shownSegmentation } from "../../state/reading";
import type { Revision, Segmentation } from "../../state/records";
import { throttle } from "../../lib/throttle";
import { findDrafts } from "./drafts";
import type { ReadingSession } from "./session";

const COUNT_INTERVAL_MS = 400;

export function rowsOf(segments: readonly { segment_number: number; segment_label: string; colour: string }[]) {
  return segments.map((segment) => ({
    number: segment.segment_number,
    label: segment.segment_label,
    colour: segment.colour,
  }));
}

/** Which label map is on screen. */
export class LabelDesk {
  /** Grows with every label map asked for, so that a late answer does not replace a newer choice. */
  private turn = 0;

  constructor(private readonly session: ReadingSession) {}

  /** On opening a series: unsaved drawing if there is any, else the newest label map. */
  async openFirst(): Promise<void> {
    await this.refresh();
    const { segmentations, job } = this.session.state;
    if (!this.session.isOpen || job || !segmentations || !this.session.labelMap) return;
    const drafted = await this.draftedRevision(segmentations);
    const newest = drafted ?? newestRevision(segmentations);
    if (newest && this.session.state.shown.kind === "nothing") await this.show(newest);
  }

  /** The newest label map there is, or none. */
  async showNewest(): Promise<void> {
    const newest = newestRevision(this.session.state.segmentations ?? []);
    if (newest) await this.show(newest);
    else this.hide();
  }

  /** Read the list again; the label map on screen stays as it is. */
  async refresh(): Promise<void> {
    try {
      const isBackground = this.session.state.segmentations !== null;
      const segmentations = await fetchSegmentations(this.session.seriesId, { isBackground });
      this.session.store.dispatch({ type: "segmentations.read", segmentations });
      this.session.jobs.noteListed();
    } catch (error) {
      if (this.session.state.segmentations === null) this.session.set({ shownError: error });
    }
  }

  /** Vouch for the label map on screen as it is. */
  async accept(): Promise<void> {
    const segmentation = shownSegmentation(this.session.state);
    if (!segmentation) return;
    try {
      await acceptSegmentation(segmentation.id);
      this.session.set({ shownError: undefined });
    } catch (error) {
      this.session.set({ shownError: error });
    }
    await this.refresh();
  }

  /** Put a revision on screen, with the unsaved drawing on it if there is any. */
  async show(revision: Revision): Promise<void> {
    const { session } = this;
    const { labelMap } = session;
    if (!labelMap) return;
    session.jobs.lookAway();
    const turn = this.begin();
    session.set({ shown: { kind: "loading", revision }, shownError: undefined, save: { kind: "clean" } });
    try {
      const bytes = await fetchLabelMap(revision.id);
      if (turn !== this.turn || !session.isOpen) return;
      fillLabels(labelMap, bytes);
    } catch (error) {
      if (turn === this.turn) session.set({ shown: { kind: "nothing" }, shownError: error });
      return;
    }
    this.declare(revision);
    await session.drawing.restoreDraft(revision);
  }

  /** The voxels on screen are this revision's. */
  declare(revision: Revision): void {
    this.session.drawing.reset();
    this.session.store.dispatch({ type: "segments.described", segments: rowsOf(revision.segments) });
    this.session.store.dispatch({ type: "revision.shown", revision });
    this.countNow();
  }

  /** Clear the screen for something else; answers still on their way are ignored. */
  begin(): number {
    this.session.drawing.flush();
    return ++this.turn;
  }

  hide(): void {
    this.begin();
    this.session.labelMap?.clear();
    this.session.drawing.reset();
    this.session.set({ shown: { kind: "nothing" }, segments: [], activeSegment: null, save: { kind: "clean" } });
  }

  readonly count = throttle(() => {
    this.countNow();
  }, COUNT_INTERVAL_MS);

  private countNow(): void {
    const { labelMap, viewer } = this.session;
    const grid = viewer?.grid;
    if (!labelMap || !grid?.isMeasured || !this.session.state.hasVolume) return;
    const voxelMl = (grid.spacingMm[0] * grid.spacingMm[1] * grid.spacingMm[2]) / 1000;
    const volumesMl = new Map([...labelMap.countVoxels()].map(([number, count]) => [number, count * voxelMl]));
    this.session.store.dispatch({ type: "volumes.counted", volumesMl });
  }

  private async draftedRevision(segmentations: readonly Segmentation[]): Promise<Revision | undefined> {
    const drafts = await findDrafts(this.session.reader.userId, this.session.seriesId).catch(() => []);
    for (const draft of drafts) {
      const revisions = segmentations.find((candidate) => candidate.id === draft.segmentationId)?.revisions;
      const base = revisions?.find((revision) => revision.id === draft.baseId);
      if (base) return base;
    }
    return undefined;
  }
}

/** Put a stored label map in the place of whatever was there. */
export function fillLabels(labelMap: LabelMap, bytes: ArrayBuffer): void {
  const brick = readBrick(bytes);
  const isWide = brick.values instanceof Uint16Array;
  if (isWide !== labelMap.voxels instanceof Uint16Array) labelMap.clear(isWide);
  labelMap.write(brick.sliceStart, brick.sliceCount, (voxels) => {
    writeRuns(brick, voxels, labelMap.shape);
  });
}
