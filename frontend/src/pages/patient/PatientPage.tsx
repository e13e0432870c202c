import { useEffect, useState } from "react";
import { Link, useNavigate, useParams } from "react-router";

import { usePatient } from "../../api/patients";
import { useTracking } from "../../api/tracking";
import type { Patient } from "../../api/records";
import { ageInYears, formatDate, today } from "../../lib/dates";
import { useLocale, useTranslate } from "../../lib/messages";
import { formatPersonName } from "../../lib/patient_name";
import { useKeys } from "../../lib/use_keys";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { EmptyState, ErrorState, LoadingState } from "../../ui/States";
import { useSignedIn } from "../shell/use_signed_in";
import styles from "./Patient.module.css";
import { StudyList } from "./StudyList";
import { Timeline } from "./Timeline";
import { TrackingSection } from "./tracking/TrackingSection";

const SEXES = ["M", "F", "O"] as const;

function Facts({ patient }: { readonly patient: Patient }) {
  const t = useTranslate();
  const locale = useLocale();
  const born = patient.patient_birth_date;
  const sex = SEXES.find((code) => code === patient.patient_sex);
  const facts = [
    `${t("patient.id")} ${patient.patient_id}`,
    born ? t("patient.born", { date: formatDate(born, locale) }) : "",
    born ? t("patient.age", { age: ageInYears(born, today()) }) : "",
    sex ? t(`sex.${sex}`) : "",
    patient.teams.map((team) => team.name).join(", "),
  ].filter(Boolean);
  return (
    <p className={styles.facts}>
      {facts.map((fact) => (
        <span key={fact}>{fact}</span>
      ))}
      {patient.is_synthetic ? <Badge hint={t("patient.synthetic_hint")}>{t("patient.synthetic")}</Badge> : null}
    </p>
  );
}

function Studies({ patient }: { readonly patient: Patient }) {
  const t = useTranslate();
  const [litId, setLitId] = useState<string>();
  const tracking = useTracking(patient.id);
  const { studies } = patient;
  const undated = studies.filter((study) => !study.study_date).length;
  if (studies.length === 0) {
    return <EmptyState title={t("patient.no_studies_title")} sentence={t("patient.no_studies")} />;
  }
  return (
    <>
      {undated < studies.length ? (
        <section className={styles.panel}>
          <h2>{t("patient.timeline")}</h2>
          <Timeline studies={studies} therapy={tracking.data?.therapy ?? []} litId={litId} onLight={setLitId} />
          <p id="timeline-hint" className={styles.hint}>
            {t("patient.timeline_hint")} {undated > 0 ? t("patient.undated", { count: undated }) : ""}
          </p>
        </section>
      ) : null}
      <section className={styles.panel}>
        <h2>{t("patient.studies")}</h2>
        <StudyList studies={studies} litId={litId} onLight={setLitId} />
      </section>
    </>
  );
}

function Followed({ patient, subject }: { readonly patient: Patient; readonly subject: string }) {
  const t = useTranslate();
  const { user } = useSignedIn();
  const tracking = useTracking(patient.id);
  if (patient.studies.length === 0) return null;
  if (tracking.isError) return <ErrorState error={tracking.error} onRetry={() => void tracking.refetch()} />;
  if (!tracking.data) return <LoadingState label={t("verdict.loading")} />;
  return <TrackingSection tracking={tracking.data} subject={subject} canEdit={user.role !== "viewer"} />;
}

function PatientView({ patient }: { readonly patient: Patient }) {
  const t = useTranslate();
  const navigate = useNavigate();
  const name = formatPersonName(patient.patient_name) || t("patient.unnamed");
  const latest = patient.studies.find((study) => study.study_date) ?? patient.studies[0];
  const openLatest = () => {
    if (latest) void navigate(`/studies/${latest.id}`);
  };
  useKeys({ o: openLatest, Escape: () => void navigate("/") });
  useEffect(() => {
    document.title = `${name} - ${t("app.name")}`;
  }, [name, t]);
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1>{name}</h1>
        <Facts patient={patient} />
        {latest ? (
          <div className={styles.open}>
            <Button variant="primary" shortcut="o" onPress={openLatest}>
              {t("patient.open_latest")}
            </Button>
          </div>
        ) : null}
      </header>
      <Followed patient={patient} subject={name} />
      <Studies patient={patient} />
    </div>
  );
}

/** Is it getting worse, and are we sure? */
export function PatientPage() {
  const t = useTranslate();
  const { id = "" } = useParams();
  const patient = usePatient(id);
  if (patient.data) return <PatientView patient={patient.data} />;
  if (patient.isError) {
    return (
      <ErrorState isPage error={patient.error} onRetry={() => void patient.refetch()}>
        <Link to="/">{t("state.back_to_worklist")}</Link>
      </ErrorState>
    );
  }
  return <LoadingState label={t("patient.loading")} />;
}
