import { cutLesion, fetchLabelMap } from "../../api/reading";
import { crossedSegment, placeCut, type CutLine } from "../../state/cut";
import { canDraw } from "../../state/reading";
import type { ReadingSession } from "./session";

/** Parting two lesions that touch by a line across them. What was drawn before is saved first, so that none is lost. */
export class CutDesk {
  constructor(private readonly session: ReadingSession) {}

  async cut(line: CutLine): Promise<void> {
    const { session } = this;
    const { state, labelMap } = session;
    if (!labelMap || !canDraw(state) || !state.hasVolume || state.activeSegment === null) return;
    const number = crossedSegment(labelMap, line, state.activeSegment);
    const locked = state.segments.find((segment) => segment.number === number && segment.isLocked);
    session.set({ cutProblem: locked ? { kind: "locked", segment: locked.label } : null });
    if (!locked && (await this.saveStrokes())) await this.ask(number, line);
  }

  /** Whether nothing is left unsaved; where saving was refused, the page says why. */
  private async saveStrokes(): Promise<boolean> {
    const { session } = this;
    const isSaved = () => ["clean", "saved"].includes(session.state.save.kind);
    if (!isSaved()) await session.drawing.save();
    return session.isOpen && isSaved();
  }

  private async ask(segment: number, line: CutLine): Promise<void> {
    const { session } = this;
    const { shown, save } = session.state;
    const grid = session.viewer?.grid;
    if (shown.kind !== "revision" || !grid) return;
    const { revision } = shown;
    const isStillShown = () => {
      const now = session.state.shown;
      return session.isOpen && now.kind === "revision" && now.revision.id === revision.id;
    };
    session.set({ save: { kind: "saving" } });
    try {
      const { ends, sight } = placeCut(grid, line);
      const parted = await cutLesion(revision.id, {
        segment_number: segment,
        ends_mm: ends.map((end) => [...end]),
        sight: [...sight],
      });
      const labels = await fetchLabelMap(parted.id);
      if (isStillShown()) await session.drawing.adopt(parted, labels);
    } catch (error) {
      if (!isStillShown()) return;
      if (!session.drawing.offerLatest(error)) session.set({ save, cutProblem: { kind: "refused", error } });
    }
  }
}
