import {
  addTool,
  BaseTool,
  Enums,
  LengthTool,
  PanTool,
  StackScrollTool,
  ToolGroupManager,
  ZoomTool,
} from "@cornerstonejs/tools";

import type { ToolId } from "../state/tools";
import type { CanvasPoint } from "./view";

const GROUP_ID = "segweb";
const { MouseBindings, KeyboardBindings } = Enums;

/** What a drag with one of our own tools means; the viewer decides. */
export interface DragTarget {
  press: (tool: ToolId, point: CanvasPoint) => void;
  drag: (tool: ToolId, point: CanvasPoint, delta: CanvasPoint) => void;
  /** The button or finger is up, whichever tool had it: Cornerstone3D does not say which. */
  release: () => void;
}

const targets = new WeakMap<Element, DragTarget>();

/** Tools whose drags the viewer reads itself. */
const OWN: ReadonlySet<ToolId> = new Set<ToolId>(["crosshair", "window", "brush", "eraser", "cut", "point"]);
let chosenTool: ToolId = "crosshair";

/**
 * Hear of drags over an element until the returned function is called. The left button of mouse and pen is read here:
 * Cornerstone3D holds every press back for 400 ms to see whether it becomes a double click, too long for a brush, and
 * tells of a short one as of a click without an end.
 */
export function listenToDrags(element: HTMLElement, target: DragTarget): () => void {
  targets.set(element, target);
  let held: { tool: ToolId; point: CanvasPoint } | undefined;
  const pointOf = (event: PointerEvent): CanvasPoint => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const press = (event: PointerEvent) => {
    if (event.pointerType === "touch" || event.button !== 0 || !OWN.has(chosenTool)) return;
    element.setPointerCapture(event.pointerId);
    held = { tool: chosenTool, point: pointOf(event) };
    target.press(held.tool, held.point);
  };
  const drag = (event: PointerEvent) => {
    if (!held) return;
    const { point: before } = held;
    held.point = pointOf(event);
    target.drag(held.tool, held.point, [held.point[0] - before[0], held.point[1] - before[1]]);
  };
  const release = () => {
    if (held) target.release();
    held = undefined;
  };
  element.addEventListener("pointerdown", press);
  element.addEventListener("pointermove", drag);
  element.addEventListener("lostpointercapture", release);
  return () => {
    element.removeEventListener("pointerdown", press);
    element.removeEventListener("pointermove", drag);
    element.removeEventListener("lostpointercapture", release);
  };
}

interface DragEvent {
  detail: {
    element: HTMLDivElement;
    currentPoints: { canvas: [number, number] };
    deltaPoints?: { canvas: [number, number] };
  };
}

/** Hands the drags of fingers, and of the buttons that always mean the same, to the viewer. */
abstract class ForwardingTool extends BaseTool {
  protected abstract readonly tool: ToolId;

  constructor(toolProps = {}, defaultProps = { supportedInteractionTypes: ["Mouse", "Touch"] }) {
    super(toolProps, defaultProps as ConstructorParameters<typeof BaseTool>[1]);
  }

  preMouseDownCallback(event: DragEvent): boolean {
    targets.get(event.detail.element)?.press(this.tool, event.detail.currentPoints.canvas);
    return true;
  }

  preTouchStartCallback(event: DragEvent): boolean {
    return this.preMouseDownCallback(event);
  }

  mouseDragCallback(event: DragEvent): void {
    const { element, currentPoints, deltaPoints } = event.detail;
    targets.get(element)?.drag(this.tool, currentPoints.canvas, deltaPoints?.canvas ?? [0, 0]);
  }

  touchDragCallback(event: DragEvent): void {
    this.mouseDragCallback(event);
  }

  mouseUpCallback(event: DragEvent): void {
    targets.get(event.detail.element)?.release();
  }

  touchEndCallback(event: DragEvent): void {
    this.mouseUpCallback(event);
  }
}

class CrosshairTool extends ForwardingTool {
  static override toolName = "SegWebCrosshair";
  protected readonly tool = "crosshair";
}

class WindowTool extends ForwardingTool {
  static override toolName = "SegWebWindow";
  protected readonly tool = "window";
}

class BrushTool extends ForwardingTool {
  static override toolName = "SegWebBrush";
  protected readonly tool = "brush";
}

class EraserTool extends ForwardingTool {
  static override toolName = "SegWebEraser";
  protected readonly tool = "eraser";
}

class CutTool extends ForwardingTool {
  static override toolName = "SegWebCut";
  protected readonly tool = "cut";
}

class PointTool extends ForwardingTool {
  static override toolName = "SegWebPoint";
  protected readonly tool = "point";
}

/** Cornerstone3D's name of each tool a reader can choose. */
const TOOL_NAMES: Record<ToolId, string> = {
  crosshair: CrosshairTool.toolName,
  window: WindowTool.toolName,
  zoom: ZoomTool.toolName as string,
  pan: PanTool.toolName as string,
  scroll: StackScrollTool.toolName as string,
  length: LengthTool.toolName as string,
  brush: BrushTool.toolName,
  eraser: EraserTool.toolName,
  cut: CutTool.toolName,
  point: PointTool.toolName,
};

export function registerTools(): void {
  const own = [CrosshairTool, WindowTool, BrushTool, EraserTool, CutTool, PointTool];
  for (const tool of [...own, ZoomTool, PanTool, StackScrollTool, LengthTool]) addTool(tool);
}

type Bindings = { mouseButton?: number; modifierKey?: number; numTouchPoints?: number }[];

/** What the mouse and the fingers always do, whichever tool is chosen for the left button. */
const STANDING: Partial<Record<ToolId, Bindings>> = {
  window: [{ mouseButton: MouseBindings.Secondary }],
  pan: [{ mouseButton: MouseBindings.Auxiliary }],
  zoom: [{ mouseButton: MouseBindings.Wheel, modifierKey: KeyboardBindings.Ctrl }, { numTouchPoints: 2 }],
  scroll: [{ mouseButton: MouseBindings.Wheel }, { numTouchPoints: 3 }],
};

function group() {
  const existing = ToolGroupManager.getToolGroup(GROUP_ID);
  if (existing) return existing;
  const created = ToolGroupManager.createToolGroup(GROUP_ID);
  if (!created) throw new Error("The viewer's tools could not be set up.");
  for (const name of Object.values(TOOL_NAMES)) created.addTool(name);
  return created;
}

export function addToTools(viewportId: string, engineId: string): void {
  group().addViewport(viewportId, engineId);
}

export function removeFromTools(viewportId: string, engineId: string): void {
  group().removeViewports(engineId, viewportId);
}

/** Give the left button and one finger to a tool. */
export function chooseTool(chosen: ToolId): void {
  const tools = group();
  chosenTool = chosen;
  for (const [tool, name] of Object.entries(TOOL_NAMES) as [ToolId, string][]) {
    const bindings: Bindings = [...(STANDING[tool] ?? [])];
    if (tool === chosen) bindings.push(OWN.has(tool) ? { numTouchPoints: 1 } : { mouseButton: MouseBindings.Primary });
    tools.setToolPassive(name, { removeAllBindings: true });
    if (bindings.length > 0) tools.setToolActive(name, { bindings } as Parameters<typeof tools.setToolActive>[1]);
  }
}
