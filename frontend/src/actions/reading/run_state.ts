import type { ReadingState } from "../../state/reading";
import type { Job, Model } from "../../state/records";

export function isRunning(job: Job | null): boolean {
  return job?.state === "queued" || job?.state === "running";
}

export function chosenModel(state: ReadingState): Model | undefined {
  return state.models?.find((model) => model.name === state.chosenModel);
}

/** Whether the chosen model can be asked to run: it suits the series, and all it needs has been entered. */
export function canRun(state: ReadingState): boolean {
  const model = chosenModel(state);
  if (!model?.is_applicable || !state.canEdit || state.isOutdated || isRunning(state.job)) return false;
  return model.parameters.every((parameter) => state.parameters[parameter.name] !== undefined);
}
