import { type FormEvent, useState } from "react";

import type { Tracking } from "../../../api/records";
import type { TrackingWish } from "../../../api/tracking";
import { formatDate } from "../../../lib/dates";
import { useLocale, useTranslate } from "../../../lib/messages";
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

const draftOf = ({ kind, name, start_date, end_date, is_new_anticancer_therapy = false }: Line): Draft => ({
  kind,
  name,
  start_date,
  end_date: end_date ?? null,
  is_new_anticancer_therapy,
});

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
  const isDisordered = Boolean(draft.end_date && draft.start_date && draft.end_date < draft.start_date);
  const isComplete = draft.name.trim() !== "" && draft.start_date !== "" && !isDisordered;
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
      />
      <TextField
        label={t("therapy.end")}
        type="date"
        hint={t("therapy.end_hint")}
        value={draft.end_date ?? ""}
        onChange={(date) => change({ end_date: date || null })}
        {...(isDisordered ? { error: t("therapy.bad_order") } : {})}
      />
      <Checkbox
        label={t("therapy.is_new")}
        isSelected={draft.is_new_anticancer_therapy ?? false}
        onChange={(isNew) => change({ is_new_anticancer_therapy: isNew })}
      />
      <Button type="submit" variant="primary" isDisabled={!isComplete || isBusy}>
        {t("therapy.save")}
      </Button>
      <Button onPress={onCancel}>{t("therapy.cancel")}</Button>
    </form>
  );
}

interface TherapyLinesProps {
  readonly tracking: Tracking;
  readonly onWish: (wish: TrackingWish) => void;
  readonly isBusy: boolean;
  readonly canEdit: boolean;
}

function Lines({ tracking, onWish, canEdit, onEdit }: TherapyLinesProps & { readonly onEdit: (id: string) => void }) {
  const t = useTranslate();
  const locale = useLocale();
  return (
    <table className={patientStyles.table} aria-label={t("therapy.list")}>
      <tbody>
        {tracking.therapy.map((line) => (
          <tr key={line.id}>
            <th scope="row">{line.name}</th>
            <td>{t(`therapy.${line.kind}`)}</td>
            <td>{formatDate(line.start_date, locale)}</td>
            <td>{line.end_date ? formatDate(line.end_date, locale) : t("therapy.ongoing")}</td>
            <td>
              {canEdit ? (
                <>
                  <Button
                    variant="quiet"
                    onPress={() => onEdit(line.id)}
                    aria-label={`${t("therapy.change")} ${line.name}`}
                  >
                    {t("therapy.change")}
                  </Button>
                  <Button
                    variant="quiet"
                    onPress={() => onWish({ act: "remove_therapy", therapyId: line.id })}
                    aria-label={`${t("therapy.remove")} ${line.name}`}
                  >
                    {t("therapy.remove")}
                  </Button>
                </>
              ) : null}
            </td>
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
  const line = tracking.therapy.find((each) => each.id === edited);
  const save = (body: Draft) => {
    if (line) onWish({ act: "change_therapy", therapyId: line.id, body });
    else onWish({ act: "add_therapy", patientId: tracking.patient_id, body });
    setEdited(undefined);
  };
  return (
    <>
      {tracking.therapy.length > 0 ? (
        <Lines {...props} onEdit={setEdited} />
      ) : (
        <p className={patientStyles.hint}>{t("therapy.none")}</p>
      )}
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
