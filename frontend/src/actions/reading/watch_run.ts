import type { ReadingAct } from "./reading_act";
import { isRunning } from "./run_state";

/** Back from another label map to the one that is being computed. */
export const watchRunAct: ReadingAct = {
  name: "watch_run",
  label: "reading.watch_run",
  can: ({ state }) => isRunning(state.job) && state.shown.kind !== "live",
  run: (session) => {
    session.jobs.lookBack();
  },
};
