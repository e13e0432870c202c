import type { WindowPreset } from "../../state/records";
import type { ReadingAct } from "./reading_act";
import type { ReadingSession } from "./session";

/** Keys after those of the layouts. */
export const PRESET_KEYS = ["5", "6", "7", "8", "9", "0"] as const;

export function presetsOf(session: ReadingSession): readonly WindowPreset[] {
  return session.state.isColour ? [] : (session.viewer?.description.window_presets ?? []);
}

export function choosePreset(session: ReadingSession, index: number): void {
  const preset = presetsOf(session)[index];
  if (preset) session.set({ window: { center: preset.center, width: preset.width }, presetIndex: index });
}

/** Window and level as usual for what is being looked at. */
export const choosePresetActs: readonly ReadingAct[] = PRESET_KEYS.map((key, index) => ({
  name: `choose_preset.${key}`,
  label: "reading.choose_preset",
  key,
  can: (session) => index < presetsOf(session).length,
  run: (session) => {
    choosePreset(session, index);
  },
}));
