import { cancelJob, fetchExplanations, fetchJob, requestExplanation } from "../../api/reading";
import type { Job } from "../../state/records";
import { isRunning } from "./run_state";
import type { ReadingSession } from "./session";

/** How often a question is asked after, should the study's socket be silent. */
const LOOK_MS = 3000;

/** Why a lesion was marked: asking the network, and showing what it says. */
export class ExplainDesk {
  private revisionId: string | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly session: ReadingSession) {}

  /** Keep to the label map on screen: what was asked about another one says nothing of this one. */
  follow(): () => void {
    const look = () => {
      const { shown } = this.session.state;
      const revisionId = shown.kind === "revision" ? shown.revision.id : undefined;
      if (revisionId === this.revisionId) return;
      this.revisionId = revisionId;
      this.session.set({ explanation: null, explanationError: undefined, heatChoice: "uncertainty" });
      if (revisionId) void this.resume(revisionId);
    };
    look();
    return this.session.store.subscribe(look);
  }

  close(): void {
    clearTimeout(this.timer);
  }

  /** Ask about the chosen lesion, or about all of the active segment where none of it is chosen. */
  async ask(): Promise<void> {
    const { shown, activeSegment, chosenLesion, explanationMethod, explanationsAsked } = this.session.state;
    if (shown.kind !== "revision" || activeSegment === null) return;
    const question = {
      method: explanationMethod,
      segment_number: chosenLesion?.segment ?? activeSegment,
      lesion_number: chosenLesion?.number ?? null,
    };
    this.session.set({ explanationError: undefined, explanationsAsked: explanationsAsked + 1 });
    try {
      this.take(await requestExplanation(shown.revision.id, question), true);
    } catch (error) {
      // An earlier answer under the refusal of another question would be taken for its answer.
      this.session.set({ explanation: null, explanationError: error, heatChoice: "uncertainty" });
    }
  }

  async cancel(): Promise<void> {
    const { explanation } = this.session.state;
    if (!explanation) return;
    try {
      this.take(await cancelJob(explanation.id), false);
    } catch (error) {
      this.session.set({ explanationError: error });
    }
  }

  /** What the study's socket says. */
  notice(job: Job): void {
    const { explanation } = this.session.state;
    if (explanation?.id === job.id && isRunning(explanation)) this.take(job, true);
  }

  /** Lay the map over the images, or take it away. */
  show(isShown: boolean): void {
    const { heatStyle } = this.session.state;
    this.session.set({ heatChoice: isShown ? "explanation" : "uncertainty", heatStyle: { ...heatStyle, isShown } });
  }

  private async resume(revisionId: string): Promise<void> {
    const asked = await fetchExplanations(revisionId).catch(() => []);
    const job = asked.find(({ state }) => state !== "failed" && state !== "cancelled");
    if (job && this.session.isOpen && !this.session.state.explanation) this.take(job, false);
  }

  private take(job: Job, isWanted: boolean): void {
    if (!this.session.isOpen || job.explanation?.revision_id !== this.revisionId) return;
    this.session.set({ explanation: job });
    if (isWanted && job.maps.length > 0) this.show(true);
    clearTimeout(this.timer);
    if (isRunning(job)) this.timer = setTimeout(() => void this.look(job.id), LOOK_MS);
  }

  private async look(id: string): Promise<void> {
    const { explanation } = this.session.state;
    if (!this.session.isOpen || explanation?.id !== id || !isRunning(explanation)) return;
    const job = await fetchJob(id, { isBackground: true }).catch(() => explanation);
    if (this.session.state.explanation === explanation) this.take(job, true);
  }
}
