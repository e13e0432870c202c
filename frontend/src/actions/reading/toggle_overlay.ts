import type { ReadingAct } from "./reading_act";

/** Show the images with or without labels. */
export const toggleOverlayAct: ReadingAct = {
  name: "toggle_overlay",
  label: "reading.toggle_overlay",
  key: "o",
  can: () => true,
  run: (session) => {
    const { overlay } = session.state;
    session.set({ overlay: { ...overlay, isShown: !overlay.isShown } });
  },
};
