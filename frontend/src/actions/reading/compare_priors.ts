import type { PlainMessageKey } from "../../lib/messages";
import { linkOf } from "../../state/compare";
import type { ReadingAct } from "./reading_act";

/** Open the study before this one beside it, or close it. */
export const comparePriorAct: ReadingAct = {
  name: "compare_priors.open",
  label: "compare.act_open",
  key: "k",
  can: ({ state }) => state.images.status !== "opening",
  run: (session) => {
    if (!session.state.compare) return session.compare.openPrevious();
    session.compare.close();
    return undefined;
  },
};

/** Prior and current in turn in the same pane. */
export const flickerAct: ReadingAct = {
  name: "compare_priors.flicker",
  label: "compare.act_flicker",
  key: "t",
  can: ({ compare }) => compare.state !== null && compare.canReplace("flicker"),
  run: ({ compare }) => {
    const isFlickering = compare.state?.mode === "flicker";
    compare.setMode("flicker", !(isFlickering && compare.state.showsPrior));
  },
};

/** What differs between prior and current. */
export const differenceAct: ReadingAct = {
  name: "compare_priors.difference",
  label: "compare.act_difference",
  key: "x",
  can: ({ compare }) => compare.state !== null && compare.canReplace("difference"),
  run: ({ compare }) => compare.setMode(compare.state?.mode === "difference" ? "side" : "difference"),
};

export const sideBySideAct: ReadingAct = {
  name: "compare_priors.side",
  label: "compare.act_side",
  key: "d",
  can: ({ compare }) => compare.state !== null,
  run: ({ compare }) => compare.setMode("side"),
};

export const NUDGE_STEP_MM = 1;

function nudge(label: PlainMessageKey, key: string, right: number, down: number, through: number): ReadingAct {
  return {
    name: `compare_priors.nudge.${key}`,
    label,
    key,
    can: ({ state }) => state.canEdit && linkOf(state.compare) !== undefined,
    run: ({ compare }) => compare.nudge(right * NUDGE_STEP_MM, down * NUDGE_STEP_MM, through * NUDGE_STEP_MM),
  };
}

/** Move the prior by a millimetre in the plane that is shown, or through it. */
export const nudgeActs = {
  left: nudge("compare.nudge_left", "Shift+ArrowLeft", -1, 0, 0),
  right: nudge("compare.nudge_right", "Shift+ArrowRight", 1, 0, 0),
  up: nudge("compare.nudge_up", "Shift+ArrowUp", 0, -1, 0),
  down: nudge("compare.nudge_down", "Shift+ArrowDown", 0, 1, 0),
  forth: nudge("compare.nudge_forth", "Shift+PageDown", 0, 0, 1),
  back: nudge("compare.nudge_back", "Shift+PageUp", 0, 0, -1),
} as const;

export const compareActs: readonly ReadingAct[] = [
  comparePriorAct,
  sideBySideAct,
  flickerAct,
  differenceAct,
  ...Object.values(nudgeActs),
];
