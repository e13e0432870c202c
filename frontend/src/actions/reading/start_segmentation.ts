import { createSegmentation } from "../../api/reading";
import { latestRevision } from "../../state/reading";
import type { ReadingAct } from "./reading_act";
import { translate } from "../../lib/messages";

/** Okabe and Ito's orange: told apart from the greys and from the accent by everyone. */
const FIRST_COLOUR = "#e69f00";

/** An empty label map to draw on. */
export const startSegmentationAct: ReadingAct = {
  name: "start_segmentation",
  label: "reading.start_segmentation",
  can: ({ state }) => state.canEdit && !state.isOutdated && state.hasGrid && state.save.kind !== "saving",
  run: async (session) => {
    const segments = [{ segment_number: 1, segment_label: translate("reading.first_segment"), colour: FIRST_COLOUR }];
    try {
      const created = await createSegmentation(session.seriesId, {
        name: translate("reading.drawn_by_hand"),
        segments,
      });
      await session.labels.refresh();
      const empty = latestRevision(created);
      if (empty) await session.labels.show(empty);
      session.store.dispatch({ type: "tool.chosen", tool: "brush" });
    } catch (error) {
      session.set({ shownError: error });
    }
  },
};
