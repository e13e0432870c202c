import type { ReadingAct } from "./reading_act";

/** Show the images with or without how sure the model was, or what a lesion rests on. */
export const toggleHeatAct: ReadingAct = {
  name: "toggle_heat",
  label: "reading.toggle_heat",
  key: "h",
  can: ({ state }) => state.heat.kind !== "nothing",
  run: (session) => {
    const { heatStyle } = session.state;
    session.set({ heatStyle: { ...heatStyle, isShown: !heatStyle.isShown } });
    session.heat.retry();
  },
};
