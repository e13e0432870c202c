import { useState } from "react";

import { giveUploadDetailsAct } from "../../actions/give_upload_details";
import type { UploadDetails } from "../../api/records";
import { useTranslate } from "../../lib/messages";
import type { UploadItem } from "../../state/upload_queue";
import { Button } from "../../ui/Button";
import { Checkbox } from "../../ui/Checkbox";
import { Panel } from "../../ui/Panel";
import { Select } from "../../ui/Select";
import { sentenceOf } from "../../ui/States";
import { NumberField, TextField } from "../../ui/TextField";
import { type DetailsDraft, detailsOf, EMPTY_DETAILS, missingIn, MODALITIES } from "./details_draft";
import styles from "./Uploads.module.css";

interface DetailsFormProps {
  readonly item: UploadItem;
  /** Other files that ask for the same. */
  readonly others: readonly UploadItem[];
  readonly onClose: () => void;
}

interface FieldsProps {
  readonly draft: DetailsDraft;
  readonly change: (fields: Partial<DetailsDraft>) => void;
}

function PatientFields({ draft, change }: FieldsProps) {
  const t = useTranslate();
  const unknown = { value: "", label: t("details.sex_unknown") } as const;
  const sexes = (["F", "M", "O"] as const).map((value) => ({ value, label: t(`sex.${value}`) }));
  return (
    <>
      <TextField
        label={t("details.patient_id")}
        value={draft.patientId}
        onChange={(patientId) => change({ patientId })}
        isRequired
      />
      <TextField
        label={t("details.patient_name")}
        hint={t("details.patient_name_hint")}
        value={draft.patientName}
        onChange={(patientName) => change({ patientName })}
        isRequired
      />
      <TextField
        type="date"
        label={t("details.patient_birth_date")}
        value={draft.birthDate}
        onChange={(birthDate) => change({ birthDate })}
      />
      <Select<UploadDetails["patient_sex"] & string>
        label={t("details.patient_sex")}
        choices={[unknown, ...sexes]}
        value={draft.sex}
        onChange={(sex) => change({ sex })}
      />
    </>
  );
}

function StudyFields({ draft, change }: FieldsProps) {
  const t = useTranslate();
  const modalities = MODALITIES.map((value) => ({ value, label: value }));
  const spacing = { minValue: 0, step: 0.0001, formatOptions: { maximumFractionDigits: 4 } };
  return (
    <>
      <Select<DetailsDraft["modality"]>
        label={t("details.modality")}
        choices={[{ value: "", label: t("details.choose_modality") }, ...modalities]}
        value={draft.modality}
        onChange={(modality) => change({ modality })}
      />
      <TextField
        type="date"
        label={t("details.study_date")}
        value={draft.studyDate}
        onChange={(studyDate) => change({ studyDate })}
        isRequired
      />
      <div className={styles.wide}>
        <TextField
          label={t("details.study_description")}
          value={draft.description}
          onChange={(description) => change({ description })}
        />
      </div>
      <NumberField
        {...spacing}
        label={t("details.pixel_spacing_row")}
        hint={t("details.pixel_spacing_hint")}
        value={draft.rowSpacing}
        onChange={(rowSpacing) => change({ rowSpacing })}
      />
      <NumberField
        {...spacing}
        label={t("details.pixel_spacing_column")}
        value={draft.columnSpacing}
        onChange={(columnSpacing) => change({ columnSpacing })}
      />
    </>
  );
}

/** Asks for what a picture without a DICOM header does not say; nothing is filled in for the person. */
export function DetailsForm({ item, others, onClose }: DetailsFormProps) {
  const t = useTranslate();
  const [draft, setDraft] = useState<DetailsDraft>(EMPTY_DETAILS);
  const [isForAll, setForAll] = useState(false);
  const [refusal, setRefusal] = useState<string>();
  const change = (fields: Partial<DetailsDraft>) => setDraft((current) => ({ ...current, ...fields }));
  const submit = async () => {
    const items = isForAll ? [item, ...others] : [item];
    try {
      await giveUploadDetailsAct.run({ items, details: detailsOf(draft) });
      onClose();
    } catch (error) {
      setRefusal(sentenceOf(error, t));
    }
  };
  return (
    <Panel title={t("details.title")} isOpen onClose={onClose}>
      <p className="quiet">{t("details.explanation", { file: item.name })}</p>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <PatientFields draft={draft} change={change} />
        <StudyFields draft={draft} change={change} />
        {others.length > 0 ? (
          <div className={styles.wide}>
            <Checkbox
              label={t("details.same_for_all", { count: others.length })}
              isSelected={isForAll}
              onChange={setForAll}
            />
          </div>
        ) : null}
        {refusal ? (
          <p className={styles.refusal} role="alert">
            {refusal}
          </p>
        ) : null}
        <Button type="submit" variant="primary" isDisabled={missingIn(draft).length > 0}>
          {t("details.submit")}
        </Button>
        <Button onPress={onClose}>{t("details.later")}</Button>
      </form>
    </Panel>
  );
}
