import { ArrowLeft, Grid2x2, Keyboard, RectangleHorizontal, RectangleVertical, Square } from "lucide-react";
import { Link } from "react-router";

import { choosePreset, presetsOf } from "../../actions/reading/choose_preset";
import { perform } from "../../actions/reading/reading_acts";
import { setLayoutActs } from "../../actions/reading/set_layout";
import { showKeysAct } from "../../actions/reading/show_keys";
import { formatDate } from "../../lib/dates";
import { useLocale, useTranslate } from "../../lib/messages";
import { formatPersonName } from "../../lib/patient_name";
import { PLANE_IDS, planeOf } from "../../state/planes";
import type { LayoutId } from "../../state/reading";
import type { SeriesBrief, Study } from "../../state/records";
import { Badge } from "../../ui/Badge";
import { IconButton, ToggleIconButton } from "../../ui/Button";
import { Select } from "../../ui/Select";
import { CompareSelect } from "./CompareSelect";
import { shortcutOf } from "./key_caps";
import styles from "./TopBar.module.css";
import { useReadingSession, useReadingState } from "./session_context";

interface TopBarProps {
  readonly study: Study;
  readonly series: SeriesBrief;
  readonly onSeries: (seriesId: string) => void;
  readonly onLeave: () => void;
}

export function TopBar({ study, series, onSeries, onLeave }: TopBarProps) {
  const t = useTranslate();
  const locale = useLocale();
  const session = useReadingSession();
  const { patient } = study;
  const name = formatPersonName(patient.patient_name) || t("patient.unnamed");
  return (
    <header className={styles.bar}>
      <IconButton icon={ArrowLeft} label={t("reading.leave")} onPress={onLeave} />
      <p className={styles.who}>
        <Link to={`/patients/${patient.id}`} className={styles.name ?? ""}>
          {name}
        </Link>
        <span className={styles.quiet}>{patient.patient_id}</span>
        {patient.is_synthetic ? <Badge hint={t("patient.synthetic_hint")}>{t("patient.synthetic")}</Badge> : null}
      </p>
      <p className={styles.study}>
        {study.study_description || t("reading.study")}
        {study.study_date ? <span className={styles.quiet}> {formatDate(study.study_date, locale)}</span> : null}
      </p>
      <div className={styles.series}>
        <Select
          label={t("reading.series")}
          labelPlace="hidden"
          choices={study.series.map((one) => ({ value: one.id, label: seriesLabel(one) }))}
          value={series.id}
          onChange={onSeries}
        />
      </div>
      <CompareSelect study={study} />
      <PresetSelect />
      <Layouts />
      <IconButton
        icon={Keyboard}
        label={t("nav.keys")}
        shortcut={shortcutOf(showKeysAct.key) ?? ""}
        onPress={() => perform(showKeysAct, session)}
      />
    </header>
  );
}

function seriesLabel(series: SeriesBrief): string {
  const number = series.series_number === null ? "" : `${String(series.series_number)} · `;
  const size = series.frame_count > 1 ? ` · ${String(series.frame_count)}` : "";
  return `${number}${series.modality} ${series.series_description || series.body_part_examined}${size}`;
}

function PresetSelect() {
  const t = useTranslate();
  const session = useReadingSession();
  const { presetIndex, window, isColour } = useReadingState();
  const presets = presetsOf(session);
  if (isColour || presets.length === 0 || !window) return null;
  const own = { value: "own", label: t("reading.own_window") };
  const choices = presets.map((preset, index) => ({ value: String(index), label: preset.name }));
  return (
    <div className={styles.preset}>
      <Select
        label={t("reading.choose_preset")}
        labelPlace="hidden"
        choices={presetIndex === null ? [...choices, own] : choices}
        value={presetIndex === null ? "own" : String(presetIndex)}
        onChange={(value) => choosePreset(session, Number(value))}
      />
    </div>
  );
}

const LAYOUT_ICONS = {
  all: Grid2x2,
  acquired: Square,
  along_rows: RectangleHorizontal,
  along_columns: RectangleVertical,
} as const;

function Layouts() {
  const t = useTranslate();
  const session = useReadingSession();
  const { layout, hasVolume } = useReadingState();
  if (!hasVolume) return null;
  const grid = session.viewer?.grid;
  const label = (id: LayoutId) =>
    id === "all" || !grid ? t("reading.layout_all") : t("reading.layout_one", { plane: planeOf(grid, id).name });
  return (
    <div className={styles.layouts} role="group" aria-label={t("reading.layout")}>
      {(["all", ...PLANE_IDS] as const).map((id) => (
        <ToggleIconButton
          key={id}
          icon={LAYOUT_ICONS[id]}
          label={label(id)}
          shortcut={shortcutOf(setLayoutActs[id].key) ?? ""}
          isSelected={layout === id}
          onChange={() => perform(setLayoutActs[id], session)}
        />
      ))}
    </div>
  );
}
