import { useState } from "react";

import type { TimepointWish, Tracking } from "../../../api/records";
import { useTranslate } from "../../../lib/messages";
import { Select } from "../../../ui/Select";
import { TextField } from "../../../ui/TextField";
import { DecimalField } from "./DecimalField";
import styles from "./Verdict.module.css";

type Timepoint = Tracking["timepoints"][number];
type Uptake = NonNullable<TimepointWish["uptake_trend"]>;
type Reference = "liver_sul_mean" | "liver_sul_sd" | "blood_sul_mean" | "blood_sul_sd";

const REFERENCES = [
  { name: "liver_sul_mean", label: "records.liver_mean" },
  { name: "liver_sul_sd", label: "records.liver_sd" },
  { name: "blood_sul_mean", label: "records.blood_mean" },
  { name: "blood_sul_sd", label: "records.blood_sd" },
] as const satisfies readonly { readonly name: Reference; readonly label: string }[];
const SCORES = [1, 2, 3, 4, 5] as const;
const TRENDS = ["decreased", "unchanged", "increased"] as const;
const PET_CRITERIA: readonly string[] = ["PERCIST", "LUGANO_PET"];

/** Whether a date has anything to do with PET: its images, the criterion that is followed, or what was recorded. */
export function isAboutPet({ modality, recorded }: Timepoint, criterion: string): boolean {
  const values = [...REFERENCES.map(({ name }) => recorded[name]), recorded.deauville_score];
  return modality === "PT" || PET_CRITERIA.includes(criterion) || values.some((value) => (value ?? null) !== null);
}

interface PetRecordsProps {
  readonly timepoint: Timepoint;
  readonly isBusy: boolean;
  readonly record: (body: TimepointWish) => void;
}

function SourceField({ timepoint, isBusy, record }: PetRecordsProps) {
  const t = useTranslate();
  const stored = timepoint.recorded.reference_source ?? "";
  const [source, setSource] = useState(stored);
  return (
    <TextField
      label={t("records.reference_source")}
      value={source}
      maxLength={120}
      isDisabled={isBusy}
      onChange={setSource}
      onBlur={() => {
        if (source.trim() !== stored) record({ reference_source: source.trim() });
      }}
    />
  );
}

/** What PERCIST and the PET arm of Lugano ask for and no outline gives. */
export function PetRecords(props: PetRecordsProps) {
  const { timepoint, isBusy, record } = props;
  const t = useTranslate();
  const { deauville_score: score, uptake_trend: trend } = timepoint.recorded;
  return (
    <fieldset className={styles.recorded}>
      <legend className={styles.quiet}>{t("records.pet")}</legend>
      <div className={styles.row}>
        {REFERENCES.map(({ name, label }) => (
          <DecimalField
            key={name}
            label={t(label)}
            stored={timepoint.recorded[name]}
            isBusy={isBusy}
            onRecord={(value) => record({ [name]: value })}
          />
        ))}
        <SourceField {...props} />
      </div>
      <p className={styles.quiet}>{t("records.reference_hint")}</p>
      <div className={styles.row}>
        <Select
          label={t("records.deauville")}
          choices={[
            { value: "", label: t("records.deauville_none") },
            ...SCORES.map((each) => ({ value: String(each), label: t(`records.deauville_${each}`) })),
          ]}
          value={score ? String(score) : ""}
          isDisabled={isBusy}
          onChange={(value) => record({ deauville_score: value ? Number(value) : null })}
        />
        <Select<Uptake>
          label={t("records.uptake")}
          choices={[
            { value: "", label: t("records.uptake_none") },
            ...TRENDS.map((each) => ({ value: each, label: t(`records.uptake_${each}`) })),
          ]}
          value={trend ?? ""}
          isDisabled={isBusy}
          onChange={(uptake_trend) => record({ uptake_trend })}
        />
      </div>
    </fieldset>
  );
}
