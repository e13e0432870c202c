import { CircleHelp, Ellipsis } from "lucide-react";
import { Link } from "react-router";

import { readingAddress } from "../../../api/priors";
import type { Observation, StateWish, Tracking } from "../../../api/records";
import type { TrackingWish } from "../../../api/tracking";
import { formatDate } from "../../../lib/dates";
import { type PlainMessageKey, type Translate, useLocale, useTranslate } from "../../../lib/messages";
import { probabilityText } from "../../../lib/probability";
import type { Estimate } from "../../../state/charts/course";
import type { LesionCell } from "../../../state/lesion_table";
import { IconButton } from "../../../ui/Button";
import { classes } from "../../../ui/classes";
import { Menu, MenuItem } from "../../../ui/Menu";
import { TextTooltip } from "../../../ui/Tooltip";
import styles from "./LesionTable.module.css";

const STATES = {
  present: "tracked.state_present",
  too_small_to_measure: "tracked.state_too_small",
  absent: "tracked.state_absent",
  not_evaluable: "tracked.state_not_evaluable",
  unmarked: "tracked.state_unmarked",
} as const satisfies Readonly<Record<string, PlainMessageKey>>;

const READINGS = {
  first: "tracked.reading_first",
  same: "tracked.reading_same",
  new: "tracked.reading_new",
  vanished: "tracked.reading_vanished",
  merged: "tracked.reading_merged",
  split: "tracked.reading_split",
} as const;

/** Why the matching is not sure, or did not look. */
const REASONS: Readonly<Record<string, PlainMessageKey>> = {
  carried: "tracked.reason_carried",
  "registration.doubtful": "tracked.reason_doubtful",
};

const SAID: readonly { readonly state: StateWish["state"]; readonly label: PlainMessageKey }[] = [
  { state: "absent", label: "tracked.say_absent" },
  { state: "too_small_to_measure", label: "tracked.say_too_small" },
  { state: "present", label: "tracked.say_present" },
  { state: "not_evaluable", label: "tracked.say_not_evaluable" },
];

function stateWords({ seen }: LesionCell, t: Translate): string {
  if (!seen) return "";
  if (seen.state === "merged") return t("tracked.state_merged", { lesion: seen.merged_into ?? "" });
  return seen.state === "measured" ? "" : t(STATES[seen.state]);
}

const intervalWords = ({ low, high }: Estimate, unit: string, t: Translate): string =>
  low === null || high === null
    ? ""
    : `${t("tracked.interval", { low: low.toFixed(1), high: high.toFixed(1) })} ${unit}`;

/** How the cell came to be this lesion's: who said so, or what the matching made of it. */
function originWords(seen: Observation, t: Translate): string[] {
  if (seen.confirmed_by) return [t("tracked.confirmed_by", { person: seen.confirmed_by })];
  const { runner_up: rival, reason = "" } = seen.proposal ?? {};
  const why = REASONS[reason];
  return [rival ? t("tracked.otherwise", { reading: t(READINGS[rival.kind]) }) : "", why ? t(why) : ""];
}

function hintOf({ seen, length, volume }: LesionCell, t: Translate): string {
  const measured = [length ? intervalWords(length, "mm", t) : "", volume ? intervalWords(volume, "mL", t) : ""];
  const said = seen ? [...originWords(seen, t), seen.note] : [];
  return [...measured, ...said].filter(Boolean).join("; ");
}

/** What is written below the length: a name that is read aloud holds all that is seen. */
const moreWords = ({ volume, seen }: LesionCell, t: Translate): string[] => [
  ...(volume ? [t("tracked.volume", { volume: volume.value.toFixed(2) })] : []),
  ...(seen?.is_unequivocal_progression ? [t("tracked.progressing")] : []),
];

function Inside({ cell, words }: { readonly cell: LesionCell; readonly words: string }) {
  const t = useTranslate();
  const { volume, seen } = cell;
  return (
    <>
      <span>{words}</span>
      {volume ? <span className={styles.quiet}>{t("tracked.volume", { volume: volume.value.toFixed(2) })}</span> : null}
      {seen?.is_unequivocal_progression ? <span className={styles.danger}>{t("tracked.progressing")}</span> : null}
    </>
  );
}

function Value({ cell }: { readonly cell: LesionCell }) {
  const t = useTranslate();
  const locale = useLocale();
  const { lesion, timepoint, length, at } = cell;
  const words = length ? t("tracked.size", { length: length.value.toFixed(1) }) : stateWords(cell, t);
  const look = classes(styles.value, !cell.isConfirmed && styles.provisional, cell.isAsked && styles.asked);
  const inside = <Inside cell={cell} words={words} />;
  const date = formatDate(timepoint.study_date ?? "", locale);
  const hint = hintOf(cell, t);
  const said = [words, ...moreWords(cell, t), hint].filter(Boolean).join("; ");
  if (!at && !hint) return <span className={look}>{inside}</span>;
  return (
    <TextTooltip text={hint || words}>
      {at ? (
        <Link
          to={readingAddress(timepoint.study_id, timepoint.series_id, at)}
          className={look}
          aria-label={t("tracked.open_images", { lesion: lesion.name, date, said })}
        >
          {inside}
        </Link>
      ) : (
        <button type="button" className={look} aria-label={t("tracked.cell", { lesion: lesion.name, date, said })}>
          {inside}
        </button>
      )}
    </TextTooltip>
  );
}

interface ActsProps {
  readonly cell: LesionCell;
  readonly tracking: Tracking;
  readonly onWish: (wish: TrackingWish) => void;
  readonly isBusy: boolean;
}

function confirmWords({ seen }: LesionCell, t: Translate): string {
  const proposal = seen?.proposal;
  if (!proposal || proposal.confidence === null) return t("tracked.confirm_plain");
  return t("tracked.confirm", {
    reading: t(READINGS[proposal.kind]),
    confidence: probabilityText(proposal.confidence),
  });
}

/** What else a marked part may be: every other lesion, or one of its own. */
function Others({ cell, tracking, onWish }: Omit<ActsProps, "isBusy">) {
  const t = useTranslate();
  const component = cell.seen?.components[0];
  if (!component) return null;
  const { revision_id } = cell.timepoint;
  const seen = revision_id ? { revision_id, lesion_id: cell.lesion.id } : undefined;
  const assign = (lesionId: string | null) =>
    onWish({ act: "assign", timepointId: cell.timepoint.id, component, lesionId, seen });
  return (
    <>
      {tracking.lesions
        .filter((lesion) => lesion.id !== cell.lesion.id && !lesion.description.dismissed_reason)
        .map((lesion) => (
          <MenuItem
            key={lesion.id}
            label={t("tracked.is_lesion", { lesion: lesion.name })}
            onAction={() => assign(lesion.id)}
          />
        ))}
      <MenuItem label={t("tracked.is_new")} onAction={() => assign(null)} />
    </>
  );
}

/** What is to be seen of the lesion, whatever was proposed. */
function States({ cell, onWish }: Pick<ActsProps, "cell" | "onWish">) {
  const t = useTranslate();
  const { seen, lesion, timepoint } = cell;
  const say = (state: StateWish["state"], isProgressing = false) =>
    onWish({
      act: "state",
      lesionId: lesion.id,
      timepointId: timepoint.id,
      body: { state, is_unequivocal_progression: isProgressing, seen: seen?.state ?? "" },
    });
  const isMarked = Boolean(seen?.components.length);
  const isProgressing = seen?.is_unequivocal_progression ?? false;
  return (
    <>
      {isMarked ? <MenuItem label={t("tracked.say_measured")} onAction={() => say("measured")} /> : null}
      {SAID.map(({ state, label }) => (
        <MenuItem key={state} label={t(label)} onAction={() => say(state)} />
      ))}
      {lesion.role === "non_target" ? (
        <MenuItem
          label={t(isProgressing ? "tracked.say_not_progressing" : "tracked.say_progressing")}
          onAction={() => say(isMarked ? "measured" : "present", !isProgressing)}
        />
      ) : null}
    </>
  );
}

function Acts({ cell, tracking, onWish, isBusy }: ActsProps) {
  const t = useTranslate();
  const locale = useLocale();
  const { seen, lesion, timepoint } = cell;
  const words = { lesion: lesion.name, date: formatDate(timepoint.study_date ?? "", locale) };
  return (
    <Menu
      trigger={
        <IconButton
          icon={cell.isAsked ? CircleHelp : Ellipsis}
          label={t(cell.isAsked ? "tracked.asked" : "tracked.ask", words)}
          isDisabled={isBusy}
        />
      }
    >
      {seen && !cell.isConfirmed && seen.state !== "unmarked" ? (
        <MenuItem
          label={confirmWords(cell, t)}
          onAction={() => onWish({ act: "confirm", observationId: seen.id, seen: seen.state })}
        />
      ) : null}
      <States cell={cell} onWish={onWish} />
      <Others cell={cell} tracking={tracking} onWish={onWish} />
    </Menu>
  );
}

interface LesionCellViewProps extends ActsProps {
  readonly canEdit: boolean;
}

/** One lesion on one date: its size or its state, a way to the images, and what a person may say of it. */
export function LesionCellView({ canEdit, ...props }: LesionCellViewProps) {
  return (
    <div className={styles.cell}>
      <Value cell={props.cell} />
      {canEdit ? <Acts {...props} /> : null}
    </div>
  );
}
