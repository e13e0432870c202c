import { fetchJob, fetchJobMap } from "../../api/reading";
import type { ReadingState } from "../../state/reading";
import type { Revision } from "../../state/records";
import type { ReadingSession } from "./session";

/** How sure the run was that the label map on screen comes from. */
export class HeatDesk {
  private jobId: string | undefined;
  private fetching: string | undefined;

  constructor(private readonly session: ReadingSession) {}

  /** Keep to the label map on screen; voxels are fetched when somebody wants to see them. */
  follow(): () => void {
    const look = () => {
      const jobId = jobOf(this.session.state);
      if (jobId !== this.jobId) {
        this.jobId = jobId;
        this.session.set({ heat: { kind: "nothing" } });
        if (jobId) void this.find(jobId);
      }
      const { heat, heatStyle } = this.session.state;
      if (heatStyle.isShown && heat.kind === "there" && this.fetching !== heat.map.id) void this.fetch(heat.map.id);
    };
    look();
    return this.session.store.subscribe(look);
  }

  private async find(jobId: string): Promise<void> {
    const job = await fetchJob(jobId, { isBackground: true }).catch(() => undefined);
    const map = job?.maps.find((candidate) => candidate.kind === "uncertainty");
    if (map && this.session.isOpen && this.jobId === jobId) this.session.set({ heat: { kind: "there", map } });
  }

  private async fetch(id: string): Promise<void> {
    this.fetching = id;
    const { labelMap } = this.session;
    if (!labelMap) return;
    try {
      const voxels = await fetchJobMap(id);
      const { heat } = this.session.state;
      if (!this.session.isOpen || heat.kind !== "there" || heat.map.id !== id) return;
      this.session.set({ heat: { kind: "shown", map: heat.map, voxels: { id, voxels, shape: labelMap.shape } } });
    } catch (error) {
      this.session.set({ heat: { kind: "failed", error } });
    } finally {
      this.fetching = undefined;
    }
  }
}

/** The run behind what is on screen: of a corrected label map the one that it was corrected from. */
function jobOf({ shown, segmentations }: ReadingState): string | undefined {
  if (shown.kind !== "revision") return undefined;
  const { revision } = shown;
  const earlier = segmentations?.find(({ id }) => id === revision.segmentation_id)?.revisions ?? [];
  return [revision, ...earlier].map(nameOf).find((name) => name !== undefined);
}

function nameOf({ provenance }: Revision): string | undefined {
  const name = provenance["job_id"];
  return typeof name === "string" ? name : undefined;
}
