import type { PlainMessageKey } from "../../lib/messages";
import type { PanelId } from "../../state/reading";
import type { ReadingAct } from "./reading_act";

function openPanel(panel: PanelId, label: PlainMessageKey, key: string): ReadingAct {
  return {
    name: `open_panel.${panel}`,
    label,
    key,
    can: () => true,
    run: (session) => {
      // The same key again gives its room to the images.
      session.set({ panel: session.state.panel === panel ? null : panel });
    },
  };
}

/** One panel at a time beside the images. */
export const openPanelActs: Readonly<Record<PanelId, ReadingAct>> = {
  segments: openPanel("segments", "reading.panel_segments", "g"),
  run: openPanel("run", "reading.panel_run", "m"),
  history: openPanel("history", "reading.panel_history", "v"),
};
