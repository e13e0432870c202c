import { fetchLabelMap, fetchSegmentations } from "../../api/reading";
import { LabelMap } from "../../state/label_map";
import { newestRevision, type ReadingState } from "../../state/reading";
import type { Revision } from "../../state/records";
import type { OverlayStyle, Viewer } from "../../viewer/viewer";
import { fillLabels } from "./label_desk";

/** A prior's label map and what its numbers mean. */
export interface PriorLabels {
  readonly revision: Revision;
  readonly labelMap: LabelMap;
}

/** The newest label map of a prior on its own grid; undefined where there is none. */
export async function fetchPriorLabels(viewer: Viewer, seriesId: string): Promise<PriorLabels | undefined> {
  const { grid } = viewer;
  const revision = newestRevision(await fetchSegmentations(seriesId, { isBackground: true }));
  if (!grid || !revision) return undefined;
  const labelMap = new LabelMap(grid.shape);
  fillLabels(labelMap, await fetchLabelMap(revision.id));
  return { revision, labelMap };
}

/**
 * How the prior's segments are drawn: as those of the same name are on the current images, colour and eye alike, so
 * that a lesion looks the same on both dates; those that are not there in their own colour.
 */
export function priorStyle({ overlay, segments }: ReadingState, { revision }: PriorLabels): OverlayStyle {
  const colours = new Map<number, string>();
  for (const { segment_number, segment_label, colour } of revision.segments) {
    const current = segments.find((row) => row.label.toLowerCase() === segment_label.toLowerCase());
    if (current?.isVisible ?? true) colours.set(segment_number, current?.colour ?? colour);
  }
  return { ...overlay, colours };
}
