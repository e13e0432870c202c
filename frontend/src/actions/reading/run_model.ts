import { canRun } from "./run_state";
import type { ReadingAct } from "./reading_act";

/** Run the chosen model on this series. */
export const runModelAct: ReadingAct = {
  name: "run_model",
  label: "reading.run_model",
  key: "Control+Enter",
  can: ({ state }) => canRun(state),
  run: (session) => session.jobs.run(),
};
