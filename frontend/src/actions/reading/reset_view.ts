import type { ReadingAct } from "./reading_act";

/** Whole image, first window, no inversion. */
export const resetViewAct: ReadingAct = {
  name: "reset_view",
  label: "reading.reset_view",
  key: "r",
  can: ({ viewer }) => viewer !== undefined,
  run: (session) => {
    const preset = session.viewer?.description.window_presets[0];
    session.viewer?.resetViews();
    session.set({
      isInverted: false,
      ...(preset && !session.state.isColour
        ? { window: { center: preset.center, width: preset.width }, presetIndex: 0 }
        : {}),
    });
  },
};
