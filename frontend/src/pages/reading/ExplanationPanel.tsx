import { CircleHelp, Square } from "lucide-react";
import { useEffect, useRef } from "react";

import { explainLesionAct } from "../../actions/reading/explain_lesion";
import { jobOf } from "../../actions/reading/heat_desk";
import { perform } from "../../actions/reading/reading_acts";
import { isRunning } from "../../actions/reading/run_state";
import { useTranslate, type PlainMessageKey, type Translate } from "../../lib/messages";
import type { ReadingState } from "../../state/reading";
import type { Explanation, ExplanationMethod, Job } from "../../state/records";
import { Button } from "../../ui/Button";
import { ProgressLine } from "../../ui/ProgressLine";
import { Select } from "../../ui/Select";
import { sentenceOf } from "../../ui/States";
import styles from "./ExplanationPanel.module.css";
import { useReadingSession } from "./session_context";

const METHODS: readonly (readonly [ExplanationMethod, PlainMessageKey])[] = [
  ["occlusion", "explanation.method_occlusion"],
  ["integrated_gradients", "explanation.method_integrated_gradients"],
  ["grad_cam_deepest", "explanation.method_grad_cam_deepest"],
  ["grad_cam_decoder", "explanation.method_grad_cam_decoder"],
  ["channel_ablation", "explanation.method_channel_ablation"],
];

/** Why a lesion was marked: how to ask, where the question stands, and what came out. */
export function ExplanationPanel({ state }: { readonly state: ReadingState }) {
  const t = useTranslate();
  const session = useReadingSession();
  const { explanation, explanationError } = state;
  const panel = useComesIntoView(state);
  if (jobOf(state) === undefined || (!state.canEdit && !explanation)) return null;
  const isBusy = isRunning(explanation);
  return (
    <section ref={panel} className={styles.why} aria-label={t("explanation.title")}>
      {state.canEdit ? (
        <>
          <Select
            label={t("explanation.method")}
            choices={METHODS.map(([value, label]) => ({ value, label: t(label as "explanation.method") }))}
            value={state.explanationMethod}
            onChange={(explanationMethod) => session.set({ explanationMethod })}
            isDisabled={isBusy}
          />
          <Button
            icon={CircleHelp}
            isDisabled={!explainLesionAct.can(session)}
            onPress={() => perform(explainLesionAct, session)}
          >
            {questionOf(state, t)}
          </Button>
        </>
      ) : null}
      {explanationError ? <p role="alert">{sentenceOf(explanationError, t)}</p> : null}
      {explanation?.explanation ? (
        <Answer job={explanation} asked={explanation.explanation} canStop={isBusy && state.canEdit} />
      ) : null}
    </section>
  );
}

/** The panel, brought into view by what was asked: with a key that may be while it is below the fold. */
function useComesIntoView({ explanation, explanationError, explanationsAsked }: ReadingState) {
  const panel = useRef<HTMLElement>(null);
  const standing = explanationError ? "refused" : explanation?.state;
  useEffect(() => {
    if (explanationsAsked > 0) panel.current?.scrollIntoView({ block: "nearest" });
  }, [explanationsAsked, standing]);
  return panel;
}

function questionOf({ segments, activeSegment, chosenLesion }: ReadingState, t: Translate): string {
  const number = chosenLesion?.segment ?? activeSegment;
  const segment = segments.find((each) => each.number === number)?.label ?? "";
  return chosenLesion
    ? t("explanation.ask_lesion", { lesion: chosenLesion.number, segment })
    : t("explanation.ask_segment", { segment });
}

interface AnswerProps {
  readonly job: Job;
  readonly asked: Explanation;
  readonly canStop: boolean;
}

function Answer({ job, asked, canStop }: AnswerProps) {
  const t = useTranslate();
  const session = useReadingSession();
  const method = METHODS.find(([value]) => value === asked.method)?.[1] ?? "explanation.title";
  return (
    <>
      <p className={styles.quiet}>
        {asked.lesion_number === null
          ? t("explanation.of_segment", { segment: asked.segment_number })
          : t("explanation.of_lesion", { lesion: asked.lesion_number, segment: asked.segment_number })}
        , {t(method as "explanation.title")}
      </p>
      {isRunning(job) ? <Progress job={job} /> : null}
      {canStop ? (
        <Button icon={Square} isDisabled={job.is_cancel_requested} onPress={() => void session.explanations.cancel()}>
          {t("explanation.cancel")}
        </Button>
      ) : null}
      {job.state === "failed" ? <p role="alert">{job.failure}</p> : null}
      {job.state === "cancelled" ? <p className={styles.quiet}>{t("explanation.cancelled")}</p> : null}
      {job.state === "succeeded" && asked.score !== null ? (
        <p>{t("explanation.score", { score: asked.score.toFixed(1) })}</p>
      ) : null}
      <Effects asked={asked} />
      {job.notes.map((note) => (
        <p key={note} className={styles.quiet}>
          {note}
        </p>
      ))}
      <MapSwitch job={job} />
    </>
  );
}

/** Says on, where the map is not what lies over the images. */
function MapSwitch({ job }: { readonly job: Job }) {
  const t = useTranslate();
  const session = useReadingSession();
  const { heat, heatStyle } = session.state;
  const isOn = heatStyle.isShown && heat.kind !== "nothing" && heat.map.id === job.maps[0]?.id;
  if (job.maps.length === 0 || isOn) return null;
  return <Button onPress={() => session.explanations.show(true)}>{t("explanation.show")}</Button>;
}

function Progress({ job }: { readonly job: Job }) {
  const t = useTranslate();
  const share = job.windows_total > 0 ? { share: job.windows_done / job.windows_total } : {};
  return (
    <>
      <ProgressLine label={t("explanation.progress")} {...share} />
      <p role="status" className={styles.quiet}>
        {standingOf(job, t)}
      </p>
    </>
  );
}

function standingOf(job: Job, t: Translate): string {
  if (job.is_cancel_requested) return t("explanation.cancelling");
  if (job.state === "queued")
    return job.queue_position === null
      ? t("explanation.queued")
      : t("explanation.queue_position", { position: job.queue_position });
  if (job.windows_total === 0) return t("explanation.preparing");
  const counts = { done: job.windows_done, total: job.windows_total };
  return job.seconds_left === null
    ? t("explanation.passes", counts)
    : t("explanation.passes_left", { ...counts, seconds: Math.max(1, Math.round(job.seconds_left)) });
}

/** The fall of the answer without each image, as a bar against the largest fall. */
function Effects({ asked }: { readonly asked: Explanation }) {
  const t = useTranslate();
  if (asked.effects.length === 0) return null;
  const largest = Math.max(...asked.effects.map((effect) => Math.abs(effect.score_fall)), Number.EPSILON);
  return (
    <>
      <ul className={styles.effects} aria-label={t("explanation.effects")}>
        {asked.effects.map((effect) => (
          <li key={effect.channel}>
            {t("explanation.effect", {
              channel: effect.channel,
              fall: (-effect.score_fall).toFixed(1),
              kept: `${(100 * effect.kept_share).toFixed(0)} %`,
            })}
            <div className={styles.bar} aria-hidden>
              <div
                data-against={effect.score_fall < 0 || undefined}
                style={{ width: `${String((100 * Math.abs(effect.score_fall)) / largest)}%` }}
              />
            </div>
          </li>
        ))}
      </ul>
      <p className={styles.quiet}>{t("explanation.caution")}</p>
    </>
  );
}
