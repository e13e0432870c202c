import type { StreamEnded } from "../../contract/events";
import { cancelJob, fetchActiveJobs, fetchJob, fetchModels, requestJob, retryJob } from "../../api/reading";
import { writeRuns, type Brick } from "../../live/brick";
import { digestVoxels } from "../../live/digest";
import { JobStream } from "../../live/job_stream";
import type { Job, Revision } from "../../state/records";
import { rowsOf } from "./label_desk";
import { isRunning } from "./run_state";
import type { ReadingSession } from "./session";

/** Without a redraw (no view, a hidden tab) bricks are acknowledged after this long all the same. */
const DRAW_PATIENCE_MS = 1000;

/** Failed reconnections before the run's state is asked for by itself. */
const PATIENT_RECONNECTS = 3;

/** Runs of models: asking for them, and showing their labels while they are being computed. */
export class JobDesk {
  private stream: JobStream | undefined;
  /** The revision on screen before the run. */
  private before: Revision | undefined;
  private waiting: Brick[] = [];
  private frame = 0;
  private applied = 0;
  private acknowledged = 0;
  /** Connections in a row that did not come about. */
  private failures = 0;
  private patience: ReturnType<typeof setTimeout> | undefined;
  /** Counted for journeys: the highest sequence that has been drawn. */
  drawnSequence = 0;

  constructor(private readonly session: ReadingSession) {}

  close(): void {
    this.stream?.close();
    this.stream = undefined;
    this.session.store.dispatch({ type: "connection.changed", socket: "job", state: "closed" });
    cancelAnimationFrame(this.frame);
    clearTimeout(this.patience);
    this.frame = 0;
    this.waiting = [];
  }

  moveFocus(sliceIndex: number): void {
    this.stream?.moveFocus(sliceIndex);
  }

  async readModels(): Promise<void> {
    try {
      const models = await fetchModels(this.session.seriesId);
      this.session.set({ models, modelsError: undefined });
      const first = models.find((model) => model.is_applicable);
      if (first && this.session.state.chosenModel === null)
        this.session.store.dispatch({ type: "model.chosen", name: first.name });
    } catch (error) {
      this.session.set({ modelsError: error });
    }
  }

  /** A run started earlier, here or elsewhere, is shown where it stands. */
  async resumeActive(): Promise<void> {
    const jobs = await fetchActiveJobs(this.session.seriesId).catch(() => []);
    const job = jobs[0];
    if (job && this.session.isOpen) this.watch(job);
  }

  async run(): Promise<void> {
    const { chosenModel, parameters, cursor } = this.session.state;
    if (!chosenModel) return;
    const given = Object.fromEntries(
      Object.entries(parameters).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, typeof value === "number" ? value : [...value]]],
      ),
    );
    await this.attempt(() =>
      requestJob({
        series_id: this.session.seriesId,
        model_name: chosenModel,
        parameters: given,
        focus_slice: cursor[0],
      }),
    );
  }

  async cancel(): Promise<void> {
    const { job } = this.session.state;
    if (!job) return;
    try {
      this.session.store.dispatch({ type: "job.read", job: await cancelJob(job.id) });
    } catch (error) {
      this.session.set({ jobError: error });
    }
  }

  async retry(): Promise<void> {
    const { job } = this.session.state;
    if (job) await this.attempt(() => retryJob(job.id));
  }

  /** What the study's socket says of a run: one on this series that nobody here follows yet is followed. */
  notice(job: Job): void {
    if (job.series_id !== this.session.seriesId) return;
    if (this.session.state.job?.id === job.id) this.session.store.dispatch({ type: "job.read", job });
  }

  /** Labels have been drawn: tell the server how far, so that the next bricks come in a render of their own. */
  noteDrawn(): void {
    if (this.applied > this.drawnSequence) {
      this.drawnSequence = this.applied;
      this.session.counters.rendersWithOverlay++;
    }
    if (this.applied > this.acknowledged) this.acknowledge();
  }

  private async attempt(ask: () => Promise<Job>): Promise<void> {
    this.session.set({ jobError: undefined });
    try {
      this.watch(await ask());
    } catch (error) {
      this.session.set({ jobError: error });
    }
  }

  /** Where no WebSocket comes through at all, the run is followed by asking. */
  private async askInstead(job: Job): Promise<void> {
    const read = await fetchJob(job.id, { isBackground: true }).catch(() => undefined);
    if (!read || this.session.state.job?.id !== job.id || this.failures === 0) return;
    this.session.store.dispatch({ type: "job.read", job: read });
    if (!isRunning(read)) await this.finish(job, { revision_id: read.revision_id, digest: null });
  }

  private watch(job: Job): void {
    this.close();
    const { shown } = this.session.state;
    if (shown.kind === "revision") this.before = shown.revision;
    this.session.labels.begin();
    this.session.set({ job });
    this.startOver();
    if (!this.session.state.models) void this.readModels().then(() => this.describe(job));
    else this.describe(job);
    this.stream = new JobStream(job.id, {
      onJob: (progressed) => {
        this.session.store.dispatch({ type: "job.read", job: progressed });
      },
      onAttempt: () => {
        this.startOver();
      },
      onBrick: (brick) => {
        this.waiting.push(brick);
        if (this.frame === 0) this.frame = requestAnimationFrame(this.apply);
      },
      onEnded: (ended) => {
        void this.finish(job, ended);
      },
      onConnection: (connection) => {
        this.session.store.dispatch({ type: "connection.changed", socket: "job", state: connection });
        if (connection === "open") this.failures = 0;
        if (connection === "waiting" && ++this.failures >= PATIENT_RECONNECTS) void this.askInstead(job);
      },
    });
  }

  /** Name and colour what is about to appear. */
  private describe(job: Job): void {
    const { state, store } = this.session;
    const model = state.models?.find((candidate) => candidate.name === job.model_name);
    if (!model || state.shown.kind !== "live") return;
    store.dispatch({ type: "segments.described", segments: rowsOf(model.segments) });
  }

  private startOver(): void {
    const { session } = this;
    this.waiting = [];
    this.applied = 0;
    this.acknowledged = 0;
    this.drawnSequence = 0;
    session.labelMap?.clear();
    session.drawing.reset();
    session.set({ shown: { kind: "live", jobId: session.state.job?.id ?? "" } });
  }

  private readonly apply = (): void => {
    this.frame = 0;
    const { labelMap } = this.session;
    const bricks = this.waiting;
    this.waiting = [];
    if (!labelMap) return;
    for (const brick of bricks) {
      if (brick.values instanceof Uint16Array && labelMap.voxels instanceof Uint8Array) labelMap.clear(true);
      labelMap.write(brick.sliceStart, brick.sliceCount, (voxels) => {
        writeRuns(brick, voxels);
      });
      this.applied = brick.sequence;
    }
    this.session.labels.count(undefined);
    clearTimeout(this.patience);
    this.patience = setTimeout(() => {
      if (this.applied > this.acknowledged) this.acknowledge();
    }, DRAW_PATIENCE_MS);
  };

  private acknowledge(): void {
    this.acknowledged = this.applied;
    this.stream?.acknowledge(this.applied);
  }

  private async finish(job: Job, ended: Pick<StreamEnded, "revision_id" | "digest">): Promise<void> {
    const { session } = this;
    if (this.frame !== 0) {
      cancelAnimationFrame(this.frame);
      this.apply();
    }
    this.close();
    await session.labels.refresh();
    if (!session.isOpen || session.state.job?.id !== job.id) return;
    const revision = session.state.segmentations
      ?.flatMap((segmentation) => segmentation.revisions)
      .find((candidate) => candidate.id === ended.revision_id);
    if (!revision) {
      await this.goBack();
      return;
    }
    if (await this.isIdentical(ended.digest)) session.labels.declare(revision);
    else await session.labels.show(revision);
  }

  /** A run that stored nothing leaves nothing on screen: back to the label map before it. */
  private async goBack(): Promise<void> {
    const { labels } = this.session;
    if (this.before) await labels.show(this.before);
    else labels.hide();
  }

  /** Whether what was streamed is bit for bit what was stored. */
  private async isIdentical(digest: string | null): Promise<boolean> {
    const { labelMap } = this.session;
    if (!labelMap || !digest) return false;
    return (await digestVoxels(labelMap.voxels, labelMap.shape)) === digest;
  }
}
