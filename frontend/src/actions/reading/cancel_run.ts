import { isRunning } from "./run_state";
import type { ReadingAct } from "./reading_act";

/** Stop the run after the window it is at. */
export const cancelRunAct: ReadingAct = {
  name: "cancel_run",
  label: "reading.cancel_run",
  key: "Control+Backspace",
  can: ({ state }) => isRunning(state.job) && state.job?.is_cancel_requested !== true,
  run: (session) => session.jobs.cancel(),
};
