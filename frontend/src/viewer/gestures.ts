import type { Triple } from "../state/planes";
import { voxelAt } from "../state/planes";
import type { SeriesFrames } from "../state/records";
import type { ToolId } from "../state/tools";
import { drawBrush, drawCut } from "./decorations";
import type { CanvasPoint, View, Window } from "./view";
import type { ViewerEvents } from "./viewer_events";
import { draggedWindow } from "./window_drag";

/** What the pointer acts upon. */
export interface GestureHost {
  tool: () => ToolId;
  window: () => Window | undefined;
  setCursor: (voxel: Triple) => void;
  valuesAt: (voxel: Triple) => number[] | undefined;
}

interface Pixel {
  readonly column: number;
  readonly row: number;
}

interface OpenLine {
  readonly view: View;
  readonly index: number;
  readonly from: Pixel;
  to: Pixel;
}

/** Shorter than this it is a click. */
const SHORTEST_LINE_PX = 4;

/** What the pointer means with each of the reader's tools. */
export class Gestures {
  private line: OpenLine | undefined;
  private hover: { view: View; point: CanvasPoint } | undefined;

  constructor(
    private readonly description: SeriesFrames,
    private readonly events: ViewerEvents,
    private readonly host: GestureHost,
  ) {}

  press(view: View, tool: ToolId, point: CanvasPoint): void {
    const { events } = this;
    const voxel = view.voxelUnder(point);
    if (tool === "brush" || tool === "eraser") events.onBrush({ phase: "start", tool, plane: view.plane, voxel });
    if (tool === "crosshair" && voxel) this.host.setCursor(voxel);
    if (tool === "point" && voxel) events.onPoint(voxel);
    if (tool === "cut" && events.onCut) this.beginLine(view, point);
  }

  drag(view: View, tool: ToolId, point: CanvasPoint, delta: CanvasPoint): void {
    if (tool === "window") this.dragWindow(delta);
    const voxel = view.voxelUnder(point);
    if (tool === "crosshair" && voxel) this.host.setCursor(voxel);
    if (tool === "cut") this.extendLine(view, point);
    if (tool === "brush" || tool === "eraser") {
      this.hover = { view, point };
      this.events.onBrush({ phase: "move", tool, plane: view.plane, voxel });
    }
  }

  release(view: View, tool: ToolId): void {
    if (tool === "brush" || tool === "eraser")
      this.events.onBrush({ phase: "end", tool, plane: view.plane, voxel: undefined });
    const { line } = this;
    this.line = undefined;
    line?.view.refreshOverlay();
    // Another image than the one it began in, or another tool: the reader has thought better of it.
    if (!line || tool !== "cut" || line.view.index !== line.index || lengthPx(line) < SHORTEST_LINE_PX) return;
    const { plane } = line.view;
    const at = ({ column, row }: Pixel) => voxelAt(plane, line.index, column, row);
    this.events.onCut?.({ plane, from: at(line.from), to: at(line.to) });
  }

  /** Tell of what lies under the pointer until the returned function is called. */
  listenToHover(view: View): () => void {
    const { element } = view;
    const move = (event: PointerEvent) => {
      const box = element.getBoundingClientRect();
      const point: CanvasPoint = [event.clientX - box.left, event.clientY - box.top];
      this.hover = { view, point };
      const voxel = view.voxelUnder(point);
      this.events.onHover(voxel && { plane: view.plane, voxel, values: this.host.valuesAt(voxel) });
      if (isBrush(this.host.tool())) view.refreshOverlay();
    };
    const leave = () => {
      this.hover = undefined;
      this.events.onHover(undefined);
      view.refreshOverlay();
    };
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerleave", leave);
    return () => {
      element.removeEventListener("pointermove", move);
      element.removeEventListener("pointerleave", leave);
    };
  }

  /** The brush under the pointer, or the line that is being drawn. */
  decorate(context: CanvasRenderingContext2D, view: View, tool: ToolId, brushRadiusMm: number): void {
    const { hover, line } = this;
    if (isBrush(tool) && hover?.view === view) drawBrush(context, view, hover.point, brushRadiusMm);
    if (line?.view === view && line.index === view.index)
      drawCut(context, onScreen(view, line.from), onScreen(view, line.to));
  }

  private beginLine(view: View, point: CanvasPoint): void {
    const from = view.pixelUnder(point);
    if (from) this.line = { view, index: view.index, from, to: from };
  }

  private extendLine(view: View, point: CanvasPoint): void {
    const to = view.pixelUnder(point);
    if (!this.line || this.line.view !== view || !to) return;
    this.line.to = to;
    view.refreshOverlay();
  }

  private dragWindow(delta: CanvasPoint): void {
    const window = this.host.window();
    if (window && this.description.samples_per_pixel === 1)
      this.events.onWindow(draggedWindow(window, delta, this.description));
  }
}

function isBrush(tool: ToolId): boolean {
  return tool === "brush" || tool === "eraser";
}

function onScreen(view: View, { column, row }: Pixel): CanvasPoint {
  return view.canvasPoint(column, row);
}

function lengthPx({ view, from, to }: OpenLine): number {
  const [a, b] = [onScreen(view, from), onScreen(view, to)];
  return Math.hypot(b[0] - a[0], b[1] - a[1]);
}
