import { useState } from "react";

import type { TimepointWish, Tracking } from "../../../api/records";
import type { TrackingWish } from "../../../api/tracking";
import { formatDate } from "../../../lib/dates";
import { type PlainMessageKey, useLocale, useTranslate } from "../../../lib/messages";
import { Button } from "../../../ui/Button";
import { Select } from "../../../ui/Select";
import { TextField } from "../../../ui/TextField";
import { DecimalField } from "./DecimalField";
import { isAboutPet, PetRecords } from "./PetRecords";
import styles from "./Verdict.module.css";

type Timepoint = Tracking["timepoints"][number];
type Status = NonNullable<TimepointWish["clinical_status"]>;
type Trend = NonNullable<TimepointWish["flair_trend"]>;

interface DateRecordsProps {
  readonly tracking: Tracking;
  readonly onWish: (wish: TrackingWish) => void;
  readonly isBusy: boolean;
}

const STATUSES = ["not_recorded", "improved", "stable", "worse_from_tumour", "worse_from_other_cause"] as const;
const TRENDS: readonly { readonly value: Trend; readonly label: PlainMessageKey }[] = [
  { value: "", label: "tracked.trend_none" },
  { value: "absent", label: "tracked.trend_absent" },
  { value: "better", label: "tracked.trend_better" },
  { value: "stable", label: "tracked.trend_stable" },
  { value: "worse", label: "tracked.trend_worse" },
  { value: "not_evaluable", label: "tracked.trend_not_evaluable" },
];
const MARKERS = [
  { value: "unknown", label: "tracked.marker_unknown", isElevated: null },
  { value: "normal", label: "tracked.marker_normal", isElevated: false },
  { value: "elevated", label: "tracked.marker_elevated", isElevated: true },
] as const;

interface FieldsProps {
  readonly timepoint: Timepoint;
  readonly isBusy: boolean;
  readonly record: (body: TimepointWish) => void;
}

/** How the patient was: what the brain criteria and a tumour marker ask for. */
function PatientFields({ timepoint, isBusy, record }: FieldsProps) {
  const t = useTranslate();
  const { recorded } = timepoint;
  const marker = MARKERS.find((each) => each.isElevated === (recorded.is_tumour_marker_elevated ?? null));
  const trends = TRENDS.map(({ value, label }) => ({ value, label: t(label) }));
  return (
    <div className={styles.row}>
      <Select<Status>
        label={t("tracked.clinical")}
        choices={STATUSES.map((value) => ({ value, label: t(`tracked.clinical_${value}`) }))}
        value={recorded.clinical_status ?? "not_recorded"}
        isDisabled={isBusy}
        onChange={(clinical_status) => record({ clinical_status })}
      />
      <DecimalField
        label={t("tracked.steroid")}
        stored={recorded.steroid_dexamethasone_mg}
        isBusy={isBusy}
        onRecord={(steroid_dexamethasone_mg) => record({ steroid_dexamethasone_mg })}
      />
      <Select
        label={t("tracked.marker")}
        choices={MARKERS.map(({ value, label }) => ({ value, label: t(label) }))}
        value={marker?.value ?? "unknown"}
        isDisabled={isBusy}
        onChange={(value) =>
          record({ is_tumour_marker_elevated: MARKERS.find((each) => each.value === value)?.isElevated ?? null })
        }
      />
      <Select<Trend>
        label={t("tracked.non_measurable")}
        choices={trends}
        value={recorded.non_measurable_trend ?? ""}
        isDisabled={isBusy}
        onChange={(non_measurable_trend) => record({ non_measurable_trend })}
      />
      <Select<Trend>
        label={t("tracked.flair")}
        choices={trends}
        value={recorded.flair_trend ?? ""}
        isDisabled={isBusy}
        onChange={(flair_trend) => record({ flair_trend })}
      />
    </div>
  );
}

interface PartProps extends FieldsProps {
  readonly onBaseline: () => void;
}

/** Whether a date takes part, and may be compared; each exception with its reason. */
function PartFields({ timepoint, isBusy, record, onBaseline }: PartProps) {
  const t = useTranslate();
  const [reason, setReason] = useState("");
  const { excluded_reason: excluded = "", comparability_accepted_reason: accepted = "" } = timepoint.recorded;
  const isReasonMissing = !reason.trim() || isBusy;
  return (
    <div className={styles.row}>
      {timepoint.is_baseline || excluded ? null : (
        <Button size="small" isDisabled={isBusy} onPress={onBaseline}>
          {t("tracked.make_baseline")}
        </Button>
      )}
      <TextField label={t("tracked.reason")} value={reason} maxLength={300} onChange={setReason} />
      {excluded ? (
        <Button size="small" isDisabled={isBusy} onPress={() => record({ excluded_reason: "" })}>
          {t("tracked.take_in")}
        </Button>
      ) : (
        <Button size="small" isDisabled={isReasonMissing} onPress={() => record({ excluded_reason: reason.trim() })}>
          {t("tracked.leave_out")}
        </Button>
      )}
      {accepted ? (
        <Button size="small" isDisabled={isBusy} onPress={() => record({ comparability_accepted_reason: "" })}>
          {t("tracked.accept_back")}
        </Button>
      ) : (
        <Button
          size="small"
          isDisabled={isReasonMissing}
          onPress={() => record({ comparability_accepted_reason: reason.trim() })}
        >
          {t("tracked.accept")}
        </Button>
      )}
    </div>
  );
}

/** What a reader records of each followed date beside the lesions. */
export function DateRecords({ tracking, onWish, isBusy }: DateRecordsProps) {
  const t = useTranslate();
  const locale = useLocale();
  return (
    <>
      {tracking.timepoints.map((timepoint) => {
        const record = (body: TimepointWish) => onWish({ act: "record", timepointId: timepoint.id, body });
        const { excluded_reason: excluded } = timepoint.recorded;
        return (
          <details key={timepoint.id} className={styles.section}>
            <summary>
              {t("tracked.patient_state", { date: formatDate(timepoint.study_date ?? "", locale) })}
              {excluded ? ` (${t("tracked.left_out", { reason: excluded })})` : ""}
            </summary>
            <PatientFields timepoint={timepoint} isBusy={isBusy} record={record} />
            {isAboutPet(timepoint, tracking.plan.criterion) ? (
              <PetRecords timepoint={timepoint} isBusy={isBusy} record={record} />
            ) : null}
            <PartFields
              timepoint={timepoint}
              isBusy={isBusy}
              record={record}
              onBaseline={() =>
                onWish({ act: "plan", patientId: tracking.patient_id, body: { baseline_id: timepoint.id } })
              }
            />
          </details>
        );
      })}
    </>
  );
}
