import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";

import { openPanelActs } from "../../actions/reading/open_panel";
import { useTranslate } from "../../lib/messages";
import type { PanelId } from "../../state/reading";
import { HistoryPanel } from "./HistoryPanel";
import { shortcutOf } from "./key_caps";
import { RunPanel } from "./RunPanel";
import { SegmentsPanel } from "./SegmentsPanel";
import styles from "./SidePanel.module.css";
import { useReading, useReadingSession } from "./session_context";

const PANELS: readonly PanelId[] = ["segments", "run", "history"];
const CONTENT = { segments: SegmentsPanel, run: RunPanel, history: HistoryPanel } as const;

/** Beside the images, one at a time. */
export function SidePanel() {
  const t = useTranslate();
  const session = useReadingSession();
  const panel = useReading((state) => state.panel) ?? "segments";
  return (
    <aside className={styles.side} aria-label={t("reading.panels")}>
      <Tabs
        selectedKey={panel}
        onSelectionChange={(key) => session.set({ panel: key as PanelId })}
        className={styles.tabs ?? ""}
      >
        <TabList aria-label={t("reading.panels")} className={styles.list ?? ""}>
          {PANELS.map((id) => (
            <Tab key={id} id={id} className={styles.tab ?? ""}>
              {t(openPanelActs[id].label as "reading.panel_run")}
              <kbd aria-hidden>{shortcutOf(openPanelActs[id].key)}</kbd>
            </Tab>
          ))}
        </TabList>
        {PANELS.map((id) => {
          const Content = CONTENT[id];
          return (
            <TabPanel key={id} id={id} className={styles.content ?? ""}>
              <Content />
            </TabPanel>
          );
        })}
      </Tabs>
    </aside>
  );
}
