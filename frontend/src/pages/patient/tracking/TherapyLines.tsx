import { type FormEvent, useState } from "react";

import type { Tracking } from "../../../api/records";
import type { TrackingWish } from "../../../api/tracking";
import { formatDate, today } from "../../../lib/dates";
import { type Translate, useLocale, useTranslate } from "../../../lib/messages";
import type { TherapyKind } from "../../../state/charts/course";
import { Button } from "../../../ui/Button";
import { Checkbox } from "../../../ui/Checkbox";
import { Select } from "../../../ui/Select";
import { TextField } from "../../../ui/TextField";
import patientStyles from "../Patient.module.css";
import styles from "./TherapyLines.module.css";

type Line = Tracking["therapy"][number];
type Draft = Extract<TrackingWish, { act: "add_therapy" }>["body"];

const KINDS: readonly TherapyKind[] = ["systemic", "immunotherapy", "antiangiogenic", "radiation", "surgery", "other"];
const EMPTY: Draft = { kind: "systemic", name: "", start_date: "", end_date: null, is_new_anticancer_therapy: false };

const draftOf = ({ kind, name, start_date, end_date, is_new_anticancer_therapy, note }: Line): Draft => ({
  kind,
  name,
  start_date,
  end_date: end_date ?? null,
  is_new_anticancer_therapy: is_new_anticancer_therapy ?? false,
  note: note ?? "",
});

const FIRST_YEAR = 1900;
const MOST_YEARS_AHEAD = 10;

/** A year that nobody means: a date typed by hand passes through them, and a slip stays in one. */
function isWrongYear(date: string | null | undefined): boolean {
  const year = Number(date?.slice(0, 4));
  return Boolean(date) && (year < FIRST_YEAR || year > Number(today().slice(0, 4)) + MOST_YEARS_AHEAD);
}

function problemsOf({ start_date, end_date }: Draft, t: Translate): { readonly start: string; readonly end: string } {
  const isDisordered = Boolean(end_date && start_date && end_date < start_date);
  const endSlip = isWrongYear(end_date) ? t("therapy.bad_year") : "";
  return {
    start: isWrongYear(start_date) ? t("therapy.bad_year") : "",
    end: endSlip || (isDisordered ? t("therapy.bad_order") : ""),
  };
}

interface TherapyFormProps {
  readonly initial: Draft;
  readonly isBusy: boolean;
  readonly onSave: (draft: Draft) => void;
  readonly onCancel: () => void;
}

function TherapyForm({ initial, isBusy, onSave, onCancel }: TherapyFormProps) {
  const t = useTranslate();
  const [draft, setDraft] = useState(initial);
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const problems = problemsOf(draft, t);
  const isComplete = Boolean(draft.name.trim() && draft.start_date && !problems.start && !problems.end);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isComplete) onSave({ ...draft, name: draft.name.trim() });
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <Select
        label={t("therapy.kind")}
        choices={KINDS.map((kind) => ({ value: kind, label: t(`therapy.${kind}`) }))}
        value={draft.kind}
        onChange={(kind) => change({ kind })}
      />
      <TextField label={t("therapy.name")} value={draft.name} onChange={(name) => change({ name })} maxLength={120} />
      <TextField
        label={t("therapy.start")}
        type="date"
        value={draft.start_date}
        onChange={(date) => change({ start_date: date })}
        {...(problems.start ? { error: problems.start } : {})}
      />
      <TextField
        label={t("therapy.end")}
        type="date"
        hint={t("therapy.end_hint")}
        value={draft.end_date ?? ""}
        onChange={(date) => change({ end_date: date || null })}
        {...(problems.end ? { error: problems.end } : {})}
      />
      <div className={styles.beside}>
        <Checkbox
          label={t("therapy.is_new")}
          isSelected={draft.is_new_anticancer_therapy ?? false}
          onChange={(isNew) => change({ is_new_anticancer_therapy: isNew })}
        />
        <Button type="submit" variant="primary" isDisabled={!isComplete || isBusy}>
          {t("therapy.save")}
        </Button>
        <Button onPress={onCancel}>{t("therapy.cancel")}</Button>
      </div>
    </form>
  );
}

interface TherapyLinesProps {
  readonly tracking: Tracking;
  readonly onWish: (wish: TrackingWish, then?: { readonly onSuccess: () => void }) => void;
  readonly isBusy: boolean;
  readonly canEdit: boolean;
}

interface LinesProps extends TherapyLinesProps {
  readonly onEdit: (id: string) => void;
  readonly onRemove: (line: Line) => void;
}

function Lines({ tracking, isBusy, canEdit, onEdit, onRemove }: LinesProps) {
  const t = useTranslate();
  const locale = useLocale();
  return (
    <table className={patientStyles.table} aria-label={t("therapy.list")}>
      <thead>
        <tr>
          <th scope="col">{t("therapy.name")}</th>
          <th scope="col">{t("therapy.kind")}</th>
          <th scope="col">{t("therapy.start")}</th>
          <th scope="col">{t("therapy.end")}</th>
          <th scope="col">{t("therapy.under_study")}</th>
          {canEdit ? <td className={styles.corner} /> : null}
        </tr>
      </thead>
      <tbody>
        {tracking.therapy.map((line) => (
          <tr key={line.id}>
            <td>{line.name}</td>
            <td>{t(`therapy.${line.kind}`)}</td>
            <td>{formatDate(line.start_date, locale)}</td>
            <td>{line.end_date ? formatDate(line.end_date, locale) : t("therapy.ongoing")}</td>
            <td>{line.is_new_anticancer_therapy ? t("therapy.replaces") : ""}</td>
            {canEdit ? (
              <td>
                <Button
                  variant="quiet"
                  onPress={() => onEdit(line.id)}
                  aria-label={`${t("therapy.change")} ${line.name}`}
                >
                  {t("therapy.change")}
                </Button>
                <Button
                  variant="quiet"
                  isDisabled={isBusy}
                  onPress={() => onRemove(line)}
                  aria-label={`${t("therapy.remove")} ${line.name}`}
                >
                  {t("therapy.remove")}
                </Button>
              </td>
            ) : null}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What was given from when to when; the plots show it over the dates. */
export function TherapyLines(props: TherapyLinesProps) {
  const { tracking, onWish, isBusy, canEdit } = props;
  const t = useTranslate();
  const [edited, setEdited] = useState<string>();
  const [removed, setRemoved] = useState<Line>();
  const line = tracking.therapy.find((each) => each.id === edited);
  const patientId = tracking.patient_id;
  // A refused draft stays where it is, beside the reason.
  const close = { onSuccess: () => setEdited(undefined) };
  const save = (body: Draft) => {
    if (line) onWish({ act: "change_therapy", therapyId: line.id, body }, close);
    else onWish({ act: "add_therapy", patientId, body }, close);
  };
  const remove = (gone: Line) =>
    onWish({ act: "remove_therapy", therapyId: gone.id }, { onSuccess: () => setRemoved(gone) });
  const takeBack = (gone: Line) =>
    onWish({ act: "add_therapy", patientId, body: draftOf(gone) }, { onSuccess: () => setRemoved(undefined) });
  return (
    <>
      {tracking.therapy.length > 0 ? (
        <Lines {...props} onEdit={setEdited} onRemove={remove} />
      ) : (
        <p className={patientStyles.hint}>{t("therapy.none")}</p>
      )}
      {removed ? (
        <p className={styles.removed} role="status">
          {t("therapy.removed", { name: removed.name })}
          <Button size="small" isDisabled={isBusy} onPress={() => takeBack(removed)}>
            {t("therapy.take_back")}
          </Button>
        </p>
      ) : null}
      {edited !== undefined ? (
        <TherapyForm
          key={edited}
          initial={line ? draftOf(line) : EMPTY}
          isBusy={isBusy}
          onSave={save}
          onCancel={() => setEdited(undefined)}
        />
      ) : null}
      {canEdit && edited === undefined ? (
        <div className={styles.form}>
          <Button onPress={() => setEdited("new")}>{t("therapy.add")}</Button>
        </div>
      ) : null}
    </>
  );
}
