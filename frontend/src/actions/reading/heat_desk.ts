import { fetchJob, fetchJobMap } from "../../api/reading";
import type { ReadingState } from "../../state/reading";
import type { JobMap, Revision } from "../../state/records";
import type { ReadingSession } from "./session";

const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 60_000;

/** What is laid over the images: how sure the run was that the label map comes from, or what a lesion rests on. */
export class HeatDesk {
  private jobId: string | undefined;
  private uncertainty: JobMap | undefined;
  private fetching: string | undefined;

  constructor(private readonly session: ReadingSession) {}

  /** Keep to the label map on screen; voxels are fetched when somebody wants to see them. */
  follow(): () => void {
    const look = () => {
      const jobId = jobOf(this.session.state);
      if (jobId !== this.jobId) {
        this.jobId = jobId;
        this.uncertainty = undefined;
        if (jobId) void this.find(jobId);
      }
      this.choose();
      const { heat, heatStyle } = this.session.state;
      if (heatStyle.isShown && heat.kind === "there" && this.fetching !== heat.map.id) void this.fetch(heat.map);
    };
    look();
    return this.session.store.subscribe(look);
  }

  /** Ask again for voxels that did not come. */
  retry(): void {
    const { heat } = this.session.state;
    if (heat.kind === "failed") this.session.set({ heat: { kind: "there", map: heat.map } });
  }

  /** Name the map that is to be seen, where another one is named. */
  private choose(): void {
    const { heat, heatChoice, explanation } = this.session.state;
    const explained = explanation?.maps[0];
    const map = heatChoice === "explanation" && explained ? explained : this.uncertainty;
    if (map?.id === (heat.kind === "nothing" ? undefined : heat.map.id)) return;
    this.session.set({ heat: map ? { kind: "there", map } : { kind: "nothing" } });
  }

  /** The server may be away for a moment: ask until it says. */
  private async find(jobId: string, pauseMs = FIRST_PAUSE_MS): Promise<void> {
    try {
      const job = await fetchJob(jobId, { isBackground: true });
      if (!this.session.isOpen || this.jobId !== jobId) return;
      this.uncertainty = job.maps.find(({ kind }) => kind === "uncertainty");
      this.choose();
    } catch {
      setTimeout(() => {
        if (this.session.isOpen && this.jobId === jobId) void this.find(jobId, Math.min(2 * pauseMs, LONGEST_PAUSE_MS));
      }, pauseMs);
    }
  }

  private async fetch(map: JobMap): Promise<void> {
    const { labelMap } = this.session;
    if (!labelMap) return; // the next change of state looks again
    this.fetching = map.id;
    try {
      const voxels = await fetchJobMap(map.id);
      const isSigned = map.low < 0;
      this.settle(map, { kind: "shown", map, voxels: { id: map.id, voxels, shape: labelMap.shape, isSigned } });
    } catch (error) {
      this.settle(map, { kind: "failed", map, error });
    } finally {
      if (this.fetching === map.id) this.fetching = undefined;
    }
  }

  private settle(map: JobMap, next: ReadingState["heat"]): void {
    const { heat } = this.session.state;
    if (this.session.isOpen && heat.kind !== "nothing" && heat.map.id === map.id) this.session.set({ heat: next });
  }
}

/** The run behind what is on screen: of a corrected label map the one that it was corrected from. */
export function jobOf({ shown, segmentations }: ReadingState): string | undefined {
  if (shown.kind !== "revision") return undefined;
  const { revision } = shown;
  const earlier = segmentations?.find(({ id }) => id === revision.segmentation_id)?.revisions ?? [];
  return [revision, ...earlier].map(nameOf).find((name) => name !== undefined);
}

function nameOf({ provenance }: Revision): string | undefined {
  const name = provenance["job_id"];
  return typeof name === "string" ? name : undefined;
}
