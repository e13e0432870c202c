import type { ReadingAct } from "./reading_act";

/** Run again what failed or was cancelled. */
export const retryRunAct: ReadingAct = {
  name: "retry_run",
  label: "reading.retry_run",
  can: ({ state }) => state.canEdit && (state.job?.state === "failed" || state.job?.state === "cancelled"),
  run: (session) => session.jobs.retry(),
};
