import { jobOf } from "./heat_desk";
import type { ReadingAct } from "./reading_act";
import { isRunning } from "./run_state";

/** Ask the network why it marked the chosen lesion. */
export const explainLesionAct: ReadingAct = {
  name: "explain_lesion",
  label: "explanation.ask",
  key: "y",
  can: ({ state }) =>
    state.canEdit && jobOf(state) !== undefined && state.activeSegment !== null && !isRunning(state.explanation),
  run: (session) => session.explanations.ask(),
};
