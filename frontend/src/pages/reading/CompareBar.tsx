import {
  ArrowDown,
  ArrowDownToLine,
  ArrowLeft,
  ArrowRight,
  ArrowUp,
  ArrowUpToLine,
  Blend,
  Columns2,
  Diff,
  RotateCcw,
  X,
  type LucideIcon,
} from "lucide-react";

import { differenceAct, flickerAct, nudgeActs, sideBySideAct } from "../../actions/reading/compare_priors";
import type { ReadingAct } from "../../actions/reading/reading_act";
import { perform } from "../../actions/reading/reading_acts";
import { useTranslate, type Translate } from "../../lib/messages";
import { linkOf, type CompareMode, type CompareState } from "../../state/compare";
import { lampOf } from "../../state/registration";
import type { SeriesBrief } from "../../state/records";
import { Button, IconButton, ToggleIconButton } from "../../ui/Button";
import { Select } from "../../ui/Select";
import { sentenceOf } from "../../ui/States";
import { TextTooltip } from "../../ui/Tooltip";
import styles from "./CompareBar.module.css";
import { shortcutOf } from "./key_caps";
import { useReadingSession, useReadingState } from "./session_context";

/** Over the images while a prior is open: how it lies, how the two are shown, and how to move it. */
export function CompareBar({ compare }: { readonly compare: CompareState }) {
  const t = useTranslate();
  const session = useReadingSession();
  return (
    <div className={styles.bar} role="group" aria-label={t("compare.bar")}>
      {compare.series.length > 1 ? (
        <div className={styles.series}>
          <Select
            label={t("compare.series")}
            labelPlace="hidden"
            choices={compare.series.map((one) => ({ value: one.id, label: seriesName(one) }))}
            value={compare.priorSeriesId}
            onChange={(seriesId) => void session.compare.open(seriesId)}
          />
        </div>
      ) : null}
      <Alignment compare={compare} />
      <span className={styles.space} />
      <Modes compare={compare} />
      <Nudge compare={compare} />
      <IconButton icon={X} label={t("compare.close")} onPress={() => session.compare.close()} />
    </div>
  );
}

function seriesName(series: SeriesBrief): string {
  return `${series.modality} ${series.series_description || series.body_part_examined}`;
}

/** Whether the alignment can be trusted, in a word and on hover in sentences. */
function Alignment({ compare }: { readonly compare: CompareState }) {
  const t = useTranslate();
  if (compare.error) return <Failure compare={compare} />;
  if (!compare.registration) return <span className={styles.lamp}>{t("compare.opening")}</span>;
  const lamp = lampOf(compare.registration);
  const detail = detailOf(compare, t);
  const said = lamp === "trusted" || lamp === "running" ? "" : detail;
  return (
    <>
      <TextTooltip text={detail}>
        <button type="button" className={styles.lamp} data-lamp={lamp} aria-label={`${t(LAMPS[lamp])}. ${detail}`}>
          <span className={styles.light} aria-hidden />
          {t(LAMPS[lamp])}
        </button>
      </TextTooltip>
      <span className={styles.detail} role="status">
        {compare.isBeyond && linkOf(compare) ? t("compare.beyond") : said}
      </span>
      <Remedy compare={compare} />
    </>
  );
}

function Failure({ compare }: { readonly compare: CompareState }) {
  const t = useTranslate();
  const session = useReadingSession();
  return (
    <span className={styles.lamp} role="status" data-lamp="failed">
      <span className={styles.light} aria-hidden />
      {sentenceOf(compare.error, t)}
      <Button variant="quiet" onPress={() => void session.compare.open(compare.priorSeriesId)}>
        {t("compare.again")}
      </Button>
    </span>
  );
}

/** What can be done where the alignment is not trusted. */
function Remedy({ compare }: { readonly compare: CompareState }) {
  const t = useTranslate();
  const session = useReadingSession();
  const { canEdit } = useReadingState();
  const lamp = lampOf(compare.registration);
  if (lamp === "doubtful" && !compare.isLinkedAnyway)
    return <Button onPress={() => session.compare.linkAnyway()}>{t("compare.link_anyway")}</Button>;
  if (lamp !== "failed" || !canEdit) return null;
  return (
    <Button variant="quiet" onPress={() => void session.compare.alignAgain()}>
      {t("compare.align_again")}
    </Button>
  );
}

const LAMPS = {
  trusted: "compare.lamp_trusted",
  doubtful: "compare.lamp_doubtful",
  failed: "compare.lamp_failed",
  running: "compare.lamp_running",
  none: "compare.lamp_none",
} as const;

function detailOf(compare: CompareState, t: Translate): string {
  const explanation = compare.registration?.explanation ?? "";
  const residual = compare.registration?.residual_mm ?? 0;
  switch (lampOf(compare.registration)) {
    case "trusted":
      return t("compare.detail_trusted", { residual: residual.toFixed(1) });
    case "doubtful":
      return t(compare.isLinkedAnyway ? "compare.detail_linked" : "compare.detail_doubtful", { explanation });
    case "failed":
      return t("compare.detail_failed", { explanation });
    case "running":
      return t("compare.detail_running");
    default:
      return t("compare.detail_none");
  }
}

const MODES: readonly (readonly [CompareMode, ReadingAct, LucideIcon])[] = [
  ["side", sideBySideAct, Columns2],
  ["flicker", flickerAct, Blend],
  ["difference", differenceAct, Diff],
];

function Modes({ compare }: { readonly compare: CompareState }) {
  const t = useTranslate();
  const session = useReadingSession();
  return (
    <span className={styles.group}>
      {MODES.map(([mode, act, icon]) => (
        <ToggleIconButton
          key={mode}
          icon={icon}
          label={t(act.label as "compare.act_side")}
          shortcut={shortcutOf(act.key) ?? ""}
          isSelected={compare.mode === mode}
          isDisabled={!act.can(session)}
          onChange={() => perform(act, session)}
        />
      ))}
    </span>
  );
}

const NUDGES: readonly (readonly [ReadingAct, LucideIcon])[] = [
  [nudgeActs.left, ArrowLeft],
  [nudgeActs.right, ArrowRight],
  [nudgeActs.up, ArrowUp],
  [nudgeActs.down, ArrowDown],
  [nudgeActs.back, ArrowUpToLine],
  [nudgeActs.forth, ArrowDownToLine],
];

function Nudge({ compare }: { readonly compare: CompareState }) {
  const t = useTranslate();
  const session = useReadingSession();
  if (!linkOf(compare)) return null;
  const distance = Math.hypot(...(compare.registration?.nudge_mm ?? []));
  const person = compare.registration?.nudged_by;
  return (
    <span className={styles.group} role="group" aria-label={t("compare.nudge")}>
      {NUDGES.map(([act, icon]) => (
        <IconButton
          key={act.name}
          icon={icon}
          label={t(act.label as "compare.nudge_left")}
          shortcut={shortcutOf(act.key) ?? ""}
          isDisabled={!act.can(session)}
          onPress={() => perform(act, session)}
        />
      ))}
      {distance > 0 ? (
        <>
          <span className={styles.nudged}>
            {person ? t("compare.nudged", { distance: distance.toFixed(1), person }) : `${distance.toFixed(1)} mm`}
          </span>
          <IconButton
            icon={RotateCcw}
            label={t("compare.nudge_reset")}
            isDisabled={!nudgeActs.left.can(session)}
            onPress={() => session.compare.resetNudge()}
          />
        </>
      ) : null}
    </span>
  );
}
