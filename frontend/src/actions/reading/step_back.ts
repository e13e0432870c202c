import { restingTool } from "../../state/reading";
import type { ReadingAct } from "./reading_act";

/** Esc: out of the innermost thing that is open. Leaving the page is the page's own last step. */
export function stepBack(leave: () => void): ReadingAct {
  return {
    name: "step_back",
    label: "reading.step_back",
    key: "Escape",
    can: () => true,
    run: (session) => {
      const { state } = session;
      if (state.isKeySheetOpen) session.set({ isKeySheetOpen: false });
      else if (state.picking) session.set({ picking: null, tool: restingTool(state) });
      else if (state.save.kind === "conflict") session.set({ save: { kind: "unsaved", isRestored: false } });
      else if (state.isPlaying) {
        session.viewer?.pause();
        session.set({ isPlaying: false });
      } else if (state.tool !== restingTool(state)) session.set({ tool: restingTool(state) });
      else if (state.compare && state.compare.mode !== "side") session.compare.setMode("side");
      else if (state.compare) session.compare.close();
      else leave();
    },
  };
}
