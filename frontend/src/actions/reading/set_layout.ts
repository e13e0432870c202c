import type { PlainMessageKey } from "../../lib/messages";
import type { LayoutId } from "../../state/reading";
import type { ReadingAct } from "./reading_act";

function setLayout(layout: LayoutId, label: PlainMessageKey, key: string): ReadingAct {
  return {
    name: `set_layout.${layout}`,
    label,
    key,
    can: ({ state }) => layout === "acquired" || state.hasVolume,
    run: (session) => {
      session.set({ layout });
    },
  };
}

/** How many planes are on screen, and which. */
export const setLayoutActs: Readonly<Record<LayoutId, ReadingAct>> = {
  all: setLayout("all", "reading.layout_all", "1"),
  acquired: setLayout("acquired", "reading.layout_acquired", "2"),
  along_rows: setLayout("along_rows", "reading.layout_along_rows", "3"),
  along_columns: setLayout("along_columns", "reading.layout_along_columns", "4"),
};
