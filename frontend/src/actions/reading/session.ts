import { fetchFrames } from "../../api/reading";
import { checkSession } from "../../api/session";
import { refetchTracking } from "../../api/tracking";
import { createStore, type Store } from "../../lib/store";
import { throttle } from "../../lib/throttle";
import { openEventSocket, type EventSocket } from "../../live/event_socket";
import type { LabelMap } from "../../state/label_map";
import { initialReading, reduceReading, type ReadingEvent, type ReadingState } from "../../state/reading";
import type { Job, Study } from "../../state/records";
import type { LesionKey } from "../../state/lesions";
import type { Triple } from "../../state/planes";
import { voxelNear } from "../../state/registration";
import type { Heat, OverlayStyle, Readout, Viewer } from "../../viewer/viewer";
import { CompareDesk } from "./compare_desk";
import { CutDesk } from "./cut_desk";
import { DrawingDesk } from "./drawing_desk";
import { ExplainDesk } from "./explain_desk";
import { HeatDesk } from "./heat_desk";
import { JobDesk } from "./job_desk";
import { LabelDesk } from "./label_desk";
import { chosenDiameters, LesionDesk } from "./lesion_desk";
import { openImages } from "./open_images";

/** While files arrive the study changes with each batch of them. */
const ARRIVALS_INTERVAL_MS = 1000;

export interface Reader {
  readonly userId: string;
  readonly canEdit: boolean;
}

/** What an address asks to be shown first. */
export interface ReadingStart {
  /** Patient LPS mm. */
  readonly at: Triple | null;
  readonly lesion: LesionKey | null;
  readonly priorSeriesId: string | null;
}

const NO_START: ReadingStart = { at: null, lesion: null, priorSeriesId: null };

export interface Counters {
  /** From the opening of the series to its first image on screen. */
  firstImageMs: number | undefined;
  /** Redraws that showed labels which the one before did not. */
  rendersWithOverlay: number;
}

/** One series open on the reading page: its state, and the desks that act on it. */
export class ReadingSession {
  readonly store: Store<ReadingState, ReadingEvent>;
  /** What lies under the pointer; apart from the rest because it changes with every move of the mouse. */
  readonly readout: Store<Readout | undefined, Readout | undefined>;
  readonly counters: Counters = { firstImageMs: undefined, rendersWithOverlay: 0 };
  readonly labels = new LabelDesk(this);
  readonly drawing = new DrawingDesk(this);
  readonly cuts = new CutDesk(this);
  readonly jobs = new JobDesk(this);
  readonly lesions = new LesionDesk(this);
  readonly heat = new HeatDesk(this);
  readonly explanations = new ExplainDesk(this);
  readonly compare = new CompareDesk(this);
  viewer: Viewer | undefined;
  labelMap: LabelMap | undefined;
  private studySocket: EventSocket | undefined;
  private unsubscribe: (() => void)[] = [];
  private isClosed = false;

  constructor(
    readonly study: Study,
    readonly seriesId: string,
    readonly reader: Reader,
    private readonly start: ReadingStart = NO_START,
  ) {
    this.store = createStore(reduceReading, { ...initialReading, canEdit: reader.canEdit });
    this.readout = createStore<Readout | undefined, Readout | undefined>((_, next) => next, undefined);
  }

  get state(): ReadingState {
    return this.store.get();
  }

  set(part: Partial<ReadingState>): void {
    this.store.dispatch({ type: "changed", part });
  }

  get isOpen(): boolean {
    return !this.isClosed;
  }

  async open(): Promise<void> {
    await openImages(this);
    if (this.isClosed || !this.viewer) return;
    this.unsubscribe.push(this.keepViewerInStep(this.viewer));
    this.listenToStudy();
    this.unsubscribe.push(this.lesions.follow(this.start.lesion), this.heat.follow(), this.explanations.follow());
    this.goToStart(this.viewer);
    await Promise.all([this.labels.openFirst(), this.jobs.resumeActive()]);
  }

  /** Bring every plane to a voxel; a prior that is linked follows. */
  goTo(voxel: Triple): void {
    this.compare.lead("current");
    this.viewer?.setCursor(voxel);
  }

  private goToStart({ grid }: Viewer): void {
    const { at, priorSeriesId } = this.start;
    if (at && grid && this.state.hasVolume) this.goTo(voxelNear(grid, at).voxel);
    if (priorSeriesId) void this.compare.open(priorSeriesId);
  }

  close(): void {
    this.isClosed = true;
    this.studySocket?.close();
    this.noteArrivals.cancel();
    this.jobs.close();
    this.explanations.close();
    this.drawing.close();
    this.compare.close();
    for (const stop of this.unsubscribe) stop();
    this.viewer?.dispose();
  }

  private listenToStudy(): void {
    this.studySocket = openEventSocket(`/ws/studies/${this.study.id}`, {
      onOpen: () => {
        // What was said while the line was down is lost: ask.
        void this.labels.refresh();
        this.noteArrivals(undefined);
        void this.compare.refresh();
      },
      onText: (message) => {
        const event = message as { type: string; job?: Job };
        if (event.type === "study.changed") this.noteArrivals(undefined);
        if (event.type === "revision.saved" || event.type === "segmentation.accepted") void this.labels.refresh();
        if (event.type === "tracking.changed") refetchTracking(this.study.patient.id);
        if (event.type === "job.progressed" && event.job) this.hear(event.job);
        if (event.type.startsWith("registration.")) void this.compare.refresh();
      },
      onState: (state) => {
        this.store.dispatch({ type: "connection.changed", socket: "study", state });
        // Signed out or out of the team: the server says which.
        if (state === "refused") void checkSession("ended").catch(() => undefined);
      },
    });
  }

  private hear(job: Job): void {
    if (job.explanation) this.explanations.notice(job);
    else this.jobs.notice(job);
  }

  /** Images that have joined the series since it was opened are not on screen: label maps of it no longer fit. */
  private readonly noteArrivals = throttle(() => {
    const opened = this.viewer?.description.contents_digest;
    void fetchFrames(this.seriesId, { isBackground: true })
      .then((now) => {
        if (this.isOpen && opened !== undefined) this.set({ isOutdated: now.contents_digest !== opened });
      })
      .catch(() => undefined);
  }, ARRIVALS_INTERVAL_MS);

  /** The viewer shows what the state says. */
  private keepViewerInStep(viewer: Viewer): () => void {
    let before: ReadingState | undefined;
    const step = () => {
      const { state } = this;
      this.stepImages(viewer, state, before);
      this.stepLabels(viewer, state, before);
      this.stepHeat(viewer, state, before);
      this.stepComparison(viewer, state, before);
      before = state;
    };
    step();
    return this.store.subscribe(step);
  }

  private stepImages(viewer: Viewer, state: ReadingState, before: ReadingState | undefined): void {
    if (state.tool !== before?.tool) viewer.setTool(state.tool);
    if (state.window !== before?.window || state.isInverted !== before?.isInverted)
      viewer.setWindow(state.window, state.isInverted !== this.isMonochrome1);
  }

  private stepLabels(viewer: Viewer, state: ReadingState, before: ReadingState | undefined): void {
    if (state.overlay !== before?.overlay || state.segments !== before.segments)
      viewer.setStyle(styleOf(state, viewer));
    if (state.brush !== before?.brush) viewer.setBrushRadius(state.brush.radiusMm);
    if (state.parameters !== before?.parameters) viewer.setPoint(pickedPoint(state));
  }

  private stepHeat(viewer: Viewer, state: ReadingState, before: ReadingState | undefined): void {
    if (state.heat !== before?.heat || state.heatStyle !== before.heatStyle) viewer.setHeat(heatOf(state));
  }

  private stepComparison(viewer: Viewer, state: ReadingState, before: ReadingState | undefined): void {
    const isMeasured = state.measured === before?.measured && state.save === before.save;
    if (!isMeasured || state.chosenLesion !== before.chosenLesion) viewer.setDiameters(chosenDiameters(state));
    if (state.compare && before) this.compare.step(state, before);
  }

  private get isMonochrome1(): boolean {
    return this.viewer?.description.photometric_interpretation === "MONOCHROME1";
  }
}

const styles = new WeakMap<Viewer, { key: string; style: OverlayStyle }>();

/** A new style only where something drawn differs: each new one redraws every view. */
function styleOf(state: ReadingState, viewer: Viewer): OverlayStyle {
  const visible = state.segments.filter((segment) => segment.isVisible);
  const key = JSON.stringify([state.overlay, visible.map((segment) => [segment.number, segment.colour])]);
  const known = styles.get(viewer);
  if (known?.key === key) return known.style;
  const style = { ...state.overlay, colours: new Map(visible.map((segment) => [segment.number, segment.colour])) };
  styles.set(viewer, { key, style });
  return style;
}

function heatOf({ heat, heatStyle }: ReadingState): Heat | undefined {
  return heat.kind === "shown" && heatStyle.isShown ? { map: heat.voxels, opacity: heatStyle.opacity } : undefined;
}

function pickedPoint(state: ReadingState) {
  return Object.values(state.parameters).find((value) => Array.isArray(value)) as [number, number, number] | undefined;
}
