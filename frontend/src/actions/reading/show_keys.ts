import type { ReadingAct } from "./reading_act";

/** Show what the keys do. */
export const showKeysAct: ReadingAct = {
  name: "show_keys",
  label: "reading.show_keys",
  key: "?",
  can: () => true,
  run: (session) => {
    session.set({ isKeySheetOpen: true });
  },
};
