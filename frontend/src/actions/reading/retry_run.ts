import type { ReadingAct } from "./reading_act";

/** Run again what failed, as it was asked for; what was cancelled is simply run anew. */
export const retryRunAct: ReadingAct = {
  name: "retry_run",
  label: "reading.retry_run",
  can: ({ state }) => state.canEdit && state.job?.state === "failed",
  run: (session) => session.jobs.retry(),
};
