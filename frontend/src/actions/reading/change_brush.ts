import { BRUSH_RADII_MM } from "../../state/reading";
import type { PlainMessageKey } from "../../lib/messages";
import type { ReadingAct } from "./reading_act";

function resize(name: string, label: PlainMessageKey, key: string, direction: 1 | -1): ReadingAct {
  return {
    name: `change_brush.${name}`,
    label,
    key,
    can: ({ state }) => state.tool === "brush" || state.tool === "eraser",
    run: (session) => {
      const { brush } = session.state;
      const radii = direction > 0 ? BRUSH_RADII_MM : [...BRUSH_RADII_MM].reverse();
      const radiusMm = radii.find((radius) => (radius - brush.radiusMm) * direction > 0) ?? brush.radiusMm;
      session.set({ brush: { ...brush, radiusMm } });
    },
  };
}

/** Smaller and larger brush, and whether it reaches into neighbouring slices. */
export const changeBrushActs: readonly ReadingAct[] = [
  resize("smaller", "reading.brush_smaller", "[", -1),
  resize("larger", "reading.brush_larger", "]", 1),
  {
    name: "change_brush.shape",
    label: "reading.brush_shape",
    key: "q",
    can: ({ state }) => state.hasVolume && (state.tool === "brush" || state.tool === "eraser"),
    run: (session) => {
      const { brush } = session.state;
      session.set({ brush: { ...brush, shape: brush.shape === "circle" ? "sphere" : "circle" } });
    },
  },
];
