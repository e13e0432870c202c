import { useEffect } from "react";

import { inputOf, isInputRepeated, isRunning } from "../../actions/reading/run_state";
import { useTranslate } from "../../lib/messages";
import type { ModelInputs } from "../../state/records";
import { Select } from "../../ui/Select";
import { ErrorState, LoadingState } from "../../ui/States";
import styles from "./SidePanel.module.css";
import { useReadingSession, useReadingState } from "./session_context";

/** The series that a model would read together: found by their headers, to be changed by hand. */
export function ModelImages() {
  const t = useTranslate();
  const session = useReadingSession();
  const state = useReadingState();
  const { modelInputs, modelInputsError } = state;
  const isRepeated = isInputRepeated(state);
  useEffect(() => {
    if (!session.state.modelInputs) void session.jobs.readInputs();
  }, [session]);
  if (modelInputsError) return <ErrorState error={modelInputsError} onRetry={() => void session.jobs.readInputs()} />;
  if (!modelInputs) return <LoadingState label={t("reading.loading_inputs")} />;
  return (
    <fieldset className={styles.images}>
      <legend>{t("reading.inputs")}</legend>
      {modelInputs.inputs.map((input) => (
        <ChannelSelect key={input.channel} input={input} choices={modelInputs.choices} />
      ))}
      {isRepeated ? (
        <p className={styles.problem} role="alert">
          {t("reading.input_repeated")}
        </p>
      ) : null}
    </fieldset>
  );
}

interface ChannelSelectProps {
  readonly input: ModelInputs["inputs"][number];
  readonly choices: ModelInputs["choices"];
}

function ChannelSelect({ input, choices }: ChannelSelectProps) {
  const t = useTranslate();
  const session = useReadingSession();
  const state = useReadingState();
  const isChosen = state.chosenInputs[input.channel] !== undefined;
  return (
    <div>
      <Select
        label={input.channel}
        choices={choices.map((choice) => ({ value: choice.series_id, label: choice.words }))}
        value={inputOf(state, input.channel) ?? ""}
        onChange={(seriesId) => {
          session.store.dispatch({ type: "input.chosen", channel: input.channel, seriesId });
        }}
        placeholder={t("reading.choose_series")}
        isDisabled={isRunning(state.job)}
      />
      {input.note && !isChosen ? (
        <p className={input.series_id ? styles.limits : styles.problem}>{input.note}</p>
      ) : null}
    </div>
  );
}
