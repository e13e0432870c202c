import { shownSegmentation } from "../../state/reading";
import type { ReadingAct } from "./reading_act";

/** Vouch for the label map on screen, that the quality gate asked to be looked at. */
export const acceptSegmentationAct: ReadingAct = {
  name: "accept_segmentation",
  label: "gate.accept",
  key: "a",
  can: ({ state }) => state.canEdit && state.save.kind !== "unsaved" && Boolean(shownSegmentation(state)?.needs_eyes),
  run: (session) => session.labels.accept(),
};
