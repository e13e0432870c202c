import { type FormEvent, useState } from "react";

import type { Insight, LesionWish, Tracking } from "../../../api/records";
import type { TrackingWish } from "../../../api/tracking";
import { formatDate } from "../../../lib/dates";
import { type Translate, useLocale, useTranslate } from "../../../lib/messages";
import { probabilityText } from "../../../lib/probability";
import { changeOf, datesOf, dismissedOf, type Lesion, type LesionRow, rowsOf } from "../../../state/lesion_table";
import { Button } from "../../../ui/Button";
import { Select } from "../../../ui/Select";
import { TextField } from "../../../ui/TextField";
import { LesionCellView } from "./LesionCellView";
import styles from "./LesionTable.module.css";

export interface LesionTableProps {
  readonly tracking: Tracking;
  readonly insight: Insight | undefined;
  readonly onWish: (wish: TrackingWish) => void;
  readonly isBusy: boolean;
  readonly canEdit: boolean;
}

interface LesionProps extends Pick<LesionTableProps, "onWish" | "isBusy" | "canEdit"> {
  readonly lesion: Lesion;
}

const describe = ({ lesion, onWish }: Pick<LesionProps, "lesion" | "onWish">, body: LesionWish) =>
  onWish({ act: "describe", lesionId: lesion.id, body });

/** A word that is saved when the field is left or Enter is pressed. */
function InlineText({
  label,
  value,
  onSave,
}: {
  readonly label: string;
  readonly value: string;
  readonly onSave: (text: string) => void;
}) {
  const [text, setText] = useState(value);
  const save = () => {
    if (text.trim() !== value) onSave(text.trim());
  };
  return (
    <div className={styles.narrow}>
      <TextField
        aria-label={label}
        label=""
        value={text}
        maxLength={64}
        onChange={setText}
        onBlur={save}
        onKeyDown={(event) => {
          if (event.key === "Enter") save();
          if (event.key === "Escape") setText(value);
        }}
      />
    </div>
  );
}

function Role(props: LesionProps) {
  const t = useTranslate();
  const { lesion, isBusy, canEdit } = props;
  if (lesion.role === "new") return <Certainty {...props} />;
  if (!canEdit) return <>{t(lesion.role === "target" ? "tracked.role_target" : "tracked.role_non_target")}</>;
  return (
    <Select
      label={t("tracked.role_of", { lesion: lesion.name })}
      labelPlace="hidden"
      choices={[
        { value: "target", label: t("tracked.role_target") },
        { value: "non_target", label: t("tracked.role_non_target") },
      ]}
      value={lesion.role}
      isDisabled={isBusy}
      onChange={(role) => describe(props, { role })}
    />
  );
}

function Certainty(props: LesionProps) {
  const t = useTranslate();
  const { lesion, isBusy, canEdit } = props;
  const certainty = lesion.description.certainty ?? "equivocal";
  if (!canEdit) return <>{`${t("tracked.role_new")}, ${t(`tracked.${certainty}`)}`}</>;
  return (
    <Select
      label={t("tracked.certainty_of", { lesion: lesion.name })}
      labelPlace="hidden"
      choices={(["equivocal", "unequivocal"] as const).map((value) => ({
        value,
        label: `${t("tracked.role_new")}, ${t(`tracked.${value}`)}`,
      }))}
      value={certainty}
      isDisabled={isBusy}
      onChange={(chosen) => describe(props, { certainty: chosen })}
    />
  );
}

function Words(props: LesionProps) {
  const t = useTranslate();
  const { lesion, isBusy, canEdit } = props;
  const { organ = "", site = "", kind = "non_nodal" } = lesion.description;
  if (!canEdit) {
    return (
      <>
        <td>{organ}</td>
        <td>{site}</td>
        <td>{t(`tracked.kind_${kind}`)}</td>
      </>
    );
  }
  const name = { lesion: lesion.name };
  return (
    <>
      <td>
        <InlineText
          key={organ}
          label={t("tracked.organ_of", name)}
          value={organ}
          onSave={(text) => describe(props, { organ: text })}
        />
      </td>
      <td>
        <InlineText
          key={site}
          label={t("tracked.site_of", name)}
          value={site}
          onSave={(text) => describe(props, { site: text })}
        />
      </td>
      <td>
        <Select
          label={t("tracked.kind_of", name)}
          labelPlace="hidden"
          choices={(["non_nodal", "node"] as const).map((value) => ({ value, label: t(`tracked.kind_${value}`) }))}
          value={kind}
          isDisabled={isBusy}
          onChange={(chosen) => describe(props, { kind: chosen })}
        />
      </td>
    </>
  );
}

type Change = NonNullable<ReturnType<typeof changeOf>>;

function changeWords(change: Change, t: Translate): string {
  const percent = change.percent === null ? "" : `${change.percent > 0 ? "+" : ""}${change.percent.toFixed(0)} %`;
  const { low_percent: low = null, high_percent: high = null, growth_probability: growth } = change;
  const interval =
    low === null || high === null
      ? ""
      : ` (${t("tracked.interval", { low: low.toFixed(0), high: high.toFixed(0) })} %)`;
  const sure = growth === null ? change.unknown_because : t("tracked.growth", { share: probabilityText(growth) });
  return `${percent}${interval}, ${sure}`;
}

interface ChangesProps {
  readonly insight: Insight | undefined;
  readonly name: string;
  /** Of the latest date: a change that ends before it must not be read as one up to now. */
  readonly latestDay: number | null;
}

function Changes({ insight, name, latestDay }: ChangesProps) {
  const t = useTranslate();
  const baseline = changeOf(insight, name, "baseline");
  const previous = changeOf(insight, name, "previous");
  const until = baseline && latestDay !== null && baseline.toDay < latestDay ? baseline.toDay : undefined;
  return (
    <div className={styles.change}>
      {baseline ? (
        <span>
          {changeWords(baseline, t)} <span className={styles.quiet}>{t("tracked.from_baseline")}</span>
        </span>
      ) : null}
      {until !== undefined ? <span className={styles.quiet}>{t("tracked.until_day", { day: until })}</span> : null}
      {previous ? (
        <span>
          {changeWords(previous, t)} <span className={styles.quiet}>{t("tracked.from_previous")}</span>
        </span>
      ) : null}
    </div>
  );
}

interface RowProps extends LesionTableProps {
  readonly row: LesionRow;
  readonly onDismiss: (lesion: Lesion) => void;
}

function Row({ row, onDismiss, ...props }: RowProps) {
  const t = useTranslate();
  const { lesion } = row;
  return (
    <tr>
      <th scope="row">
        <span className={styles.name}>
          <svg
            className={styles.swatch}
            viewBox="0 0 10 10"
            color={`var(--lesion-${((lesion.number - 1) % 8) + 1})`}
            aria-hidden
          >
            <circle cx={5} cy={5} r={5} />
          </svg>
          {lesion.name}
        </span>
        <span className={styles.quiet}>{lesion.segment_label}</span>
      </th>
      <td>
        <Role lesion={lesion} {...props} />
      </td>
      {row.cells.map((cell) => (
        <td key={cell.timepoint.id}>
          <LesionCellView cell={cell} {...props} />
        </td>
      ))}
      <td>
        <Changes insight={props.insight} name={lesion.name} latestDay={row.cells.at(-1)?.timepoint.day ?? null} />
      </td>
      <Words lesion={lesion} {...props} />
      {props.canEdit ? (
        <td>
          <Button size="small" variant="quiet" onPress={() => onDismiss(lesion)}>
            {t("tracked.dismiss")}
          </Button>
        </td>
      ) : null}
    </tr>
  );
}

interface DismissFormProps extends Pick<LesionTableProps, "onWish"> {
  readonly lesion: Lesion;
  readonly onEnd: () => void;
}

function DismissForm({ lesion, onWish, onEnd }: DismissFormProps) {
  const t = useTranslate();
  const [reason, setReason] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    describe({ lesion, onWish }, { dismissed_reason: reason.trim() });
    onEnd();
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <TextField
        label={t("tracked.dismiss_reason", { lesion: lesion.name })}
        value={reason}
        maxLength={300}
        onChange={setReason}
        isRequired
      />
      <Button type="submit" size="small" isDisabled={!reason.trim()}>
        {t("tracked.save")}
      </Button>
      <Button size="small" variant="quiet" onPress={onEnd}>
        {t("tracked.cancel")}
      </Button>
    </form>
  );
}

function Dismissed({ tracking, onWish, canEdit }: LesionTableProps) {
  const t = useTranslate();
  const lesions = dismissedOf(tracking);
  if (lesions.length === 0) return null;
  return (
    <details className={styles.dismissed}>
      <summary>
        {t("tracked.dismissed")} ({lesions.length})
      </summary>
      <ul>
        {lesions.map((lesion) => (
          <li key={lesion.id}>
            {lesion.name}: {lesion.description.dismissed_reason}
            {canEdit ? (
              <Button
                size="small"
                variant="quiet"
                onPress={() => describe({ lesion, onWish }, { dismissed_reason: "" })}
              >
                {t("tracked.restore")}
              </Button>
            ) : null}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Every lesion on every date: what it measures, what is asked, and what a person says of it. */
export function LesionTable(props: LesionTableProps) {
  const t = useTranslate();
  const locale = useLocale();
  const [leaving, setLeaving] = useState<Lesion>();
  const rows = rowsOf(props.tracking);
  if (rows.length === 0) return <p>{t("tracked.none")}</p>;
  return (
    <>
      <div className={styles.scroller}>
        <table className={styles.table} aria-label={t("tracked.table")}>
          <thead>
            <tr>
              <th scope="col">{t("tracked.lesion")}</th>
              <th scope="col">{t("tracked.role")}</th>
              {datesOf(props.tracking).map((timepoint) => (
                <th key={timepoint.id} scope="col">
                  {formatDate(timepoint.study_date ?? "", locale)}
                  {timepoint.is_baseline ? ` (${t("tracked.baseline")})` : ""}
                </th>
              ))}
              <th scope="col">{t("tracked.change")}</th>
              <th scope="col">{t("tracked.organ")}</th>
              <th scope="col">{t("tracked.site")}</th>
              <th scope="col">{t("tracked.kind")}</th>
              {props.canEdit ? <td /> : null}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={row.lesion.id} row={row} onDismiss={setLeaving} {...props} />
            ))}
          </tbody>
        </table>
      </div>
      {leaving ? (
        <DismissForm key={leaving.id} lesion={leaving} onWish={props.onWish} onEnd={() => setLeaving(undefined)} />
      ) : null}
      <Dismissed {...props} />
    </>
  );
}
