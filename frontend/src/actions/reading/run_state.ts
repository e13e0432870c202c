import type { ReadingState } from "../../state/reading";
import type { Job, Model } from "../../state/records";

export function isRunning(job: Job | null): boolean {
  return job?.state === "queued" || job?.state === "running";
}

export function chosenModel(state: ReadingState): Model | undefined {
  return state.models?.find((model) => model.name === state.chosenModel);
}

/** The series that a channel of the chosen model would be read from: the reader's choice, or what its header says. */
export function inputOf(state: ReadingState, channel: string): string | null {
  const found = state.modelInputs?.inputs.find((input) => input.channel === channel);
  return state.chosenInputs[channel] ?? found?.series_id ?? null;
}

/** Whether one series stands for several channels. */
export function isInputRepeated(state: ReadingState): boolean {
  const series = (state.modelInputs?.inputs ?? []).map((input) => inputOf(state, input.channel)).filter(Boolean);
  return new Set(series).size < series.length;
}

/** Whether there is a series of its own for each channel. */
function hasInputs(state: ReadingState): boolean {
  const { modelInputs } = state;
  if (!modelInputs || isInputRepeated(state)) return false;
  return modelInputs.inputs.every((input) => inputOf(state, input.channel) !== null);
}

/** Whether the chosen model can be asked to run: it suits the series, and all it needs has been entered. */
export function canRun(state: ReadingState): boolean {
  const model = chosenModel(state);
  if (!model?.is_applicable || !state.canEdit || state.isOutdated || isRunning(state.job)) return false;
  const isEntered = model.parameters.every((parameter) => state.parameters[parameter.name] !== undefined);
  return isEntered && (model.channels.length === 0 || hasInputs(state));
}
