import { annotation } from "@cornerstonejs/tools";

import type { LabelMap } from "../state/label_map";
import { pixelOf, type Grid, type Plane, type PlaneId, type Triple } from "../state/planes";
import { isFrameMeasured } from "../state/series_grid";
import type { SeriesFrames } from "../state/records";
import type { ToolId } from "../state/tools";
import { drawBrush, drawCrosshair, drawPoint, drawScaleBar, drawSides } from "./decorations";
import { forgetImages, renderingEngine, startEngine } from "./engine";
import type { OverlayStyle } from "./overlay_image";
import { SeriesImages } from "./series_images";
import { addToTools, chooseTool, listenToDrags, removeFromTools } from "./tools";
import { View, type CanvasPoint, type Window } from "./view";

export type { OverlayStyle } from "./overlay_image";
export type { Window } from "./view";

/** What lies under the pointer. */
export interface Readout {
  plane: Plane;
  voxel: Triple;
  /** One value, or red, green and blue; undefined until the image has arrived. */
  values: number[] | undefined;
}

export interface BrushGesture {
  phase: "start" | "move" | "end";
  tool: "brush" | "eraser";
  plane: Plane;
  voxel: Triple | undefined;
}

export interface ViewerEvents {
  onFirstImage: () => void;
  onProgress: (share: number) => void;
  onComplete: () => void;
  onFailure: (message: string) => void;
  onWindow: (window: Window) => void;
  onCursor: (voxel: Triple) => void;
  onHover: (readout: Readout | undefined) => void;
  onBrush: (gesture: BrushGesture) => void;
  onPoint: (voxel: Triple) => void;
  onOverlayDrawn: () => void;
}

const NO_STYLE: OverlayStyle = { isShown: false, opacity: 0, isFilled: false, colours: new Map() };

/** Start what drawing needs while the page waits for the server. */
export function warmUp(): void {
  startEngine();
}

/** The images of one series on screen: the only door to Cornerstone3D. */
export class Viewer {
  readonly hasWebGl: boolean;
  private readonly images: SeriesImages;
  private readonly views = new Map<PlaneId, View>();
  private labelMap: LabelMap | undefined;
  private stopListening: (() => void) | undefined;
  private style = NO_STYLE;
  private window: Window | undefined;
  private isInverted = false;
  private tool: ToolId = "crosshair";
  private brushRadiusMm = 0;
  private point: Triple | undefined;
  private hover: { view: View; point: CanvasPoint } | undefined;
  private hasFirstImage = false;
  private cine: ReturnType<typeof setInterval> | undefined;
  private cursorVoxel: Triple;

  constructor(
    readonly description: SeriesFrames,
    private readonly events: ViewerEvents,
  ) {
    this.images = new SeriesImages(description, {
      onProgress: (bytes) => {
        events.onProgress(bytes / Math.max(1, description.total_bytes));
      },
      onComplete: () => {
        events.onComplete();
      },
      onError: (message) => {
        events.onFailure(message);
      },
    });
    const middle = Math.floor(description.frames.length / 2);
    // A cine starts at its beginning, a volume in its middle.
    const start = description.is_volume ? middle : 0;
    const frame = description.frames[start];
    this.cursorVoxel = [start, Math.floor((frame?.rows ?? 1) / 2), Math.floor((frame?.columns ?? 1) / 2)];
    this.images.pixels.start(start);
    // After asking for the first image: starting WebGL takes about as long as the answer.
    this.hasWebGl = startEngine().hasWebGl;
  }

  get grid(): Grid | undefined {
    return this.images.grid;
  }

  get cursor(): Triple {
    return this.cursorVoxel;
  }

  get isComplete(): boolean {
    return this.images.pixels.isComplete;
  }

  /** Show a plane in an element until the returned function is called. */
  attach(element: HTMLDivElement, planeId: PlaneId): () => void {
    const view = new View(element, planeId, {
      images: this.images,
      style: () => this.style,
      greys: () => ({ window: this.window, isInverted: this.isInverted }),
      decorate: (context) => {
        this.decorate(context, view);
      },
      hasWebGl: this.hasWebGl,
      onRendered: this.noteRendered,
      onSlice: (shown, index) => {
        this.follow(shown, index);
      },
    });
    view.setLabelMap(this.labelMap);
    this.views.set(planeId, view);
    const engineId = renderingEngine().id;
    addToTools(view.id, engineId);
    chooseTool(this.tool);
    const stopDrags = listenToDrags(element, {
      press: (tool, point) => {
        this.press(view, tool, point);
      },
      drag: (tool, point, delta) => {
        this.drag(view, tool, point, delta);
      },
      release: () => {
        if (this.tool === "brush" || this.tool === "eraser")
          this.events.onBrush({ phase: "end", tool: this.tool, plane: view.plane, voxel: undefined });
      },
    });
    const stopHover = this.listenToHover(view);
    const observer = new ResizeObserver(() => {
      this.fitToPanes();
    });
    observer.observe(element);
    const { index } = pixelOf(view.plane, this.cursorVoxel);
    void view.open(index).catch(() => undefined);
    return () => {
      observer.disconnect();
      stopHover();
      stopDrags();
      this.views.delete(planeId);
      removeFromTools(view.id, engineId);
      view.dispose();
    };
  }

  dispose(): void {
    clearInterval(this.cine);
    this.stopListening?.();
    this.images.dispose();
    annotation.state.removeAllAnnotations();
    forgetImages();
  }

  setLabelMap(labelMap: LabelMap | undefined): void {
    this.stopListening?.();
    this.labelMap = labelMap;
    this.stopListening = labelMap?.subscribe(() => {
      this.refreshOverlays();
    });
    for (const view of this.views.values()) view.setLabelMap(labelMap);
    this.refreshOverlays();
  }

  setStyle(style: OverlayStyle): void {
    this.style = style;
    this.refreshOverlays();
  }

  setTool(tool: ToolId): void {
    this.tool = tool;
    chooseTool(tool);
    this.refreshOverlays();
  }

  setBrushRadius(radiusMm: number): void {
    this.brushRadiusMm = radiusMm;
    this.refreshOverlays();
  }

  /** Mark a picked voxel. */
  setPoint(voxel: Triple | undefined): void {
    this.point = voxel;
    this.refreshOverlays();
  }

  setWindow(window: Window | undefined, isInverted: boolean): void {
    this.window = window;
    this.isInverted = isInverted;
    for (const view of this.views.values()) view.applyGreys();
  }

  /** Bring every plane to a voxel. */
  setCursor(voxel: Triple): void {
    this.cursorVoxel = voxel;
    for (const view of this.views.values()) void view.show(pixelOf(view.plane, voxel).index);
    this.refreshOverlays();
    this.events.onCursor(voxel);
  }

  /** Step through the acquired images. */
  step(delta: number): void {
    const last = this.description.frames.length - 1;
    const [slice, row, column] = this.cursorVoxel;
    this.setCursor([Math.max(0, Math.min(last, slice + delta)), row, column]);
  }

  resetViews(): void {
    for (const view of this.views.values()) view.reset();
  }

  play(frameTimeMs: number): void {
    clearInterval(this.cine);
    const count = this.description.frames.length;
    this.cine = setInterval(() => {
      const [slice, row, column] = this.cursorVoxel;
      this.setCursor([(slice + 1) % count, row, column]);
    }, frameTimeMs);
  }

  pause(): void {
    clearInterval(this.cine);
    this.cine = undefined;
  }

  canMeasure(): boolean {
    return isFrameMeasured(this.description, this.cursorVoxel[0]);
  }

  /** Remove the chosen length, else the last one. False where there is none. */
  removeLength(): boolean {
    const chosen = annotation.selection.getAnnotationsSelected()[0];
    const uid = chosen ?? annotation.state.getAllAnnotations().at(-1)?.annotationUID;
    if (!uid) return false;
    annotation.state.removeAnnotation(uid);
    for (const view of this.views.values()) view.viewport.render();
    return true;
  }

  countLengths(): number {
    return annotation.state.getAllAnnotations().length;
  }

  /** Value of a voxel, or its red, green and blue; undefined until it has arrived. */
  valuesAt([frameIndex, row, column]: Triple): number[] | undefined {
    const frame = this.description.frames[frameIndex];
    if (!frame || !this.images.pixels.has(frameIndex)) return undefined;
    const samples = this.images.pixels.frameSamples(frameIndex);
    const count = this.description.samples_per_pixel;
    const start = (row * frame.columns + column) * count;
    return Array.from(samples.subarray(start, start + count));
  }

  /** Where a voxel is on the page, if a plane shows it. */
  pagePointOf(voxel: Triple, planeId: PlaneId): readonly [number, number] | undefined {
    const view = this.views.get(planeId);
    if (!view) return undefined;
    const box = view.element.getBoundingClientRect();
    const { point } = view.locate(voxel);
    return [box.left + point[0], box.top + point[1]];
  }

  /** A pane has another size: what was fitted stays fitted, what was zoomed stays zoomed as much. */
  private fitToPanes(): void {
    const before = [...this.views.values()].map((view) => ({ view, presentation: view.presentation() }));
    renderingEngine().resize(true, false);
    for (const { view, presentation } of before) view.present(presentation);
  }

  private refreshOverlays(): void {
    for (const view of this.views.values()) view.refreshOverlay();
  }

  private readonly noteRendered = (): void => {
    if (this.hasFirstImage) return;
    this.hasFirstImage = true;
    this.events.onFirstImage();
  };

  /** A view has scrolled: the others show where. */
  private follow(view: View, index: number): void {
    const { through } = view.plane;
    if (this.cursorVoxel[through] === index) return;
    const voxel: [number, number, number] = [...this.cursorVoxel];
    voxel[through] = index;
    this.cursorVoxel = voxel;
    this.refreshOverlays();
    this.events.onCursor(voxel);
  }

  private press(view: View, tool: ToolId, point: CanvasPoint): void {
    const voxel = view.voxelUnder(point);
    if (tool === "brush" || tool === "eraser") this.events.onBrush({ phase: "start", tool, plane: view.plane, voxel });
    if (tool === "crosshair" && voxel) this.setCursor(voxel);
    if (tool === "point" && voxel) this.events.onPoint(voxel);
  }

  private drag(view: View, tool: ToolId, point: CanvasPoint, delta: CanvasPoint): void {
    if (tool === "window") this.dragWindow(delta);
    const voxel = view.voxelUnder(point);
    if (tool === "crosshair" && voxel) this.setCursor(voxel);
    if (tool === "brush" || tool === "eraser") {
      this.hover = { view, point };
      this.events.onBrush({ phase: "move", tool, plane: view.plane, voxel });
    }
  }

  private dragWindow([right, down]: CanvasPoint): void {
    const { window, description } = this;
    if (!window || description.samples_per_pixel > 1) return;
    // A drag across the screen spans a few times the present width, so that narrow windows can be set finely.
    const gain = Math.max(window.width, (description.maximum - description.minimum) / 400) / 250;
    const smallest = description.dtype === "float32" ? (description.maximum - description.minimum) / 1000 : 1;
    const width = Math.max(smallest || 1e-6, window.width + right * gain);
    this.events.onWindow({ center: window.center + down * gain, width });
  }

  private listenToHover(view: View): () => void {
    const { element } = view;
    const move = (event: PointerEvent) => {
      const box = element.getBoundingClientRect();
      const point: CanvasPoint = [event.clientX - box.left, event.clientY - box.top];
      this.hover = { view, point };
      const voxel = view.voxelUnder(point);
      this.events.onHover(voxel && { plane: view.plane, voxel, values: this.valuesAt(voxel) });
      if (this.showsBrush) view.refreshOverlay();
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

  private get showsBrush(): boolean {
    return this.tool === "brush" || this.tool === "eraser";
  }

  private decorate(context: CanvasRenderingContext2D, view: View): void {
    if (this.labelMap) this.events.onOverlayDrawn();
    if (this.grid && this.description.is_volume) drawSides(context, view);
    if (isFrameMeasured(this.description, this.cursorVoxel[0])) drawScaleBar(context, view);
    if (this.views.size > 1) drawCrosshair(context, view, this.cursorVoxel);
    if (this.point) drawPoint(context, view, this.point);
    if (this.showsBrush && this.hover?.view === view) drawBrush(context, view, this.hover.point, this.brushRadiusMm);
  }
}
