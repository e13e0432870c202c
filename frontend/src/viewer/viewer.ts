import { annotation } from "@cornerstonejs/tools";

import type { LabelMap } from "../state/label_map";
import { pixelOf, type Grid, type PlaneId, type Triple } from "../state/planes";
import { isFrameMeasured } from "../state/series_grid";
import type { Affine } from "../state/registration";
import type { SeriesFrames } from "../state/records";
import type { ToolId } from "../state/tools";
import { drawCrosshair, drawDiameters, drawPoint, drawScaleBar, drawSides, type DiameterMark } from "./decorations";
import { forgetImages, renderingEngine, startEngine } from "./engine";
import { alignPane } from "./align";
import { fitToPanes, noteView } from "./fit";
import type { Heat } from "./heat_layer";
import type { OverlayStyle } from "./overlay_image";
import { PriorImages, type Comparison } from "./prior_images";
import { Gestures } from "./gestures";
import { OwnLabels, type LabelImages } from "./label_images";
import { SeriesImages, type PaneImages } from "./series_images";
import { addToTools, chooseTool, listenToDrags, removeFromTools } from "./tools";
import { View, type Window } from "./view";
import type { ViewerEvents } from "./viewer_events";

export type { DiameterMark } from "./decorations";
export type { Comparison } from "./prior_images";
export type { Heat } from "./heat_layer";
export type { OverlayStyle } from "./overlay_image";
export type { Window } from "./view";
export type { BrushGesture, CutGesture, Readout, ViewerEvents } from "./viewer_events";

const MAIN = "segweb";
const NO_STYLE: OverlayStyle = { isShown: false, opacity: 0, isFilled: false, colours: new Map() };

/** What of a prior is on screen in the place of the current images. */
interface Compared {
  readonly images: PriorImages;
  readonly window: Window | undefined;
  readonly labels: LabelImages | undefined;
  readonly style: () => OverlayStyle;
}

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
  private heat: Heat | undefined;
  private window: Window | undefined;
  private isInverted = false;
  private tool: ToolId = "crosshair";
  private brushRadiusMm = 0;
  private point: Triple | undefined;
  private hasFirstImage = false;
  private cine: ReturnType<typeof setInterval> | undefined;
  private cursorVoxel: Triple;
  private diameters: DiameterMark | undefined;
  private alwaysCrosshair = false;
  private compared: Compared | undefined;
  private ownLabels: LabelImages | undefined;
  private readonly gestures: Gestures;

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
    this.gestures = new Gestures(description, events, {
      window: () => this.window,
      setCursor: (voxel) => {
        this.setCursor(voxel);
      },
      valuesAt: (voxel) => this.valuesAt(voxel),
      tool: () => this.tool,
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
      labels: () => this.shownLabels,
      style: () => this.compared?.style() ?? this.style,
      heat: () => (this.compared ? undefined : this.heat),
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
    this.views.set(planeId, view);
    const engineId = renderingEngine().id;
    addToTools(view.id, engineId);
    chooseTool(this.tool);
    const stopDrags = listenToDrags(element, {
      press: (tool, point) => {
        this.gestures.press(view, tool, point);
      },
      drag: (tool, point, delta) => {
        this.gestures.drag(view, tool, point, delta);
      },
      release: () => {
        this.gestures.release(view, this.tool);
      },
    });
    const stopHover = this.gestures.listenToHover(view);
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
    this.compared = prior && this.layOver(prior, new PriorImages(this.images, prior.images, kind, priorToCurrentMm));
    const shown: PaneImages = this.compared?.images ?? this.images;
    const exchanges = [...this.views.values()].map((view) => view.exchange(shown));
    void Promise.allSettled(exchanges).then(() => before?.images.dispose());
  }

  /** Whether a prior, or what differs from it, stands in the place of these images. */
  get isComparing(): boolean {
    return this.compared !== undefined;
  }

  private layOver(prior: Viewer, images: PriorImages): Compared {
    if (images.kind === "difference")
      return { images, window: aroundZero(this.window), labels: this.ownLabels, style: () => this.style };
    const isAlike = prior.description.modality === this.description.modality;
    return {
      images,
      window: isAlike ? undefined : prior.window,
      labels: prior.labelMap && images.labelsOf(prior.labelMap),
      style: () => prior.style,
    };
  }

  private get shownLabels(): LabelImages | undefined {
    return this.compared ? this.compared.labels : this.ownLabels;
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
    this.ownLabels = labelMap && new OwnLabels(labelMap);
    this.refreshOverlays();
  }

  setStyle(style: OverlayStyle): void {
    this.style = style;
    this.refreshOverlays();
  }

  /** Colour the images by what a run found; undefined shows them as they are. */
  setHeat(heat: Heat | undefined): void {
    this.heat = heat;
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
    this.gestures.decorate(context, view, this.tool, this.brushRadiusMm);
  }
}

function aroundZero(window: Window | undefined): Window {
  return { center: 0, width: Math.max(window?.width ?? 1, 1e-6) };
}
