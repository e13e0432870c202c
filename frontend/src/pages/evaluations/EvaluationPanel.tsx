import { Download } from "lucide-react";
import { useEffect } from "react";
import { Link } from "react-router";

import {
  type EvaluationDetail,
  fileUrl,
  isUnderWay,
  refetchEvaluation,
  takeStatus,
  useCancellation,
  useEvaluation,
} from "../../api/evaluations";
import { formatMoment } from "../../lib/dates";
import { useLocale, useTranslate } from "../../lib/messages";
import { listenToEvaluation } from "../../live/evaluation_events";
import { Button } from "../../ui/Button";
import { notify } from "../../ui/notice_queue";
import { ProgressLine } from "../../ui/ProgressLine";
import { ErrorState, LoadingState, sentenceOf } from "../../ui/States";
import { durationText } from "../models/figures";
import { EvaluationReport } from "./EvaluationReport";
import { numberText } from "./figures";
import styles from "./Evaluations.module.css";

/** Follows an evaluation while it is under way. */
function useLive(id: string, isLive: boolean): void {
  useEffect(() => {
    if (!isLive) return;
    const socket = listenToEvaluation(id, { onStatus: takeStatus, onOpen: () => refetchEvaluation(id) });
    return () => socket.close();
  }, [id, isLive]);
}

function Progress({ found }: { readonly found: EvaluationDetail }) {
  const t = useTranslate();
  const locale = useLocale();
  const cancellation = useCancellation((error) => notify(sentenceOf(error, t), "danger"));
  const ofCase = found.windows_total > 0 ? found.windows_done / found.windows_total : 0;
  const share = found.cases_total > 0 ? Math.min(1, (found.cases_done + ofCase) / found.cases_total) : 0;
  const isWaiting = found.state === "queued";
  const words = isWaiting
    ? t("evaluations.state_queued")
    : t("evaluations.progress", { done: found.cases_done, total: found.cases_total });
  const left =
    found.seconds_left === null ? "" : t("evaluations.left", { time: durationText(found.seconds_left, t, locale) });
  const isStopping = found.is_cancel_requested || cancellation.isPending;
  return (
    <div className={styles.progress}>
      <p role="status">{isWaiting ? `${words}. ${t("evaluations.queued_hint")}` : `${words} ${left}`}</p>
      <ProgressLine label={words} {...(isWaiting ? {} : { share })} />
      <Button isDisabled={isStopping} onPress={() => cancellation.mutate(found.id)}>
        {t(isStopping ? "evaluations.cancelling" : "evaluations.cancel")}
      </Button>
    </div>
  );
}

function Downloads({ id }: { readonly id: string }) {
  const t = useTranslate();
  const files = [
    ["evaluation.html", t("evaluations.save_page")],
    ["cases.csv", t("evaluations.save_cases")],
    ["evaluation.json", t("evaluations.save_json")],
  ] as const;
  return (
    <ul className={styles.downloads}>
      {files.map(([name, label]) => (
        <li key={name}>
          <a href={fileUrl(id, name)} download>
            <Download size={14} aria-hidden /> {label}
          </a>
        </li>
      ))}
    </ul>
  );
}

function Asked({ found }: { readonly found: EvaluationDetail }) {
  const t = useTranslate();
  const locale = useLocale();
  const when = formatMoment(found.created_at, locale);
  const source = found.cases_from === "archive" ? t("evaluations.from_archive") : found.file_name;
  const least =
    found.least_dice === null ? "" : t("evaluations.asked_least", { dice: numberText(found.least_dice, locale, 2) });
  return (
    <p className={styles.quiet}>
      {t("evaluations.asked_by", { who: found.requested_by, when, team: found.team_name })} {source}. {least}
    </p>
  );
}

function Outcome({ found }: { readonly found: EvaluationDetail }) {
  const t = useTranslate();
  if (isUnderWay(found)) return <Progress found={found} />;
  if (found.state === "refused")
    return (
      <div role="alert" className={styles.refusal}>
        <p>
          <strong>{t("evaluations.state_refused")}.</strong> {found.failure}
        </p>
        <p className={styles.code}>{found.failure_code}</p>
        <p className={styles.quiet}>{t("evaluations.layout")}</p>
      </div>
    );
  if (!found.report) return <p>{t("evaluations.cancelled_hint")}</p>;
  return <EvaluationReport found={found} report={found.report} />;
}

/** One evaluation: what was asked, how far it is, what was found. */
export function EvaluationPanel({ id }: { readonly id: string }) {
  const t = useTranslate();
  const answer = useEvaluation(id);
  const found = answer.data;
  useLive(id, found !== undefined && isUnderWay(found));
  if (answer.isError && !found)
    return (
      <div className={styles.detail}>
        <ErrorState error={answer.error} onRetry={() => void answer.refetch()} />
      </div>
    );
  if (!found)
    return (
      <div className={styles.detail}>
        <LoadingState />
      </div>
    );
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- keyboard users scroll it
    <section className={styles.detail} tabIndex={0} aria-label={t("evaluations.one", { model: found.model_name })}>
      <div className={styles.detailHead}>
        <h2>
          <Link to={`/models?model=${encodeURIComponent(found.model_name)}`}>{found.model_name}</Link>{" "}
          {found.model_version}
        </h2>
        {found.report ? <Downloads id={id} /> : null}
      </div>
      <Asked found={found} />
      <Outcome found={found} />
    </section>
  );
}
