import { useEffect, useRef, useState } from "react";

import { keyedReadingActs, perform } from "../../actions/reading/reading_acts";
import { ReadingSession, type Reader, type ReadingStart } from "../../actions/reading/session";
import { stepBack } from "../../actions/reading/step_back";
import type { ReadingAct } from "../../actions/reading/reading_act";
import { useTranslate } from "../../lib/messages";
import { useKeys } from "../../lib/use_keys";
import type { SeriesBrief, Study } from "../../state/records";
import { KeySheet } from "../../ui/KeySheet";
import { BottomBar } from "./BottomBar";
import { Conflict } from "./Conflict";
import { keyCaps } from "./key_caps";
import styles from "./ReadingPage.module.css";
import { SessionContext, useReading, useReadingSession } from "./session_context";
import { SidePanel } from "./SidePanel";
import { Stage } from "./Stage";
import { ToolColumn } from "./ToolColumn";
import { TopBar } from "./TopBar";
import { showToJourneys } from "./window_hook";

export interface ReadingProps {
  readonly study: Study;
  readonly series: SeriesBrief;
  readonly reader: Reader;
  readonly start: ReadingStart;
  readonly onSeries: (seriesId: string) => void;
  readonly onCompare: (priorSeriesId: string | null) => void;
  readonly onLeave: () => void;
}

/** One series open for reading. */
export function Reading(props: ReadingProps) {
  const { study, series, reader, start } = props;
  const [session] = useState(() => new ReadingSession(study, series.id, reader, start));
  useEffect(() => {
    // A moment later, so that a mount that is undone at once opens nothing.
    const timer = setTimeout(() => void session.open());
    const hide = showToJourneys(session);
    return () => {
      clearTimeout(timer);
      hide();
      session.close();
    };
  }, [session]);
  return (
    <SessionContext value={session}>
      <ReadingFrame {...props} />
    </SessionContext>
  );
}

function ReadingFrame({ study, series, onSeries, onCompare, onLeave }: ReadingProps) {
  const t = useTranslate();
  const session = useReadingSession();
  const compared = useReading((state) => state.compare?.priorSeriesId ?? null);
  const told = useRef(compared);
  useEffect(() => {
    if (told.current === compared) return;
    told.current = compared;
    onCompare(compared);
  }, [compared, onCompare]);
  const hasPanel = useReading((state) => state.panel !== null);
  const acts = [...keyedReadingActs, stepBack(onLeave)];
  useKeys(Object.fromEntries(acts.map((act) => [act.key ?? "", () => perform(act, session)])));
  return (
    <main className={hasPanel ? styles.page : `${styles.page ?? ""} ${styles.wide ?? ""}`}>
      <h1 className="visually-hidden">
        {t("reading.title", { study: study.study_description || t("reading.study") })}
      </h1>
      <TopBar study={study} series={series} onSeries={onSeries} onLeave={onLeave} />
      <ToolColumn />
      <Stage series={series} />
      {hasPanel ? <SidePanel /> : null}
      <BottomBar />
      <Conflict />
      <Keys acts={acts} />
    </main>
  );
}

function Keys({ acts }: { readonly acts: readonly ReadingAct[] }) {
  const t = useTranslate();
  const session = useReadingSession();
  const isOpen = useReading((state) => state.isKeySheetOpen);
  const lines = acts
    .filter((act) => act.key !== undefined && !act.name.startsWith("choose_preset"))
    .map((act) => ({ keys: keyCaps(act.key ?? ""), label: t(act.label as "reading.step_back") }));
  lines.push({ keys: ["5", "–", "0"], label: t("reading.choose_preset") });
  lines.push({ keys: [t("reading.mouse_wheel")], label: t("reading.tool_scroll") });
  lines.push({ keys: [t("reading.mouse_right")], label: t("reading.tool_window") });
  lines.push({ keys: [t("reading.mouse_middle")], label: t("reading.tool_pan") });
  lines.push({ keys: ["Ctrl", t("reading.mouse_wheel")], label: t("reading.tool_zoom") });
  return <KeySheet lines={lines} isOpen={isOpen} onClose={() => session.set({ isKeySheetOpen: false })} />;
}
