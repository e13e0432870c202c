import { useState } from "react";

import type { Assessment, Criterion, Insight, TimepointVerdict, Tracking } from "../../../api/records";
import type { TrackingWish } from "../../../api/tracking";
import { formatDate } from "../../../lib/dates";
import { useLocale, useTranslate } from "../../../lib/messages";
import { probabilityText } from "../../../lib/probability";
import { ApiProblem } from "../../../lib/problem";
import { toneOf } from "../../../state/charts/course";
import { sumChangeOf } from "../../../state/charts/from_record";
import { Button } from "../../../ui/Button";
import { Select } from "../../../ui/Select";
import { LoadingState } from "../../../ui/States";
import { nameOfCriterion } from "./criterion_names";
import { OverrideForm } from "./OverrideForm";
import { ResponseMark } from "./ResponseMark";
import styles from "./Verdict.module.css";
import { VerdictDetails } from "./VerdictDetails";

interface VerdictPanelProps {
  readonly tracking: Tracking;
  readonly criterion: Criterion;
  readonly onCriterion: (criterion: Criterion) => void;
  readonly assessment: Assessment | undefined;
  readonly error: unknown;
  readonly insight: Insight | undefined;
  readonly onWish: (wish: TrackingWish) => void;
  readonly canEdit: boolean;
}

type Translate = ReturnType<typeof useTranslate>;

/** How sure a change of the sum is: its interval and the probability that growth is real, or why that is unknown. */
function sureWords(
  verdict: TimepointVerdict,
  reference: "baseline" | "nadir",
  insight: Insight | undefined,
  t: Translate,
): string {
  const change = sumChangeOf(verdict, reference, insight);
  if (!change) return "";
  const { low_percent: low = null, high_percent: high = null, growth_probability: growth } = change;
  if (low === null || high === null || growth === null) return `: ${change.unknown_because}`;
  const interval = { low: low.toFixed(0), high: high.toFixed(0), share: probabilityText(growth) };
  return `: ${t("verdict.sure", interval)}`;
}

/** Each number a verdict used as a line, its references with their days. */
function linesOf(verdict: TimepointVerdict, insight: Insight | undefined, t: Translate): string[] {
  const { numbers } = verdict;
  const { unit, baseline, nadir, composition } = numbers;
  const lines: string[] = [];
  if (baseline !== null && numbers.percent_from_baseline) {
    const reference = { value: baseline, unit, day: numbers.baseline_day ?? 0 };
    const words = t("verdict.from_baseline", { percent: numbers.percent_from_baseline, ...reference });
    lines.push(words + sureWords(verdict, "baseline", insight, t));
  }
  if (nadir !== null && numbers.percent_from_nadir) {
    const reference = { value: nadir, unit, day: numbers.nadir_day ?? 0 };
    const words = t("verdict.from_nadir", { percent: numbers.percent_from_nadir, ...reference });
    lines.push(words + sureWords(verdict, "nadir", insight, t));
  }
  if (composition.length > 0) {
    const parts = composition.map(({ lesion, value }) => `${lesion} ${value ?? t("verdict.not_evaluated")}`);
    lines.push(`${t("verdict.sum_of")} ${parts.join(", ")}`);
  }
  return lines;
}

function Numbers(props: { readonly verdict: TimepointVerdict; readonly insight: Insight | undefined }) {
  const { verdict, insight } = props;
  const t = useTranslate();
  const { value, unit, low, high, quantity } = verdict.numbers;
  if (value === null) return null;
  const isBounded = low !== null && high !== null;
  return (
    <div className={styles.facts}>
      <p>
        {t("verdict.numbers", { quantity, value, unit })}{" "}
        <span className={styles.quiet}>
          {isBounded ? t("verdict.interval", { low: low.toFixed(1), high: high.toFixed(1) }) : ""}
        </span>
      </p>
      {linesOf(verdict, insight, t).map((line) => (
        <p key={line} className={styles.quiet}>
          {line}
        </p>
      ))}
    </div>
  );
}

/** "P(PD) 0.71", where a response was given and its probability is known. */
function probabilityWords(insight: Insight | undefined, response: string, t: Translate): string {
  const share = insight?.probability.shares.find((each) => each.response === response);
  if (!share || toneOf(response) === "open") return "";
  return `, ${t("verdict.probability", { response, share: probabilityText(share.share) })}`;
}

function Said({ override }: { readonly override: Assessment["overrides"][number] | undefined }) {
  const t = useTranslate();
  if (!override?.response) return null;
  return (
    <span>
      <ResponseMark response={override.response} />{" "}
      {t("verdict.overridden", { response: override.response, person: override.created_by })}: {override.reason}
    </span>
  );
}

function courseWords(assessment: Assessment, t: Translate): string {
  const { best_overall_response: best, progression_day, unconfirmed_progression_day } = assessment;
  if (assessment.timepoints.length < 2) return ""; // a baseline alone is no response
  return [
    t("verdict.best", { response: best.response }),
    progression_day === null ? "" : t("verdict.progressed", { day: progression_day }),
    unconfirmed_progression_day === null ? "" : t("verdict.unconfirmed", { day: unconfirmed_progression_day }),
  ]
    .filter(Boolean)
    .join(". ");
}

interface LatestProps {
  readonly assessment: Assessment;
  readonly insight: Insight | undefined;
}

function Latest({ assessment, insight }: LatestProps) {
  const t = useTranslate();
  const locale = useLocale();
  const verdict = assessment.timepoints.at(-1);
  if (!verdict) return null;
  const isProvisional = assessment.questions.length > 0;
  return (
    <>
      <div className={styles.verdict} role="status">
        <ResponseMark response={verdict.overall_response} size="large" isProvisional={isProvisional} />
        <div className={styles.facts}>
          <span>{t("verdict.on", { date: formatDate(verdict.study_date, locale), day: verdict.day })}</span>
          <span className={styles.quiet}>
            {isProvisional ? t("verdict.provisional") : t("verdict.computed")}
            {probabilityWords(insight, verdict.overall_response, t)}
          </span>
        </div>
        <Said override={assessment.overrides[0]} />
      </div>
      <p className={styles.clause}>
        <span className={styles.rule}>{verdict.clause.rule_id}</span>
        {verdict.clause.sentence}
      </p>
      <Numbers verdict={verdict} insight={insight} />
      <p className={styles.quiet}>{courseWords(assessment, t)}</p>
      {isProvisional ? (
        <ul className={`${styles.caution ?? ""} ${styles.list ?? ""}`} aria-label={t("verdict.provisional")}>
          {assessment.questions.map((question) => (
            <li key={question}>{question}</li>
          ))}
        </ul>
      ) : null}
    </>
  );
}

interface JudgedProps extends LatestProps {
  readonly tracking: Tracking;
  readonly canEdit: boolean;
}

function Judged({ assessment, insight, tracking, canEdit }: JudgedProps) {
  const t = useTranslate();
  const [isOverriding, setIsOverriding] = useState(false);
  return (
    <>
      <Latest assessment={assessment} insight={insight} />
      <VerdictDetails assessment={assessment} insight={insight} tracking={tracking} />
      {canEdit && !isOverriding ? (
        <div className={styles.row}>
          <Button size="small" onPress={() => setIsOverriding(true)}>
            {t("verdict.override")}
          </Button>
        </div>
      ) : null}
      {isOverriding ? (
        <OverrideForm patientId={tracking.patient_id} assessment={assessment} onEnd={() => setIsOverriding(false)} />
      ) : null}
    </>
  );
}

/** What the criterion says, by which rule, on which numbers, how sure, and what a reader says instead. */
export function VerdictPanel(props: VerdictPanelProps) {
  const { tracking, criterion, onCriterion, assessment, error, insight, onWish, canEdit } = props;
  const t = useTranslate();
  const isPlanned = tracking.plan.criterion === criterion;
  const choices = tracking.plan.computable.map((each) => ({ value: each as Criterion, label: nameOfCriterion(each) }));
  const problem = error instanceof ApiProblem ? error : undefined;
  return (
    <section className={styles.panel} aria-labelledby="verdict-title">
      <div className={styles.head}>
        <h2 id="verdict-title">{t("verdict.title")}</h2>
        <Select
          label={t("verdict.criterion")}
          labelPlace="hidden"
          choices={choices}
          value={criterion}
          onChange={onCriterion}
        />
      </div>
      {canEdit && !isPlanned ? (
        <Button
          size="small"
          onPress={() => onWish({ act: "plan", patientId: tracking.patient_id, body: { criterion } })}
        >
          {t("verdict.follow_by")}
        </Button>
      ) : null}
      {problem ? <p className={styles.caution}>{problem.sentence}</p> : null}
      {!problem && !assessment ? <LoadingState label={t("verdict.loading")} /> : null}
      {!problem && assessment ? (
        <Judged assessment={assessment} insight={insight} tracking={tracking} canEdit={canEdit} />
      ) : null}
    </section>
  );
}
