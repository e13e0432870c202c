import { useTranslate, type Translate } from "../../lib/messages";
import type { Job, Segmentation } from "../../state/records";
import { ProgressLine } from "../../ui/ProgressLine";
import { GateNotice } from "./GateNotice";
import styles from "./SidePanel.module.css";

interface JobCardProps {
  readonly job: Job;
  /** What came of it, once that is known. */
  readonly segmentation: Segmentation | undefined;
  readonly isOffline: boolean;
}

/** Where a run stands, in words and as one line. */
export function JobCard({ job, segmentation, isOffline }: JobCardProps) {
  const t = useTranslate();
  const isActive = job.state === "queued" || job.state === "running";
  const tone = job.state === "failed" ? "failed" : job.state === "succeeded" ? "done" : "running";
  return (
    <section className={styles.job} data-state={job.state} aria-label={t("reading.run_of", { model: job.model_title })}>
      <h2>
        {job.model_title} <span className={styles.version}>{job.model_version}</span>
      </h2>
      <p role="status">{stateText(job, t)}</p>
      <ByRule title={job.rule_title} />
      {isActive || job.state === "succeeded" ? (
        <ProgressLine label={t("reading.progress")} tone={tone} {...shareOf(job)} />
      ) : null}
      {isActive ? <p className={styles.quietLine}>{isOffline ? t("reading.run_goes_on") : detail(job, t)}</p> : null}
      <JobImages job={job} />
      <GateNotice gate={job.gate} segmentation={segmentation} />
      {job.notes.map((note) => (
        <p key={note} className={styles.quietLine}>
          {note}
        </p>
      ))}
      {job.state === "failed" && job.failure ? <p className={styles.problem}>{job.failure}</p> : null}
    </section>
  );
}

/** The series that were read together, and how each came onto the open one's grid. */
function JobImages({ job }: { readonly job: Job }) {
  if (job.inputs.length === 0) return null;
  return (
    <dl className={styles.jobImages}>
      {job.inputs.map((input) => (
        <div key={input.channel}>
          <dt>{input.channel}</dt>
          <dd>{[input.words, input.note, input.alignment].filter(Boolean).join(". ")}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Who asked for a run that no person asked for. */
function ByRule({ title }: { readonly title: string | null }) {
  const t = useTranslate();
  return title ? <p className={styles.quietLine}>{t("queue.by_rule", { title })}</p> : null;
}

function shareOf(job: Job): { share?: number } {
  if (job.state === "succeeded") return { share: 1 };
  return job.windows_total > 0 && job.state === "running" ? { share: job.windows_done / job.windows_total } : {};
}

function stateText(job: Job, t: Translate): string {
  if (job.is_cancel_requested && job.state !== "cancelled") return t("reading.job_cancelling");
  switch (job.state) {
    case "queued":
      return job.queue_position === null
        ? t("reading.job_queued")
        : t("reading.job_queue_position", { position: job.queue_position });
    case "running":
      return stageText(job.stage, t);
    case "succeeded":
      return t("reading.job_succeeded");
    case "cancelled":
      return t("reading.job_cancelled");
    default:
      return t("reading.job_failed");
  }
}

function stageText(stage: string, t: Translate): string {
  switch (stage) {
    case "loading":
      return t("reading.stage_loading");
    case "aligning":
      return t("reading.stage_aligning");
    case "loading_model":
      return t("reading.stage_loading_model");
    case "segmenting":
      return t("reading.stage_segmenting");
    case "storing":
      return t("reading.stage_storing");
    default:
      return t("reading.stage_preparing");
  }
}

function detail(job: Job, t: Translate): string {
  if (job.state !== "running") return "";
  const parts: string[] = [];
  if (job.windows_total > 0)
    parts.push(t("reading.windows_done", { done: job.windows_done, total: job.windows_total }));
  if (job.seconds_left !== null) parts.push(timeLeft(job.seconds_left, t));
  if (job.attempt > 1) parts.push(t("reading.attempt", { attempt: job.attempt }));
  return parts.join(" · ");
}

function timeLeft(seconds: number, t: Translate): string {
  if (seconds < 90) return t("reading.seconds_left", { seconds: Math.max(1, Math.round(seconds)) });
  return t("reading.minutes_left", { minutes: Math.round(seconds / 60) });
}
