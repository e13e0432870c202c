import type { StreamEnded } from "../../contract/events";
import {
  cancelJob,
  fetchActiveJobs,
  fetchJob,
  fetchModelInputs,
  fetchModels,
  requestJob,
  retryJob,
} from "../../api/reading";
import { writeRuns, type Brick } from "../../live/brick";
import { BrickPace } from "../../live/brick_pace";
import { digestVoxels } from "../../live/digest";
import { JobStream } from "../../live/job_stream";
import type { Job, Revision } from "../../state/records";
import { rowsOf } from "./label_desk";
import { isRunning } from "./run_state";
import type { ReadingSession } from "./session";

/** Failed reconnections before the run's state is asked for by itself. */
const PATIENT_RECONNECTS = 3;

/** What is known of a run's result. */
type Outcome = Pick<StreamEnded, "revision_id" | "digest">;

/** Runs of models: asking for them, and showing their labels while they are being computed. */
export class JobDesk {
  private stream: JobStream | undefined;
  private pace: BrickPace | undefined;
  /** The revision on screen before the run. */
  private before: Revision | undefined;
  /** Grows with every run that is followed, so that a late answer about one does not disturb the next. */
  private turn = 0;
  /** Connections in a row that did not come about. */
  private failures = 0;
  /** A result that the list of label maps, as far as it could be read, does not hold yet. */
  private unlisted: Outcome | undefined;

  constructor(private readonly session: ReadingSession) {}

  /** Counted for journeys: the highest sequence that has been drawn. */
  get drawnSequence(): number {
    return this.pace?.drawnSequence ?? 0;
  }

  close(): void {
    this.stream?.close();
    this.stream = undefined;
    this.pace?.close();
    this.session.store.dispatch({ type: "connection.changed", socket: "job", state: "closed" });
  }

  /** The reader has chosen another label map: the run goes on, its labels stay off the screen. */
  lookAway(): void {
    this.turn++;
    this.unlisted = undefined;
    this.close();
  }

  /** Show the labels of the run again. */
  lookBack(): void {
    const { job } = this.session.state;
    if (isRunning(job) && job) this.watch(job);
  }

  moveFocus(voxel: readonly [number, number, number]): void {
    this.stream?.moveFocus(voxel);
  }

  async readModels(): Promise<void> {
    try {
      const models = (await fetchModels(this.session.seriesId)).filter((model) => model.is_enabled);
      this.session.set({ models, modelsError: undefined });
      const first = models.find((model) => model.is_applicable);
      if (first && this.session.state.chosenModel === null)
        this.session.store.dispatch({ type: "model.chosen", name: first.name });
    } catch (error) {
      this.session.set({ modelsError: error });
    }
  }

  /** Which series the chosen model would read, of one that reads several. */
  async readInputs(): Promise<void> {
    const { seriesId, state } = this.session;
    const name = state.chosenModel;
    if (name === null) return;
    this.session.set({ modelInputsError: undefined });
    try {
      const modelInputs = await fetchModelInputs(seriesId, name);
      if (this.session.state.chosenModel === name) this.session.set({ modelInputs });
    } catch (error) {
      if (this.session.state.chosenModel === name) this.session.set({ modelInputsError: error });
    }
  }

  /** A run started earlier, here or elsewhere, is shown where it stands. */
  async resumeActive(): Promise<void> {
    const jobs = await fetchActiveJobs(this.session.seriesId).catch(() => []);
    const job = jobs[0];
    if (job && this.session.isOpen) this.watch(job);
  }

  async run(): Promise<void> {
    const { chosenModel, parameters, chosenInputs, cursor } = this.session.state;
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
        inputs: { ...chosenInputs },
        focus: [...cursor],
      }),
    );
  }

  async cancel(): Promise<void> {
    const { job } = this.session.state;
    if (!job) return;
    try {
      const asked = await cancelJob(job.id);
      // The run may have ended while the answer was on its way: what the socket said of its end stands.
      const now = this.session.state.job;
      if (now?.id === asked.id && isRunning(now)) this.session.store.dispatch({ type: "job.read", job: asked });
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
    if (this.pace?.noteDrawn()) this.session.counters.rendersWithOverlay++;
  }

  /** The list of label maps has been read again: it may hold the result that was missing. */
  noteListed(): void {
    if (this.unlisted) void this.settle(this.unlisted);
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
    const { turn } = this;
    const read = await fetchJob(job.id, { isBackground: true }).catch(() => undefined);
    if (!read || turn !== this.turn || this.failures === 0) return;
    this.session.store.dispatch({ type: "job.read", job: read });
    if (!isRunning(read)) await this.finish({ revision_id: read.revision_id, digest: null });
  }

  private watch(job: Job): void {
    this.close();
    this.turn++;
    this.failures = 0;
    this.unlisted = undefined;
    const { shown } = this.session.state;
    if (shown.kind === "revision" || shown.kind === "loading") this.before = shown.revision;
    this.session.labels.begin();
    this.session.set({ job });
    this.pace = new BrickPace({
      onWrite: (bricks) => {
        this.write(bricks);
      },
      onAcknowledge: (sequence) => this.stream?.acknowledge(sequence),
    });
    this.startOver();
    if (!this.session.state.models) void this.readModels().then(() => this.describe(job));
    else this.describe(job);
    this.stream = this.openStream(job);
  }

  private openStream(job: Job): JobStream {
    return new JobStream(job.id, {
      onJob: (progressed) => {
        this.session.store.dispatch({ type: "job.read", job: progressed });
      },
      onAttempt: () => {
        this.startOver();
      },
      onBrick: (brick) => {
        this.pace?.take(brick);
      },
      onEnded: (ended) => {
        void this.finish(ended);
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
    this.pace?.restart();
    session.labelMap?.clear();
    session.drawing.reset();
    session.set({ shown: { kind: "live", jobId: session.state.job?.id ?? "" } });
  }

  private write(bricks: readonly Brick[]): void {
    const { labelMap } = this.session;
    if (!labelMap) return;
    for (const brick of bricks) {
      if (brick.values instanceof Uint16Array && labelMap.voxels instanceof Uint8Array) labelMap.clear(true);
      labelMap.write(brick.sliceStart, brick.sliceCount, (voxels) => {
        writeRuns(brick, voxels, labelMap.shape);
      });
    }
    this.session.labels.count(undefined);
  }

  private async finish(outcome: Outcome): Promise<void> {
    const { turn } = this;
    this.pace?.flush();
    this.close();
    await this.session.labels.refresh();
    if (turn === this.turn) await this.settle(outcome);
  }

  /** Say of what is on screen which stored label map it is, fetch that one where they differ, or go back. */
  private async settle(outcome: Outcome): Promise<void> {
    const { session, turn } = this;
    if (!session.isOpen) return;
    const revision = session.state.segmentations
      ?.flatMap((segmentation) => segmentation.revisions)
      .find((candidate) => candidate.id === outcome.revision_id);
    this.unlisted = outcome.revision_id !== null && !revision ? outcome : undefined;
    if (this.unlisted) return;
    if (!revision) {
      await this.goBack();
      return;
    }
    const isIdentical = await this.isIdentical(outcome.digest);
    if (turn !== this.turn || !session.isOpen) return;
    if (isIdentical) session.labels.declare(revision);
    else await session.labels.show(revision);
  }

  /** A run that stored nothing leaves nothing on screen: back to the label map before it. */
  private async goBack(): Promise<void> {
    const { labels } = this.session;
    if (this.before) await labels.show(this.before);
    else await labels.showNewest();
  }

  /** Whether what was streamed is bit for bit what was stored. */
  private async isIdentical(digest: string | null): Promise<boolean> {
    const { labelMap } = this.session;
    if (!labelMap || !digest) return false;
    return (await digestVoxels(labelMap.voxels, labelMap.shape)) === digest;
  }
}
