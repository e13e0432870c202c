import type { ReadingAct } from "./reading_act";

/** Remove the chosen length, else the last one. */
export const removeLengthAct: ReadingAct = {
  name: "remove_length",
  label: "reading.remove_length",
  key: "Delete",
  can: ({ viewer }) => (viewer?.countLengths() ?? 0) > 0,
  run: (session) => {
    session.viewer?.removeLength();
  },
};
