import { createSegmentation, saveRevision } from "../../api/reading";
import { ApiProblem } from "../../lib/problem";
import { throttle } from "../../lib/throttle";
import { encodeBrick, readBrick, writeRuns } from "../../live/brick";
import { makeTip, stamp, strokeCentres, type Tip } from "../../state/brush";
import { EditHistory, type Stroke } from "../../state/edit_history";
import type { LabelVoxels } from "../../state/label_map";
import type { Triple } from "../../state/planes";
import { canDraw, latestRevision, lockedSegment } from "../../state/reading";
import type { Revision } from "../../state/records";
import type { BrushGesture } from "../../viewer/viewer";
import { draftKey, dropDraft, findDrafts, keepDraft } from "./drafts";
import { fillLabels } from "./label_desk";
import type { ReadingSession } from "./session";

const DRAFT_INTERVAL_MS = 800;

interface OpenStroke {
  tip: Tip;
  value: number;
  last: Triple | undefined;
  before: Map<number, number>;
}

/** Correcting a label map by hand: strokes, undo, drafts, and saving on a stated base. */
export class DrawingDesk {
  private readonly history = new EditHistory();
  private readonly changedSlices = new Set<number>();
  private stroke: OpenStroke | undefined;

  constructor(private readonly session: ReadingSession) {}

  close(): void {
    this.flush();
    this.keep.cancel();
  }

  /** Forget strokes: another label map is on screen. */
  reset(): void {
    this.keep.cancel();
    this.stroke = undefined;
    this.history.clear();
    this.changedSlices.clear();
    this.session.set({ canUndo: false, canRedo: false, save: { kind: "clean" } });
  }

  draw(gesture: BrushGesture): void {
    if (gesture.phase === "start") this.begin(gesture);
    else if (gesture.phase === "move") this.extend(gesture.voxel);
    else this.finish();
  }

  undo(): void {
    if (this.session.labelMap) this.noteChange(this.history.undo(this.session.labelMap));
  }

  redo(): void {
    if (this.session.labelMap) this.noteChange(this.history.redo(this.session.labelMap));
  }

  /** Changed slices, neighbours together, as bricks. */
  bricks(): Uint8Array<ArrayBuffer>[] {
    const { labelMap } = this.session;
    if (!labelMap) return [];
    const [, rows, columns] = labelMap.shape;
    const slices = [...this.changedSlices].sort((a, b) => a - b);
    const bricks: Uint8Array<ArrayBuffer>[] = [];
    for (let first = 0; first < slices.length;) {
      const start = slices[first] ?? 0;
      let count = 1;
      while (slices[first + count] === start + count) count++;
      bricks.push(encodeBrick(labelMap.slices(start, count), start, rows, columns));
      first += count;
    }
    return bricks;
  }

  /** Save as the next revision of what is on screen. A base that is no longer the latest becomes a choice. */
  async save(): Promise<void> {
    const { shown } = this.session.state;
    if (shown.kind !== "revision") return;
    const { revision } = shown;
    this.finish(); // a stroke that is still being drawn belongs to what is saved
    this.session.set({ save: { kind: "saving" } });
    try {
      const saved = await saveRevision(revision.segmentation_id, revision.id, this.bricks());
      await this.settle(revision, saved);
    } catch (error) {
      const message = error instanceof Error ? error.message : "";
      if (!this.offerLatest(error)) this.session.set({ save: { kind: "failed", message } });
    }
  }

  /** Where others have saved meanwhile, let the reader choose; false where that is not why saving was refused. */
  offerLatest(error: unknown): boolean {
    const latest = staleBase(error);
    if (latest) this.session.set({ save: { kind: "conflict", latest, noticedAt: Date.now() } });
    return latest !== undefined;
  }

  /** Take over what the server made of the revision on screen; one step of undo leads back. */
  async adopt(saved: Revision, labels: ArrayBuffer): Promise<void> {
    const { labelMap } = this.session;
    if (!labelMap) return;
    const before = labelMap.voxels.slice();
    fillLabels(labelMap, labels);
    const change = differenceOf(before, labelMap.voxels);
    this.session.labels.declare(saved);
    this.history.push(change);
    this.session.set({ save: { kind: "saved", at: Date.now() }, canUndo: this.history.canUndo });
    await this.session.labels.refresh();
  }

  /** One way out of a conflict: what is on screen becomes a segmentation of its own. */
  async saveAsNew(name: string): Promise<void> {
    const { shown } = this.session.state;
    const { session } = this;
    const { labelMap } = session;
    if (shown.kind !== "revision" || !labelMap) return;
    const { revision } = shown;
    session.set({ save: { kind: "saving" } });
    try {
      const created = await createSegmentation(session.seriesId, { name, segments: namesOf(revision) });
      const empty = latestRevision(created);
      if (!empty) throw new ApiProblem(500, "answer.empty", "");
      for (let slice = 0; slice < labelMap.shape[0]; slice++) this.changedSlices.add(slice);
      await this.settle(revision, await saveRevision(created.id, empty.id, this.bricks()));
    } catch (error) {
      session.set({ save: { kind: "failed", message: error instanceof Error ? error.message : "" } });
    }
  }

  /** The other way out: what others saved, without what was drawn here. */
  async discard(): Promise<void> {
    const { shown, segmentations, save } = this.session.state;
    if (shown.kind !== "revision") return;
    const { revision } = shown;
    this.keep.cancel();
    await dropDraft(this.key(revision)).catch(() => undefined);
    const segmentation = segmentations?.find((candidate) => candidate.id === revision.segmentation_id);
    const latest = save.kind === "conflict" ? save.latest : segmentation && latestRevision(segmentation);
    this.reset();
    await this.session.labels.show(latest ?? revision);
  }

  /** Bring back what was drawn on a revision and never saved. */
  async restoreDraft(revision: Revision): Promise<void> {
    const { session } = this;
    const { labelMap } = session;
    const drafts = await findDrafts(session.reader.userId, session.seriesId).catch(() => []);
    const draft = drafts.find((candidate) => candidate.baseId === revision.id);
    const { shown } = session.state;
    const isStillShown = shown.kind === "revision" && shown.revision.id === revision.id;
    if (!draft || !labelMap || !isStillShown || !session.reader.canEdit) return;
    for (const bytes of draft.bricks) {
      const brick = readBrick(bytes.buffer, bytes.byteOffset);
      labelMap.write(brick.sliceStart, brick.sliceCount, (voxels) => {
        writeRuns(brick, voxels, labelMap.shape);
      });
      for (let slice = 0; slice < brick.sliceCount; slice++) this.changedSlices.add(brick.sliceStart + slice);
    }
    session.set({ save: { kind: "unsaved", isRestored: true } });
    session.labels.count(undefined);
  }

  /** Write the draft now instead of in a moment. */
  flush(): void {
    this.keep.cancel();
    void this.keepNow();
  }

  private readonly keep = throttle(() => {
    void this.keepNow();
  }, DRAFT_INTERVAL_MS);

  private async keepNow(): Promise<void> {
    const { shown, save } = this.session.state;
    if (shown.kind !== "revision" || save.kind === "saving" || this.changedSlices.size === 0) return;
    const { revision } = shown;
    await keepDraft({
      key: this.key(revision),
      seriesId: this.session.seriesId,
      segmentationId: revision.segmentation_id,
      baseId: revision.id,
      savedAt: Date.now(),
      bricks: this.bricks(),
    }).catch(() => undefined);
  }

  private key(revision: Revision): string {
    return draftKey(this.session.reader.userId, revision.segmentation_id);
  }

  private async settle(base: Revision, saved: Revision): Promise<void> {
    this.keep.cancel();
    await dropDraft(this.key(base)).catch(() => undefined);
    this.session.labels.declare(saved);
    this.session.set({ save: { kind: "saved", at: Date.now() } });
    await this.session.labels.refresh();
  }

  private begin(gesture: BrushGesture): void {
    const { session } = this;
    const { state, viewer } = session;
    const grid = viewer?.grid;
    if (!grid || !canDraw(state) || state.activeSegment === null || lockedSegment(state)) return;
    const tip = makeTip(gesture.plane, grid.spacingMm, state.brush.radiusMm, state.brush.shape);
    const value = gesture.tool === "eraser" ? 0 : state.activeSegment;
    this.stroke = { tip, value, last: undefined, before: new Map() };
    this.extend(gesture.voxel);
  }

  private extend(voxel: Triple | undefined): void {
    const { stroke } = this;
    const { labelMap, state } = this.session;
    if (!stroke || !labelMap) return;
    if (!voxel) {
      stroke.last = undefined;
      return;
    }
    const locked = new Set(state.segments.filter((segment) => segment.isLocked).map((segment) => segment.number));
    const isLocked = (segment: number) => locked.has(segment);
    const slices = new Set<number>();
    for (const centre of strokeCentres(stroke.last ?? voxel, voxel))
      for (const { index, before } of stamp(
        labelMap.voxels,
        labelMap.shape,
        stroke.tip,
        centre,
        stroke.value,
        isLocked,
      )) {
        if (!stroke.before.has(index)) stroke.before.set(index, before);
        slices.add(Math.floor(index / labelMap.sliceSize));
      }
    stroke.last = voxel;
    for (const slice of slices) labelMap.touch(slice, 1);
  }

  private finish(): void {
    const { stroke } = this;
    const { labelMap } = this.session;
    this.stroke = undefined;
    if (!stroke || !labelMap || stroke.before.size === 0) return;
    const indices = Uint32Array.from(stroke.before.keys());
    const before = Uint16Array.from(stroke.before.values());
    this.history.push({ indices, before, after: new Uint16Array(indices.length).fill(stroke.value) });
    this.noteChange(new Set(Array.from(indices, (index) => Math.floor(index / labelMap.sliceSize))));
  }

  private noteChange(slices: ReadonlySet<number>): void {
    if (slices.size === 0) return;
    for (const slice of slices) this.changedSlices.add(slice);
    const { canUndo, canRedo } = this.history;
    this.session.set({ save: { kind: "unsaved", isRestored: false }, canUndo, canRedo });
    this.session.labels.count(undefined);
    this.keep(undefined);
  }
}

/** All that differs between two states of a label map. */
function differenceOf(before: LabelVoxels, after: LabelVoxels): Stroke {
  const changed: number[] = [];
  for (let index = 0; index < after.length; index++) if (before[index] !== after[index]) changed.push(index);
  const indices = Uint32Array.from(changed);
  const valuesOf = (voxels: LabelVoxels) => Uint16Array.from(indices, (index) => voxels[index] ?? 0);
  return { indices, before: valuesOf(before), after: valuesOf(after) };
}

/** What a new segmentation takes over from another: numbers, names and colours. */
function namesOf(revision: Revision) {
  return revision.segments.map(({ segment_number, segment_label, colour }) => ({
    segment_number,
    segment_label,
    colour,
  }));
}

/** The revision that others have saved meanwhile, where that is why saving was refused. */
function staleBase(error: unknown): Revision | undefined {
  if (!(error instanceof ApiProblem) || error.code !== "revision.stale_base") return undefined;
  return error.details["latest"] as Revision | undefined;
}
