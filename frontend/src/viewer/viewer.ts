import { annotation } from "@cornerstonejs/tools";

import type { LabelMap } from "../state/label_map";
import { pixelOf, type Grid, type PlaneId, type Triple } from "../state/planes";
import { isFrameMeasured } from "../state/series_grid";
import type { Affine } from "../state/registration";
import type { SeriesFrames } from "../state/records";
import type { ToolId } from "../state/tools";
import {
  drawBrush,
  drawCrosshair,
  drawDiameters,
  drawPoint,
  drawScaleBar,
  drawSides,
  type DiameterMark,
} from "./decorations";
import { forgetImages, renderingEngine, startEngine } from "./engine";
import { alignPane } from "./align";
import { fitToPanes, noteView } from "./fit";
import type { OverlayStyle } from "./overlay_image";
import { PriorImages, type Comparison } from "./prior_images";
import { SeriesImages, type PaneImages } from "./series_images";
import { addToTools, chooseTool, listenToDrags, removeFromTools } from "./tools";
import { View, type CanvasPoint, type Window } from "./view";
import type { ViewerEvents } from "./viewer_events";
import { draggedWindow } from "./window_drag";

export type { DiameterMark } from "./decorations";
export type { Comparison } from "./prior_images";
export type { OverlayStyle } from "./overlay_image";
export type { Window } from "./view";
export type { BrushGesture, Readout, ViewerEvents } from "./viewer_events";

const MAIN = "segweb";
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
  private diameters: DiameterMark | undefined;
  private alwaysCrosshair = false;
  private compared: { images: PriorImages; window: Window | undefined } | undefined;

  /** A second viewer beside the first takes another name. */
  constructor(
    readonly description: SeriesFrames,
    private readonly events: ViewerEvents,
    private readonly name = MAIN,
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
      name: this.name,
      images: this.images,
      style: () => this.style,
      greys: () => ({ window: this.compared?.window ?? this.window, isInverted: this.isInverted }),
      decorate: (context) => {
        this.decorate(context, view);
      },
      hasWebGl: this.hasWebGl,
      onRendered: this.noteRendered,
      onSlice: (shown, index) => {
        this.follow(shown, index);
      },
      onCamera: () => this.events.onCamera?.(),
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
    const forgetView = noteView(view);
    const observer = new ResizeObserver(fitToPanes);
    observer.observe(element);
    const { index } = pixelOf(view.plane, this.cursorVoxel);
    void view.open(index).catch(() => undefined);
    if (this.compared) void view.exchange(this.compared.images);
    return () => {
      observer.disconnect();
      forgetView();
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
    this.compared?.images.dispose();
    this.images.dispose();
    if (this.name !== MAIN) return;
    annotation.state.removeAllAnnotations();
    forgetImages();
  }

  /** Show a prior, or what differs from it, in place of these images; undefined brings these back. */
  compareWith(prior: Viewer | undefined, kind: Comparison, priorToCurrentMm: Affine): void {
    const before = this.compared;
    const images = prior && new PriorImages(this.images, prior.images, kind, priorToCurrentMm);
    const isAlike = prior?.description.modality === this.description.modality;
    const window = isAlike ? undefined : prior?.window;
    this.compared = images && { images, window: kind === "difference" ? aroundZero(this.window) : window };
    const shown: PaneImages = images ?? this.images;
    const exchanges = [...this.views.values()].map((view) => view.exchange(shown));
    void Promise.allSettled(exchanges).then(() => before?.images.dispose());
  }

  /** The diameters to be seen on the image they were measured in. */
  setDiameters(diameters: DiameterMark | undefined): void {
    this.diameters = diameters;
    this.refreshOverlays();
  }

  /** Zoom and pan a plane as a plane of another viewer is, both aimed at their crosshairs. */
  alignTo(leader: Viewer, plane: PlaneId, leaderPlane: PlaneId): void {
    const [own, other] = [this.views.get(plane), leader.views.get(leaderPlane)];
    if (own && other && this.hasWebGl)
      alignPane({ view: own, cursor: this.cursorVoxel }, { view: other, cursor: leader.cursorVoxel });
  }

  /** Draw the crosshair in a single pane too: another viewer shows the same place. */
  setCrosshair(isAlways: boolean): void {
    this.alwaysCrosshair = isAlways;
    this.refreshOverlays();
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

  private dragWindow(delta: CanvasPoint): void {
    if (this.window && this.description.samples_per_pixel === 1)
      this.events.onWindow(draggedWindow(this.window, delta, this.description));
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
    this.decorateMarks(context, view);
  }

  private decorateMarks(context: CanvasRenderingContext2D, view: View): void {
    if (this.views.size > 1 || this.alwaysCrosshair) drawCrosshair(context, view, this.cursorVoxel);
    if (this.diameters && !this.compared) drawDiameters(context, view, this.diameters);
    if (this.point) drawPoint(context, view, this.point);
    if (this.showsBrush && this.hover?.view === view) drawBrush(context, view, this.hover.point, this.brushRadiusMm);
  }
}

function aroundZero(window: Window | undefined): Window {
  return { center: 0, width: Math.max(window?.width ?? 1, 1e-6) };
}
