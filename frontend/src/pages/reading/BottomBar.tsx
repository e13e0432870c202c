import { saveRevisionAct } from "../../actions/reading/save_revision";
import { useLocale, useTranslate, type Translate } from "../../lib/messages";
import { formatSince } from "../../lib/dates";
import { useStore } from "../../lib/store";
import { positionMm, type Grid } from "../../state/planes";
import { connectionOf, type ReadingState } from "../../state/reading";
import { Button } from "../../ui/Button";
import { ResearchUseOnly } from "../../ui/ResearchUseOnly";
import type { Readout } from "../../viewer/viewer";
import { perform } from "../../actions/reading/reading_acts";
import styles from "./BottomBar.module.css";
import { shortcutOf } from "./key_caps";
import { useReadingSession, useReadingState, useWholeReading } from "./session_context";

/** Where the pointer is, whether the page is connected, whether the drawing is safe. */
export function BottomBar() {
  const t = useTranslate();
  const state = useReadingState();
  return (
    <footer className={styles.bar}>
      <Pointer />
      <span className={styles.space} />
      {state.hasWebGl ? null : <span title={t("reading.no_webgl_long")}>{t("reading.no_webgl")}</span>}
      <Lamp state={state} t={t} />
      <Saved state={state} />
      <ResearchUseOnly />
    </footer>
  );
}

function same(readout: Readout | undefined): Readout | undefined {
  return readout;
}

function Pointer() {
  const t = useTranslate();
  const state = useWholeReading();
  const session = useReadingSession();
  const readout = useStore(session.readout, same);
  const description = session.viewer?.description;
  if (!description) return <span className={styles.group} />;
  const window = state.window;
  return (
    <span className={styles.group}>
      {state.frameCount > 1 ? (
        <span>{t("reading.slice_of", { slice: state.cursor[0] + 1, count: state.frameCount })}</span>
      ) : null}
      <span className={styles.position}>{positionText(session.viewer?.grid, readout, state)}</span>
      <span className={styles.value}>{valueText(readout, description.unit, description.samples_per_pixel)}</span>
      {window ? (
        <span className={styles.window}>
          {t("reading.window_level", { width: round(window.width), level: round(window.center) })}
        </span>
      ) : null}
      {state.tool === "brush" || state.tool === "eraser" ? (
        <span>{t("reading.brush_radius", { radius: `${String(state.brush.radiusMm)} mm` })}</span>
      ) : null}
    </span>
  );
}

function round(value: number): string {
  return Math.abs(value) >= 10 ? value.toFixed(0) : value.toPrecision(3);
}

function positionText(grid: Grid | undefined, readout: Readout | undefined, state: ReadingState): string {
  const voxel = readout?.voxel ?? state.cursor;
  if (!grid || !state.hasVolume) return readout ? `x ${String(voxel[2])}  y ${String(voxel[1])}` : "";
  const [x, y, z] = positionMm(grid, voxel);
  const side = (value: number, plus: string, minus: string) =>
    `${value >= 0 ? plus : minus} ${Math.abs(value).toFixed(1)}`;
  return `${side(x, "L", "R")}  ${side(y, "P", "A")}  ${side(z, "S", "I")} mm`;
}

function valueText(readout: Readout | undefined, unit: string, samples: number): string {
  if (!readout?.values) return "";
  if (samples > 1) return `RGB ${readout.values.join(" ")}`;
  const value = readout.values[0] ?? 0;
  const text = Number.isInteger(value) ? String(value) : value.toPrecision(4);
  return unit ? `${text} ${unit}` : text;
}

function Lamp({ state, t }: { readonly state: ReadingState; readonly t: Translate }) {
  const connection = connectionOf(state);
  if (!connection) return null;
  const text = {
    open: t("state.connected"),
    connecting: t("state.connecting"),
    waiting: t("state.offline_short"),
    refused: t("state.offline_short"),
  }[connection];
  return (
    <span className={styles.lamp} data-connection={connection} role="status">
      <span className={styles.light} aria-hidden />
      {text}
    </span>
  );
}

function Saved({ state }: { readonly state: ReadingState }) {
  const t = useTranslate();
  const locale = useLocale();
  const session = useReadingSession();
  const { save } = state;
  if (save.kind === "clean") return null;
  if (save.kind === "saving") return <span role="status">{t("reading.saving")}</span>;
  if (save.kind === "saved")
    return (
      <span role="status">
        {t("reading.saved", { when: formatSince(new Date(save.at).toISOString(), save.at, locale) })}
      </span>
    );
  const text = save.kind === "failed" ? t("reading.save_failed") : t("reading.unsaved");
  return (
    <span className={styles.unsaved} role="status">
      <span>{save.kind === "unsaved" && save.isRestored ? t("reading.draft_restored") : text}</span>
      <Button
        variant="quiet"
        shortcut={shortcutOf(saveRevisionAct.key) ?? ""}
        onPress={() => perform(saveRevisionAct, session)}
      >
        {t("reading.save_revision")}
      </Button>
      <Button variant="quiet" onPress={() => void session.drawing.discard()}>
        {t("reading.discard")}
      </Button>
    </span>
  );
}
