import { fetchRegistration, fetchStudiesOf, nudgeRegistration, requestRegistration } from "../../api/priors";
import { fetchFrames, fetchStudy } from "../../api/reading";
import { add, scale, type Vector3 } from "../../lib/vectors";
import {
  beginCompare,
  chooseLikest,
  linkOf,
  replacesCurrent,
  type CompareMode,
  type CompareState,
} from "../../state/compare";
import { positionMm, planeOf, type PlaneId, type Triple } from "../../state/planes";
import { IDENTITY, invert, lampOf, likestPlane, transform, voxelNear, type Affine } from "../../state/registration";
import type { GreyWindow, ReadingState } from "../../state/reading";
import type { Registration, StudyBrief } from "../../state/records";
import { Viewer, type ViewerEvents } from "../../viewer/viewer";
import { fetchPriorLabels, priorStyle, type PriorLabels } from "./prior_labels";
import type { ReadingSession } from "./session";

const ASK_AGAIN_MS = 4000;
const NUDGE_SAVED_AFTER_MS = 500;
const PRIOR_VIEWER = "segweb-prior";
const nothing = () => undefined;

/** A prior beside the current series: its images, its alignment, and which of the two leads the other. */
export class CompareDesk {
  viewer: Viewer | undefined;
  /** What is drawn over the prior's images. */
  labels: PriorLabels | undefined;
  private leader: "current" | "prior" = "current";
  private ownWindow: GreyWindow | undefined;
  private nudging: ReturnType<typeof setTimeout> | undefined;
  private asking: ReturnType<typeof setTimeout> | undefined;
  private aligning = 0;

  constructor(private readonly session: ReadingSession) {}

  get state(): CompareState | null {
    return this.session.state.compare;
  }

  /** The patient's other studies, the newest first. */
  async otherStudies(): Promise<readonly StudyBrief[]> {
    const studies = await fetchStudiesOf(this.session.study.patient.id);
    return studies.filter((study) => study.id !== this.session.study.id && study.series_count > 0);
  }

  /** Open the study before this one, or the nearest after it where this is the first. */
  async openPrevious(): Promise<void> {
    const studies = await this.otherStudies().catch(() => []);
    const own = this.session.study.study_date ?? "";
    const found = studies.find((study) => (study.study_date ?? "") <= own) ?? studies.at(-1);
    if (found) await this.openStudy(found.id);
  }

  /** Open of another study the series most like the current one. */
  async openStudy(studyId: string): Promise<void> {
    const study = await fetchStudy(studyId);
    const current = this.session.study.series.find((series) => series.id === this.session.seriesId);
    const likest = current && chooseLikest(current, study.series);
    if (likest) await this.open(likest.id);
  }

  async open(priorSeriesId: string): Promise<void> {
    this.close();
    this.session.set({ compare: beginCompare(priorSeriesId), isPlaying: false });
    try {
      const [registration, description] = await Promise.all([this.ask(priorSeriesId), fetchFrames(priorSeriesId)]);
      const { series } = await fetchStudy(registration.prior_study.id);
      if (this.state?.priorSeriesId !== priorSeriesId || !this.session.isOpen) return;
      const viewer = new Viewer(description, this.events(), PRIOR_VIEWER);
      this.viewer = viewer;
      this.ownWindow = description.window_presets[0];
      viewer.setTool(this.session.state.tool);
      viewer.setCrosshair(true);
      this.session.viewer?.setCrosshair(true);
      this.change({ series, images: "streaming", cursor: viewer.cursor });
      this.takeGreys();
      this.take(registration);
      void this.openLabels(viewer, priorSeriesId);
    } catch (error) {
      if (this.state?.priorSeriesId === priorSeriesId) this.change({ error, images: "failed" });
    }
  }

  /** The prior's newest label map over its images, drawn as the current one is. */
  private async openLabels(viewer: Viewer, seriesId: string): Promise<void> {
    const isStillOpen = () => this.session.isOpen && this.viewer === viewer;
    try {
      const found = await fetchPriorLabels(viewer, seriesId);
      if (!found || !isStillOpen()) return;
      this.labels = found;
      viewer.setStyle(priorStyle(this.session.state, found));
      viewer.setLabelMap(found.labelMap);
      this.show();
    } catch {
      if (isStillOpen()) this.change({ hasLabelsFailed: true });
    }
  }

  close(): void {
    clearTimeout(this.nudging);
    clearTimeout(this.asking);
    cancelAnimationFrame(this.aligning);
    this.aligning = 0;
    if (!this.state) return;
    this.session.viewer?.compareWith(undefined, "prior", IDENTITY);
    this.session.viewer?.setCrosshair(false);
    this.session.set({ compare: null });
    this.viewer?.dispose();
    this.viewer = undefined;
    this.labels = undefined;
    this.leader = "current";
  }

  /** Align again what failed. */
  async alignAgain(): Promise<void> {
    const { state } = this;
    if (!state) return;
    try {
      this.take(await requestRegistration(this.session.seriesId, state.priorSeriesId));
    } catch (error) {
      this.change({ error });
    }
  }

  /** What the server knows now; said by the socket, and asked for while the alignment runs. */
  async refresh(): Promise<void> {
    const { state } = this;
    if (!state?.registration || this.nudging !== undefined) return;
    const now = await fetchRegistration(this.session.seriesId, state.priorSeriesId, { isBackground: true }).catch(
      nothing,
    );
    if (now && this.state?.priorSeriesId === state.priorSeriesId) this.take(now);
  }

  linkAnyway(): void {
    this.change({ isLinkedAnyway: true });
    this.follow();
  }

  setMode(mode: CompareMode, showsPrior = false): void {
    if (mode !== "side" && !this.canReplace(mode)) return;
    const isAnotherLayout = this.state?.mode !== mode;
    this.change({ mode, showsPrior });
    if (isAnotherLayout) this.showOnceLaidOut();
    else this.show();
  }

  /** Whether a prior can stand in the place of the current images. */
  canReplace(mode: CompareMode): boolean {
    const { state, viewer } = this;
    const current = this.session.viewer;
    if (!viewer?.isComplete || !current?.isComplete || !linkOf(state)) return false;
    return mode !== "difference" || viewer.description.modality === current.description.modality;
  }

  /** Move the prior in the plane that is shown (right, down) or through it, in mm. */
  nudge(right: number, down: number, through: number): void {
    const grid = this.session.viewer?.grid;
    const registration = this.state?.registration;
    if (!grid || registration?.state !== "done" || !this.session.state.canEdit) return;
    const plane = planeOf(grid, this.plane);
    const alongRight = scale(grid.axes[plane.right], (plane.isRightFlipped ? -1 : 1) * right);
    const alongDown = scale(grid.axes[plane.down], (plane.isDownFlipped ? -1 : 1) * down);
    const delta = add(add(alongRight, alongDown), scale(grid.axes[plane.through], through));
    this.moveBy(registration, delta);
  }

  resetNudge(): void {
    const registration = this.state?.registration;
    if (registration) this.moveBy(registration, scale(registration.nudge_mm as unknown as Vector3, -1));
  }

  /** The pane under the pointer leads; the other follows. */
  lead(who: "current" | "prior"): void {
    this.leader = who;
  }

  /** Keys step through the pane that leads. */
  get leading(): Viewer | undefined {
    return this.leader === "prior" && this.viewer ? this.viewer : this.session.viewer;
  }

  /** The plane of the current series that is compared. */
  get plane(): PlaneId {
    const { layout } = this.session.state;
    return layout === "all" ? "acquired" : layout;
  }

  /** The plane of the prior that shows most nearly the same. */
  get priorPlane(): PlaneId {
    const [grid, prior] = [this.session.viewer?.grid, this.viewer?.grid];
    if (!grid || !prior || !this.viewer?.description.is_volume || !this.session.state.hasVolume) return "acquired";
    return likestPlane(grid, planeOf(grid, this.plane), prior, linkOf(this.state) ?? IDENTITY);
  }

  /** The current crosshair moved. */
  followCurrent(): void {
    if (this.leader === "current") this.follow();
  }

  /** Window, inversion and tool hold for both. */
  step(state: ReadingState, before: ReadingState): void {
    if (state.window !== before.window || state.isInverted !== before.isInverted) this.takeGreys();
    this.stepLabels(state, before);
    if (state.tool !== before.tool) this.viewer?.setTool(state.tool);
    if (state.layout !== before.layout && state.compare?.mode !== "side") this.show();
  }

  private stepLabels(state: ReadingState, before: ReadingState): void {
    if (this.labels && (state.overlay !== before.overlay || state.segments !== before.segments))
      this.viewer?.setStyle(priorStyle(state, this.labels));
  }

  /** What is known; who may have things computed has them aligned where nobody did. What failed waits for a word. */
  private async ask(priorSeriesId: string): Promise<Registration> {
    const { seriesId, state } = this.session;
    const known = await fetchRegistration(seriesId, priorSeriesId);
    return known.state === "none" && state.canEdit ? requestRegistration(seriesId, priorSeriesId) : known;
  }

  private take(registration: Registration): void {
    clearTimeout(this.asking);
    this.change({ registration, error: undefined });
    if (lampOf(registration) === "running") this.asking = setTimeout(() => void this.refresh(), ASK_AGAIN_MS);
    this.follow();
    this.show();
  }

  private moveBy(registration: Registration, delta: Vector3): void {
    const matrix = [...(registration.prior_to_current_mm ?? [])];
    for (const axis of [0, 1, 2] as const) matrix[4 * axis + 3] = (matrix[4 * axis + 3] ?? 0) + delta[axis];
    const nudge = add(registration.nudge_mm as unknown as Vector3, delta);
    this.change({ registration: { ...registration, prior_to_current_mm: matrix, nudge_mm: [...nudge] } });
    this.follow();
    this.show();
    clearTimeout(this.nudging);
    this.nudging = setTimeout(() => void this.saveNudge(nudge), NUDGE_SAVED_AFTER_MS);
  }

  private async saveNudge(nudge: Vector3): Promise<void> {
    const { state } = this;
    this.nudging = undefined;
    if (!state) return;
    try {
      const now = await nudgeRegistration(this.session.seriesId, state.priorSeriesId, nudge);
      if (this.nudging === undefined && this.state?.priorSeriesId === state.priorSeriesId) this.take(now);
    } catch (error) {
      await this.refresh();
      this.change({ error });
    }
  }

  /** Bring the pane that follows to the place of the one that leads. */
  private follow(): void {
    const link = linkOf(this.state);
    const [current, prior] = [this.session.viewer, this.viewer];
    if (!link || !current || !prior) return;
    if (this.leader === "prior") this.bring(current, prior, link);
    else this.bring(prior, current, invert(link));
  }

  private bring(follower: Viewer, leader: Viewer, way: Affine): void {
    if (!follower.grid || !leader.grid) return;
    const placeMm = transform(way, positionMm(leader.grid, leader.cursor));
    const { voxel, isInside } = voxelNear(follower.grid, placeMm);
    if (follower.cursor.some((value, axis) => value !== voxel[axis])) follower.setCursor(voxel);
    if (this.state?.isBeyond === isInside) this.change({ isBeyond: !isInside });
    this.followCamera();
  }

  /** With the next frame of the screen the pane that follows is zoomed and panned as the other. */
  followCamera(): void {
    if (this.aligning !== 0 || this.state?.mode !== "side") return;
    this.aligning = requestAnimationFrame(() => {
      this.aligning = 0;
      const [current, prior] = [this.session.viewer, this.viewer];
      if (!current || !prior || !linkOf(this.state)) return;
      if (this.leader === "prior") current.alignTo(prior, this.plane, this.priorPlane);
      else prior.alignTo(current, this.priorPlane, this.plane);
    });
  }

  /** Panes get their new size first: images that are exchanged meanwhile would keep the scale of the old one. */
  private showOnceLaidOut(): void {
    requestAnimationFrame(() => requestAnimationFrame(() => this.show()));
  }

  /** Put on screen what the mode says. */
  private show(): void {
    const { state, viewer } = this;
    const link = linkOf(state);
    const current = this.session.viewer;
    if (!state || !current) return;
    if (link && replacesCurrent(state))
      current.compareWith(viewer, state.mode === "difference" ? "difference" : "prior", link);
    else current.compareWith(undefined, "prior", IDENTITY);
    if (!link && state.mode !== "side") this.change({ mode: "side", showsPrior: false });
  }

  private takeGreys(): void {
    const { viewer, session } = this;
    if (!viewer) return;
    const isAlike = viewer.description.modality === session.viewer?.description.modality;
    const isMonochrome1 = viewer.description.photometric_interpretation === "MONOCHROME1";
    viewer.setWindow(isAlike ? session.state.window : this.ownWindow, session.state.isInverted !== isMonochrome1);
  }

  private takeWindow(window: GreyWindow): void {
    if (this.viewer?.description.modality === this.session.viewer?.description.modality)
      this.session.set({ window, presetIndex: null });
    else this.ownWindow = window;
    this.takeGreys();
  }

  private change(part: Partial<CompareState>): void {
    if (this.state) this.session.set({ compare: { ...this.state, ...part } });
  }

  private events(): ViewerEvents {
    return {
      onFirstImage: () => this.followCamera(),
      onCamera: () => this.followCamera(),
      onProgress: nothing,
      onComplete: () => this.change({ images: "complete" }),
      onFailure: (message) => this.change({ images: "failed", error: new Error(message) }),
      onWindow: (window) => this.takeWindow(window),
      onCursor: (cursor: Triple) => {
        this.change({ cursor });
        if (this.leader === "prior") this.follow();
      },
      onHover: nothing,
      onBrush: nothing,
      onPoint: nothing,
      onOverlayDrawn: nothing,
    };
  }
}
