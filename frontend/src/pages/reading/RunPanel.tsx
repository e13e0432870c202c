import { Eye, MapPin, Play, RotateCw, Square } from "lucide-react";
import { useEffect, useState } from "react";

import { cancelRunAct } from "../../actions/reading/cancel_run";
import { pickPoint } from "../../actions/reading/pick_point";
import { perform } from "../../actions/reading/reading_acts";
import type { ReadingSession } from "../../actions/reading/session";
import { retryRunAct } from "../../actions/reading/retry_run";
import { runModelAct } from "../../actions/reading/run_model";
import { chosenModel, isRunning } from "../../actions/reading/run_state";
import { watchRunAct } from "../../actions/reading/watch_run";
import { useTranslate } from "../../lib/messages";
import { connectionOf, resultOf } from "../../state/reading";
import type { Job, Model, ModelParameter } from "../../state/records";
import { Button } from "../../ui/Button";
import { Markdown } from "../../ui/Markdown";
import { Select } from "../../ui/Select";
import { EmptyState, ErrorState, LoadingState, sentenceOf } from "../../ui/States";
import { NumberField } from "../../ui/TextField";
import { JobCard } from "./JobCard";
import { ModelEvidence } from "./ModelEvidence";
import { ModelImages } from "./ModelImages";
import { RoutingReasons } from "./RoutingReasons";
import { shortcutOf } from "./key_caps";
import styles from "./SidePanel.module.css";
import { useReadingSession, useReadingState } from "./session_context";

/** Choose a model, see what it can and cannot do, run it, watch it. */
export function RunPanel() {
  const t = useTranslate();
  const session = useReadingSession();
  const { models, modelsError, canEdit } = useReadingState();
  useEffect(() => {
    if (!session.state.models) void session.jobs.readModels();
  }, [session]);
  if (modelsError) return <ErrorState error={modelsError} onRetry={() => void session.jobs.readModels()} />;
  if (!models) return <LoadingState label={t("reading.loading_models")} />;
  if (models.length === 0) return <EmptyState title={t("reading.no_models_title")} sentence={t("reading.no_models")} />;
  return (
    <>
      <RunForm models={models} />
      {canEdit ? null : <p className={styles.note}>{t("reading.may_not_run")}</p>}
      <RoutingReasons seriesId={session.seriesId} modality={modalityOf(session)} />
    </>
  );
}

function modalityOf({ study, seriesId }: ReadingSession): string {
  return study.series.find(({ id }) => id === seriesId)?.modality ?? "";
}

function RunForm({ models }: { readonly models: readonly Model[] }) {
  const t = useTranslate();
  const session = useReadingSession();
  const state = useReadingState();
  const model = chosenModel(state);
  const { job } = state;
  return (
    <>
      {job ? <JobCard job={job} segmentation={resultOf(state)} isOffline={connectionOf(state) === "waiting"} /> : null}
      <Select
        label={t("reading.model")}
        choices={models.map((one) => ({ value: one.name, label: one.title }))}
        value={state.chosenModel ?? ""}
        onChange={(name) => session.store.dispatch({ type: "model.chosen", name })}
        isDisabled={isRunning(job)}
      />
      {model ? <ModelFacts model={model} /> : null}
      {model?.is_applicable && model.channels.length > 0 ? <ModelImages key={model.name} /> : null}
      {model?.is_applicable ? <Parameters model={model} /> : null}
      {state.jobError ? (
        <p className={styles.problem} role="alert">
          {sentenceOf(state.jobError, t)}
        </p>
      ) : null}
      <RunActs job={job} />
    </>
  );
}

function RunActs({ job }: { readonly job: Job | null }) {
  const t = useTranslate();
  const session = useReadingSession();
  if (isRunning(job))
    return (
      <div className={styles.acts}>
        <Button
          icon={Square}
          shortcut={shortcutOf(cancelRunAct.key) ?? ""}
          isDisabled={!cancelRunAct.can(session)}
          onPress={() => perform(cancelRunAct, session)}
        >
          {t(job?.is_cancel_requested ? "reading.cancelling" : "reading.cancel_run")}
        </Button>
        {watchRunAct.can(session) ? (
          <Button icon={Eye} onPress={() => perform(watchRunAct, session)}>
            {t("reading.watch_run")}
          </Button>
        ) : null}
      </div>
    );
  return (
    <div className={styles.acts}>
      <Button
        variant="primary"
        icon={Play}
        shortcut={shortcutOf(runModelAct.key) ?? ""}
        isDisabled={!runModelAct.can(session)}
        onPress={() => perform(runModelAct, session)}
      >
        {t("reading.run_model")}
      </Button>
      {retryRunAct.can(session) ? (
        <Button icon={RotateCw} onPress={() => perform(retryRunAct, session)}>
          {t("reading.retry_run")}
        </Button>
      ) : null}
    </div>
  );
}

function ModelFacts({ model }: { readonly model: Model }) {
  const t = useTranslate();
  const [isOpen, setOpen] = useState(false);
  return (
    <div className={styles.facts}>
      <p>{model.summary}</p>
      {model.is_applicable ? null : <p className={styles.problem}>{model.reason}</p>}
      {model.limits ? (
        <p className={styles.limits}>
          <strong>{t("reading.limits")}</strong> {model.limits}
        </p>
      ) : null}
      {model.card ? (
        <details className={styles.card} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
          <summary>{t("reading.model_card", { version: model.version })}</summary>
          {isOpen ? <ModelEvidence key={model.name} name={model.name} /> : null}
          <Markdown text={model.card} />
        </details>
      ) : null}
    </div>
  );
}

function Parameters({ model }: { readonly model: Model }) {
  return (
    <>
      {model.parameters.map((parameter) =>
        parameter.kind === "point" ? (
          <PointParameter key={parameter.name} parameter={parameter} />
        ) : (
          <NumberParameter key={parameter.name} parameter={parameter} />
        ),
      )}
    </>
  );
}

function NumberParameter({ parameter }: { readonly parameter: ModelParameter }) {
  const session = useReadingSession();
  const { parameters } = useReadingState();
  const value = parameters[parameter.name];
  const label = parameter.unit ? `${parameter.label}, ${parameter.unit}` : parameter.label;
  return (
    <NumberField
      label={label}
      value={typeof value === "number" ? value : NaN}
      {...(parameter.minimum === null ? {} : { minValue: parameter.minimum })}
      {...(parameter.maximum === null ? {} : { maxValue: parameter.maximum })}
      formatOptions={{ maximumFractionDigits: parameter.kind === "integer" ? 0 : 4, useGrouping: false }}
      onChange={(entered) =>
        session.store.dispatch({
          type: "parameter.set",
          name: parameter.name,
          value: Number.isNaN(entered) ? undefined : entered,
        })
      }
    />
  );
}

function PointParameter({ parameter }: { readonly parameter: ModelParameter }) {
  const t = useTranslate();
  const session = useReadingSession();
  const { parameters, picking } = useReadingState();
  const value = parameters[parameter.name];
  const point = Array.isArray(value) ? (value as readonly number[]) : undefined;
  const isPicking = picking === parameter.name;
  return (
    <div className={styles.point}>
      <span className={styles.pointLabel}>{parameter.label}</span>
      <Button
        icon={MapPin}
        variant={isPicking ? "primary" : "plain"}
        onPress={() => pickPoint(session, parameter.name)}
      >
        {t(isPicking ? "reading.picking" : point ? "reading.pick_again" : "reading.pick_point")}
      </Button>
      <span className={styles.pointValue}>
        {point
          ? t("reading.point_at", { slice: (point[0] ?? 0) + 1, row: (point[1] ?? 0) + 1, column: (point[2] ?? 0) + 1 })
          : t("reading.no_point")}
      </span>
    </div>
  );
}
