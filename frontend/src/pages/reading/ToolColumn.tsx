import {
  Blend,
  Brush,
  Circle,
  Contrast,
  Crosshair,
  Eraser,
  Eye,
  EyeOff,
  FlipHorizontal2,
  Globe,
  Hand,
  Layers,
  type LucideIcon,
  Pause,
  Play,
  Redo2,
  RotateCcw,
  Ruler,
  Scissors,
  SquareDashed,
  Undo2,
  ZoomIn,
} from "lucide-react";
import { Toolbar } from "react-aria-components";

import { changeBrushActs } from "../../actions/reading/change_brush";
import { chooseToolActs } from "../../actions/reading/choose_tool";
import { invertImageAct } from "../../actions/reading/invert_image";
import { playCineAct } from "../../actions/reading/play_cine";
import type { ReadingAct } from "../../actions/reading/reading_act";
import { perform } from "../../actions/reading/reading_acts";
import { redoStrokeAct } from "../../actions/reading/redo_stroke";
import { resetViewAct } from "../../actions/reading/reset_view";
import { toggleFillAct } from "../../actions/reading/toggle_fill";
import { toggleOverlayAct } from "../../actions/reading/toggle_overlay";
import { undoStrokeAct } from "../../actions/reading/undo_stroke";
import { useTranslate } from "../../lib/messages";
import type { ReadingState } from "../../state/reading";
import { IconButton, ToggleIconButton } from "../../ui/Button";
import { shortcutOf } from "./key_caps";
import styles from "./ToolColumn.module.css";
import { useReadingSession, useReadingState } from "./session_context";

const TOOL_ICONS: Readonly<Record<keyof typeof chooseToolActs, LucideIcon>> = {
  crosshair: Crosshair,
  scroll: Layers,
  window: Contrast,
  zoom: ZoomIn,
  pan: Hand,
  length: Ruler,
  brush: Brush,
  eraser: Eraser,
  cut: Scissors,
};

type Tool = keyof typeof TOOL_ICONS;
const LOOKING: readonly Tool[] = ["crosshair", "scroll", "window", "zoom", "pan", "length"];
const DRAWING: readonly Tool[] = ["brush", "eraser", "cut"];

/** What the left button does, and what is done to the images at once. */
export function ToolColumn() {
  const t = useTranslate();
  const state = useReadingState();
  const isDrawing = state.tool === "brush" || state.tool === "eraser";
  return (
    <Toolbar orientation="vertical" aria-label={t("reading.tools")} className={styles.column ?? ""}>
      {LOOKING.map((tool) => (
        <ToolButton key={tool} tool={tool} state={state} />
      ))}
      <hr className={styles.rule} />
      {DRAWING.map((tool) => (
        <ToolButton key={tool} tool={tool} state={state} />
      ))}
      {isDrawing ? <BrushShape state={state} /> : null}
      <ActButton act={undoStrokeAct} icon={Undo2} />
      <ActButton act={redoStrokeAct} icon={Redo2} />
      <hr className={styles.rule} />
      <Toggle act={toggleOverlayAct} icon={state.overlay.isShown ? Eye : EyeOff} isOn={state.overlay.isShown} />
      <Toggle act={toggleFillAct} icon={state.overlay.isFilled ? Blend : SquareDashed} isOn={state.overlay.isFilled} />
      <hr className={styles.rule} />
      <Toggle act={invertImageAct} icon={FlipHorizontal2} isOn={state.isInverted} />
      <ActButton act={resetViewAct} icon={RotateCcw} />
      {!state.hasVolume && state.frameCount > 1 ? (
        <Toggle act={playCineAct} icon={state.isPlaying ? Pause : Play} isOn={state.isPlaying} />
      ) : null}
    </Toolbar>
  );
}

function ToolButton({ tool, state }: { readonly tool: Tool; readonly state: ReadingState }) {
  return <Toggle act={chooseToolActs[tool]} icon={TOOL_ICONS[tool]} isOn={state.tool === tool} />;
}

function BrushShape({ state }: { readonly state: ReadingState }) {
  const act = changeBrushActs.find((one) => one.name === "change_brush.shape");
  const isSphere = state.brush.shape === "sphere";
  return act ? <Toggle act={act} icon={isSphere ? Globe : Circle} isOn={isSphere} /> : null;
}

interface ActProps {
  readonly act: ReadingAct;
  readonly icon: LucideIcon;
}

function Toggle({ act, icon, isOn }: ActProps & { readonly isOn: boolean }) {
  const t = useTranslate();
  const session = useReadingSession();
  return (
    <ToggleIconButton
      icon={icon}
      label={t(act.label as "reading.step_back")}
      shortcut={shortcutOf(act.key) ?? ""}
      isSelected={isOn}
      isDisabled={!act.can(session)}
      onChange={() => perform(act, session)}
    />
  );
}

function ActButton({ act, icon }: ActProps) {
  const t = useTranslate();
  const session = useReadingSession();
  return (
    <IconButton
      icon={icon}
      label={t(act.label as "reading.step_back")}
      shortcut={shortcutOf(act.key) ?? ""}
      isDisabled={!act.can(session)}
      onPress={() => perform(act, session)}
    />
  );
}
