import { fetchMeasurements } from "../../api/priors";
import { isLesion, middleOf, refusalsOf, type LesionKey } from "../../state/lesions";
import type { ReadingState } from "../../state/reading";
import type { LesionMeasurement } from "../../state/records";
import type { DiameterMark } from "../../viewer/viewer";
import type { ReadingSession } from "./session";

/** The measured lesions of the revision on screen. */
export class LesionDesk {
  private revisionId: string | undefined;

  constructor(private readonly session: ReadingSession) {}

  /** Measure whichever revision comes on screen; `first` is the lesion to show when its revision has been measured. */
  follow(first: LesionKey | null): () => void {
    let wanted = first;
    const look = () => {
      const { shown } = this.session.state;
      const revisionId = shown.kind === "revision" ? shown.revision.id : undefined;
      if (revisionId === this.revisionId) return;
      this.revisionId = revisionId;
      this.session.set({ measured: { kind: "nothing" }, chosenLesion: null });
      if (!revisionId) return;
      void this.measure(revisionId).then(() => {
        const lesion = this.find(wanted);
        wanted = null;
        if (lesion) this.choose(lesion);
      });
    };
    look();
    return this.session.store.subscribe(look);
  }

  /** Ask again for what could not be measured. */
  async measure(revisionId: string): Promise<void> {
    this.session.set({ measured: { kind: "measuring", revisionId } });
    try {
      const { lesions, scales } = await fetchMeasurements(revisionId);
      const refusals = refusalsOf(scales);
      if (this.isShown(revisionId)) this.session.set({ measured: { kind: "done", revisionId, lesions, refusals } });
    } catch (error) {
      if (this.isShown(revisionId)) this.session.set({ measured: { kind: "failed", revisionId, error } });
    }
  }

  /** Bring every plane to a lesion and draw its diameters. */
  choose(lesion: LesionMeasurement): void {
    this.session.set({ chosenLesion: { segment: lesion.segment_number, number: lesion.lesion_number } });
    this.session.goTo(middleOf(lesion));
  }

  private isShown(revisionId: string): boolean {
    return this.session.isOpen && this.revisionId === revisionId;
  }

  private find(key: LesionKey | null): LesionMeasurement | undefined {
    const { measured } = this.session.state;
    return measured.kind === "done" ? measured.lesions.find((lesion) => isLesion(lesion, key)) : undefined;
  }
}

type Ends = DiameterMark["lines"][number];

/** The diameters of the chosen lesion; none while the label map differs from what was measured. */
export function chosenDiameters({ measured, chosenLesion, save }: ReadingState): DiameterMark | undefined {
  const isMeasured = save.kind === "clean" || save.kind === "saved";
  if (measured.kind !== "done" || !isMeasured) return undefined;
  const lesion = measured.lesions.find((one) => isLesion(one, chosenLesion));
  if (!lesion) return undefined;
  const { slice_index: sliceIndex, longest, perpendicular } = lesion.in_plane;
  return { sliceIndex, lines: [longest.ends_index, perpendicular.ends_index] as unknown as readonly Ends[] };
}
