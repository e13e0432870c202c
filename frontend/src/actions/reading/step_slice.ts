import type { PlainMessageKey } from "../../lib/messages";
import type { ReadingAct } from "./reading_act";

function step(name: string, label: PlainMessageKey, key: string, delta: number): ReadingAct {
  return {
    name: `step_slice.${name}`,
    label,
    key,
    can: ({ state }) => state.frameCount > 1,
    run: (session) => {
      session.compare.leading?.step(delta);
    },
  };
}

/** Move through the acquired images. */
export const stepSliceActs: readonly ReadingAct[] = [
  step("next", "reading.next_slice", "ArrowDown", 1),
  step("previous", "reading.previous_slice", "ArrowUp", -1),
  step("forward", "reading.forward_slices", "PageDown", 10),
  step("back", "reading.back_slices", "PageUp", -10),
  step("last", "reading.last_slice", "End", Infinity),
  step("first", "reading.first_slice", "Home", -Infinity),
];
