import { Link } from "react-router";

import type { Tracking } from "../../api/records";
import { useAssessment, useTracking, useTrackingAct } from "../../api/tracking";
import { useTranslate } from "../../lib/messages";
import { ApiProblem } from "../../lib/problem";
import { canHoldLesions, trackedNames } from "../../state/lesions";
import type { ReadingState } from "../../state/reading";
import { Button } from "../../ui/Button";
import { notify } from "../../ui/notice_queue";
import styles from "./LesionList.module.css";
import { useReadingSession } from "./session_context";

const sayProblem = (error: unknown) =>
  notify(error instanceof ApiProblem && error.sentence ? error.sentence : String(error), "danger");

/** What people call the lesions of the revision on screen; empty while it is not followed or not matched yet. */
export function useTrackedNames(state: ReadingState): ReadonlyMap<string, string> {
  const { study } = useReadingSession();
  const tracking = useTracking(study.patient.id);
  const revisionId = state.shown.kind === "revision" ? state.shown.revision.id : undefined;
  return tracking.data && revisionId ? trackedNames(tracking.data, revisionId) : new Map<string, string>();
}

interface CourseLineProps {
  readonly state: ReadingState;
}

/** What this study adds to the patient's course, kept current while the mask is corrected; or the way to follow it. */
export function CourseLine({ state }: CourseLineProps) {
  const { study } = useReadingSession();
  const tracking = useTracking(study.patient.id);
  if (!tracking.data || state.shown.kind !== "revision") return null;
  return <Course tracking={tracking.data} state={state} segmentationId={state.shown.revision.segmentation_id} />;
}

interface CourseProps extends CourseLineProps {
  readonly tracking: Tracking;
  readonly segmentationId: string;
}

function Course({ tracking, state, segmentationId }: CourseProps) {
  const t = useTranslate();
  const { study } = useReadingSession();
  const act = useTrackingAct(sayProblem);
  const timepoint = tracking.timepoints.find((each) => each.study_id === study.id);
  if (timepoint?.segmentation_id === segmentationId) {
    return timepoint.problem ? (
      <p className={styles.line}>{timepoint.problem}</p>
    ) : (
      <Verdict tracking={tracking} timepointId={timepoint.id} isWaiting={timepoint.matching_state === "waiting"} />
    );
  }
  if (!state.canEdit || !study.study_date) return null;
  if (state.shown.kind !== "revision" || !canHoldLesions(state.shown.revision)) return null;
  return (
    <p className={styles.line}>
      {timepoint ? `${t("course.other")} ` : null}
      <Button
        size="small"
        isDisabled={act.isPending}
        onPress={() => act.mutate({ act: "follow", studyId: study.id, segmentationId })}
      >
        {t(timepoint ? "course.follow_instead" : "course.follow")}
      </Button>
    </p>
  );
}

interface VerdictProps {
  readonly tracking: Tracking;
  readonly timepointId: string;
  readonly isWaiting: boolean;
}

function Verdict({ tracking, timepointId, isWaiting }: VerdictProps) {
  const t = useTranslate();
  const assessment = useAssessment(tracking.patient_id, undefined, true);
  const verdict = assessment.data?.timepoints.find((each) => each.timepoint_id === timepointId);
  const patient = <Link to={`/patients/${tracking.patient_id}`}>{t("course.open")}</Link>;
  if (isWaiting || !verdict) {
    return (
      <p className={styles.line} role="status">
        {isWaiting ? t("course.waiting") : ""} {patient}
      </p>
    );
  }
  const isProvisional = (assessment.data?.questions.length ?? 0) > 0;
  return (
    <p className={styles.line} role="status" aria-label={t("course.verdict")}>
      <strong className={isProvisional ? styles.provisionalVerdict : undefined}>{verdict.overall_response}</strong>{" "}
      {isProvisional ? `${t("course.provisional")} ` : ""}
      {verdict.clause.rule_id}: {verdict.clause.sentence} {patient}
    </p>
  );
}
