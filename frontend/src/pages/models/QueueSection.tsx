import { Link } from "react-router";

import { type QueuedJob, type QueueView, useQueue } from "../../api/routing";
import { formatMoment, formatSince } from "../../lib/dates";
import { type Translate, useLocale, useTranslate } from "../../lib/messages";
import { formatPersonName } from "../../lib/patient_name";
import { useNow } from "../../lib/use_now";
import { Badge } from "../../ui/Badge";
import { ErrorState, LoadingState } from "../../ui/States";
import { durationText } from "./figures";
import styles from "./Models.module.css";

const RENEW_MS = 15_000;

function placeOf({ state, position, job }: QueuedJob, t: Translate): string {
  if (state !== "running") return position === null ? "" : String(position);
  if (!job || job.windows_total === 0) return t("queue.runs");
  return t("queue.done", { done: job.windows_done, total: job.windows_total });
}

function askedBy({ job }: QueuedJob, t: Translate): string {
  if (!job) return "";
  return job.requested_by ?? (job.rule_title ? t("queue.by_rule", { title: job.rule_title }) : "");
}

function Images({ queued }: { readonly queued: QueuedJob }) {
  const t = useTranslate();
  const { job, patient, series_description } = queued;
  if (!job || !patient) return <span className="quiet">{t("queue.other_team")}</span>;
  return (
    <>
      <Link to={`/studies/${job.study_id}`}>{formatPersonName(patient.patient_name) || t("patient.unnamed")}</Link>{" "}
      <span className="quiet">{series_description}</span>
    </>
  );
}

function JobRow({ queued, now }: { readonly queued: QueuedJob; readonly now: number }) {
  const t = useTranslate();
  const locale = useLocale();
  const since = queued.started_at ?? queued.queued_at;
  return (
    <tr>
      <td>{placeOf(queued, t)}</td>
      <td>
        <Images queued={queued} />
      </td>
      <td>{queued.job?.model_title ?? ""}</td>
      <td title={askedBy(queued, t)}>{askedBy(queued, t)}</td>
      <td>
        <Badge tone={queued.is_awaited ? "accent" : "quiet"}>
          {t(queued.is_awaited ? "queue.awaited" : "queue.in_advance")}
        </Badge>
      </td>
      <td title={since ? formatMoment(since, locale) : ""}>{since ? formatSince(since, now, locale) : ""}</td>
    </tr>
  );
}

interface OneQueueProps {
  readonly queue: QueueView["queues"][number];
  readonly now: number;
}

function OneQueue({ queue, now }: OneQueueProps) {
  const t = useTranslate();
  const title = queue.queue === "gpu" ? t("queue.gpu") : t("queue.cpu");
  const jobs = [...queue.running, ...queue.waiting];
  return (
    <section className={styles.imports} aria-label={title}>
      <h2>{title}</h2>
      {jobs.length === 0 ? (
        <p className={styles.hint}>{t("queue.empty")}</p>
      ) : (
        <table className={styles.table} aria-label={title}>
          <thead>
            <tr>
              <th style={{ width: 96 }}>{t("queue.place")}</th>
              <th>{t("queue.images")}</th>
              <th>{t("queue.model")}</th>
              <th>{t("queue.asked")}</th>
              <th style={{ width: 120 }} aria-hidden />
              <th style={{ width: 104 }}>{t("queue.waiting_for")}</th>
            </tr>
          </thead>
          <tbody>
            {jobs.map((queued, index) => (
              <JobRow key={queued.job?.id ?? `other ${String(index)}`} queued={queued} now={now} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Workers({ workers, now }: { readonly workers: QueueView["workers"]; readonly now: number }) {
  const t = useTranslate();
  const locale = useLocale();
  return (
    <section className={styles.imports} aria-label={t("queue.workers")}>
      <h2>{t("queue.workers")}</h2>
      {workers.length === 0 ? (
        <p className={styles.hint}>{t("queue.no_workers")}</p>
      ) : (
        <table className={styles.table} aria-label={t("queue.workers")}>
          <thead>
            <tr>
              <th>{t("queue.worker")}</th>
              <th style={{ width: 160 }}>{t("queue.tab")}</th>
              <th>{t("queue.device")}</th>
              <th style={{ width: 96 }} aria-hidden />
              <th style={{ width: 104 }}>{t("queue.seen")}</th>
            </tr>
          </thead>
          <tbody>
            {workers.map((worker) => (
              <tr key={worker.name}>
                <td title={worker.name}>{worker.name}</td>
                <td>{worker.queue === "gpu" ? t("queue.gpu") : t("queue.cpu")}</td>
                <td>{worker.device || <span className="quiet">{t("queue.device_unknown")}</span>}</td>
                <td>{t(worker.is_running ? "queue.busy" : "queue.idle")}</td>
                <td title={formatMoment(worker.last_seen_at, locale)}>
                  {formatSince(worker.last_seen_at, now, locale)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Durations({ durations }: { readonly durations: QueueView["durations"] }) {
  const t = useTranslate();
  const locale = useLocale();
  return (
    <section className={styles.imports} aria-label={t("queue.durations")}>
      <h2>{t("queue.durations")}</h2>
      {durations.length === 0 ? (
        <p className={styles.hint}>{t("queue.no_durations")}</p>
      ) : (
        <table className={styles.table} aria-label={t("queue.durations")}>
          <thead>
            <tr>
              <th>{t("queue.model")}</th>
              <th className={styles.number} style={{ width: 120 }}>
                {t("models.column_median")}
              </th>
              <th className={styles.number} style={{ width: 140 }}>
                {t("queue.duration_runs")}
              </th>
            </tr>
          </thead>
          <tbody>
            {durations.map((duration) => (
              <tr key={duration.model_name}>
                <td>{duration.model_title}</td>
                <td className={styles.number}>{durationText(duration.median_s, t, locale)}</td>
                <td className={styles.number}>{duration.run_count.toLocaleString(locale)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** Who works, what runs, what waits in which order. */
export function QueueSection() {
  const t = useTranslate();
  const answer = useQueue();
  const now = useNow(RENEW_MS);
  if (answer.isPending) return <LoadingState />;
  if (!answer.data) return <ErrorState error={answer.error} onRetry={() => void answer.refetch()} />;
  const { workers, queues, durations } = answer.data;
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- keyboard users scroll it
    <div className={styles.scroller} tabIndex={0} role="group" aria-label={t("queue.tab")}>
      {queues.map((queue) => (
        <OneQueue key={queue.queue} queue={queue} now={now} />
      ))}
      <Workers workers={workers} now={now} />
      <Durations durations={durations} />
    </div>
  );
}
