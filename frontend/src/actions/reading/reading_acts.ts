import { acceptSegmentationAct } from "./accept_segmentation";
import { cancelRunAct } from "./cancel_run";
import { changeBrushActs } from "./change_brush";
import { compareActs } from "./compare_priors";
import { choosePresetActs } from "./choose_preset";
import { chooseToolActs } from "./choose_tool";
import { explainLesionAct } from "./explain_lesion";
import { invertImageAct } from "./invert_image";
import { nextSegmentAct } from "./next_segment";
import { openPanelActs } from "./open_panel";
import { playCineAct } from "./play_cine";
import type { ReadingAct } from "./reading_act";
import { redoStrokeAct } from "./redo_stroke";
import { removeLengthAct } from "./remove_length";
import { resetViewAct } from "./reset_view";
import { runModelAct } from "./run_model";
import { saveRevisionAct } from "./save_revision";
import type { ReadingSession } from "./session";
import { setLayoutActs } from "./set_layout";
import { showKeysAct } from "./show_keys";
import { stepSliceActs } from "./step_slice";
import { toggleFillAct } from "./toggle_fill";
import { toggleHeatAct } from "./toggle_heat";
import { toggleOverlayAct } from "./toggle_overlay";
import { undoStrokeAct } from "./undo_stroke";

/** Every act with a key, in the order of the sheet under `?`. */
export const keyedReadingActs: readonly ReadingAct[] = [
  ...stepSliceActs,
  playCineAct,
  ...Object.values(setLayoutActs),
  ...choosePresetActs,
  ...Object.values(chooseToolActs),
  invertImageAct,
  resetViewAct,
  removeLengthAct,
  toggleOverlayAct,
  toggleFillAct,
  toggleHeatAct,
  explainLesionAct,
  ...Object.values(openPanelActs),
  ...compareActs,
  nextSegmentAct,
  ...changeBrushActs,
  undoStrokeAct,
  redoStrokeAct,
  saveRevisionAct,
  acceptSegmentationAct,
  runModelAct,
  cancelRunAct,
  showKeysAct,
];

/** Do it if it makes sense now. */
export function perform(act: ReadingAct, session: ReadingSession): void {
  if (act.can(session)) void act.run(session);
}
