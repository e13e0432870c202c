import { createColumnHelper } from "@tanstack/react-table";
import { Eye } from "lucide-react";
import { Link } from "react-router";

import type { PatientBrief, WorklistEntry } from "../../api/records";
import { ageInYears, formatDate, formatMoment, formatSince } from "../../lib/dates";
import { type Locale, type PlainMessageKey, type Translate, useLocale, useTranslate } from "../../lib/messages";
import { formatPersonName } from "../../lib/patient_name";
import type { Sortable } from "../../state/worklist_filters";
import { Badge } from "../../ui/Badge";
import { StateMark } from "./StateMark";
import styles from "./Worklist.module.css";

/** What a column's head and cells need besides the row. */
export interface ColumnMeta {
  readonly label: PlainMessageKey;
  readonly width: string;
  readonly sortsBy?: Sortable;
  readonly isNarrowHidden?: boolean;
}

const helper = createColumnHelper<WorklistEntry>();

/** Age at the examination and sex, as far as they are known: "64 y F". */
export function demographics(patient: PatientBrief, onDate: string | null, t: Translate): string {
  const { patient_birth_date: born, patient_sex: sex } = patient;
  const age = born && onDate ? t("patient.age", { age: ageInYears(born, onDate) }) : "";
  return [age, sex].filter(Boolean).join(" ");
}

function PatientCell({ entry }: { readonly entry: WorklistEntry }) {
  const t = useTranslate();
  const { patient } = entry;
  const facts = [demographics(patient, entry.study_date, t), patient.patient_id].filter(Boolean);
  return (
    <>
      <Link to={`/patients/${patient.id}`} className={styles.patient ?? ""} data-patient>
        {formatPersonName(patient.patient_name) || t("patient.unnamed")}
      </Link>
      {facts.map((fact) => (
        <span key={fact} className={styles.secondary}>
          {fact}
        </span>
      ))}
      {patient.is_synthetic ? (
        <span className={styles.secondary}>
          <Badge hint={t("patient.synthetic_hint")}>{t("patient.synthetic")}</Badge>
        </span>
      ) : null}
    </>
  );
}

function StudyCell({ entry }: { readonly entry: WorklistEntry }) {
  const t = useTranslate();
  return (
    <Link to={`/studies/${entry.study_id}`} className={styles.open ?? ""} data-row>
      {entry.study_description || t("worklist.unnamed_study")}
    </Link>
  );
}

function ImagesCell({ entry }: { readonly entry: WorklistEntry }) {
  const t = useTranslate();
  return <>{t("worklist.images_in_series", { images: entry.instance_count, count: entry.series_count })}</>;
}

function DateCell({ entry }: { readonly entry: WorklistEntry }) {
  const t = useTranslate();
  const locale = useLocale();
  if (!entry.study_date) return <span className={styles.idle}>{t("time.unknown")}</span>;
  const time = entry.study_time?.slice(0, 5);
  return <span title={time}>{formatDate(entry.study_date, locale)}</span>;
}

function ReceivedCell({ at, now, locale }: { readonly at: string; readonly now: number; readonly locale: Locale }) {
  return (
    <time dateTime={at} title={formatMoment(at, locale)}>
      {formatSince(at, now, locale)}
    </time>
  );
}

/** The first run of a study in the list, what needs eyes before the rest; all of them on hover. */
function RunsCell({ runs }: { readonly runs: WorklistEntry["runs"] }) {
  const t = useTranslate();
  const [first] = runs;
  if (!first) return null;
  const inWords = ({ name, model_version, gate_outcome, accepted_at }: typeof first) => {
    const verdict = accepted_at ? t("worklist.run_accepted") : t(`gate.${gate_outcome}`);
    return `${name} ${model_version}: ${verdict}`;
  };
  const needsEyes = first.gate_outcome === "needs_eyes" && !first.accepted_at;
  return (
    <span title={runs.map(inWords).join("\n")}>
      {needsEyes ? <Eye size={12} aria-label={t("gate.needs_eyes")} className={styles.eyes} /> : null} {first.name}
      <span className={styles.secondary}>{first.model_version}</span>
      {runs.length > 1 ? (
        <span className={styles.secondary}>{t("worklist.more_runs", { count: runs.length - 1 })}</span>
      ) : null}
    </span>
  );
}

const meta = (values: ColumnMeta): ColumnMeta => values;

/** The worklist's columns; `now` moves the relative times on. */
export function buildColumns(now: number, locale: Locale) {
  return [
    helper.display({
      id: "state",
      meta: meta({ label: "worklist.column_state", width: "152px", sortsBy: "segmentation_state" }),
      cell: ({ row }) => (
        <StateMark state={row.original.segmentation_state} progress={row.original.segmentation_progress} />
      ),
    }),
    helper.display({
      id: "patient",
      meta: meta({ label: "worklist.column_patient", width: "36%", sortsBy: "patient_name" }),
      cell: ({ row }) => <PatientCell entry={row.original} />,
    }),
    helper.display({
      id: "study",
      meta: meta({ label: "worklist.column_study", width: "22%", sortsBy: "study_description" }),
      cell: ({ row }) => <StudyCell entry={row.original} />,
    }),
    helper.accessor((entry) => entry.modalities.join(" "), {
      id: "modality",
      meta: meta({ label: "worklist.column_modality", width: "80px" }),
      cell: (cell) => cell.getValue(),
    }),
    helper.display({
      id: "date",
      meta: meta({ label: "worklist.column_date", width: "112px", sortsBy: "study_date" }),
      cell: ({ row }) => <DateCell entry={row.original} />,
    }),
    helper.display({
      id: "model",
      meta: meta({ label: "worklist.column_model", width: "20%", isNarrowHidden: true }),
      cell: ({ row }) => <RunsCell runs={row.original.runs} />,
    }),
    helper.display({
      id: "images",
      meta: meta({ label: "worklist.column_images", width: "128px", isNarrowHidden: true }),
      cell: ({ row }) => <ImagesCell entry={row.original} />,
    }),
    helper.accessor((entry) => entry.teams.join(", "), {
      id: "team",
      meta: meta({ label: "worklist.column_team", width: "12%", isNarrowHidden: true }),
      cell: (cell) => <span title={cell.getValue()}>{cell.getValue()}</span>,
    }),
    helper.display({
      id: "received",
      meta: meta({ label: "worklist.column_received", width: "116px", sortsBy: "received_at" }),
      cell: ({ row }) => <ReceivedCell at={row.original.received_at} now={now} locale={locale} />,
    }),
  ];
}
