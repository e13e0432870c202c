import { Enums, type StackViewport, type Types } from "@cornerstonejs/core";

import { pixelAt, pixelOf, planeOf, voxelAt, type Grid, type Plane, type PlaneId, type Triple } from "../state/planes";
import { renderingEngine } from "./engine";
import { HeatLayer, type Heat } from "./heat_layer";
import type { LabelImages } from "./label_images";
import { IN_MEMORY, makeOverlayImage, paintOverlay, type OverlayImage, type OverlayStyle } from "./overlay_image";
import type { PaneImages } from "./series_images";

export interface Window {
  center: number;
  width: number;
}

/** What is drawn above an image, in CSS pixels of its element. */
export type Decorate = (context: CanvasRenderingContext2D, view: View) => void;

export interface ViewHost {
  /** Tells the panes of one viewer from those of another. */
  name: string;
  images: PaneImages;
  labels: () => LabelImages | undefined;
  style: () => OverlayStyle;
  heat: () => Heat | undefined;
  greys: () => { window: Window | undefined; isInverted: boolean };
  decorate: Decorate;
  hasWebGl: boolean;
  onRendered: (view: View) => void;
  onSlice: (view: View, index: number) => void;
  onCamera: (view: View) => void;
}

/** A pane that is hidden is not drawn; it is not waited for. */
const RENDERED_WITHIN_MS = 500;

interface CachedOverlay {
  index: number;
  labels: LabelImages;
  version: number;
  style: OverlayStyle;
  image: OverlayImage | undefined;
}

/** Point in CSS pixels of a view's element. */
export type CanvasPoint = readonly [number, number];

/** One pane: an image of a plane with its labels above it. */
export class View {
  readonly id: string;
  readonly plane: Plane;
  readonly viewport: StackViewport;
  private readonly canvas = document.createElement("canvas");
  private readonly labels = document.createElement("canvas");
  private drawn: { overlay: OverlayImage; place: string } | undefined;
  private cached: CachedOverlay | undefined;
  private readonly heat = new HeatLayer();
  private frame = 0;
  private isDisposed = false;
  private shownIndex = 0;
  private images: PaneImages;
  private wanted: PaneImages | undefined;
  private exchanging: Promise<void> | undefined;

  constructor(
    readonly element: HTMLDivElement,
    planeId: PlaneId,
    private readonly host: ViewHost,
  ) {
    this.id = `${host.name}-${planeId}`;
    this.images = host.images;
    const { grid } = host.images;
    this.plane = grid ? planeOf(grid, planeId) : singleFramePlane(host.images);
    const engine = renderingEngine();
    const background: Types.Point3 = [0, 0, 0];
    engine.enableElement({
      viewportId: this.id,
      element,
      type: Enums.ViewportType.STACK,
      defaultOptions: { background },
    });
    this.viewport = engine.getViewport(this.id) as StackViewport;
    this.canvas.className = "overlay-canvas";
    element.querySelector(".viewport-element")?.append(this.canvas);
    // Cornerstone3D makes its elements focusable and swallows their keys; the page's keys work everywhere.
    element.removeAttribute("tabindex");
    element.addEventListener(Enums.Events.IMAGE_RENDERED, this.rendered);
    element.addEventListener(Enums.Events.STACK_NEW_IMAGE, this.newImage);
    element.addEventListener(Enums.Events.CAMERA_MODIFIED, this.cameraMoved);
  }

  async open(index: number): Promise<void> {
    this.shownIndex = index;
    await this.viewport.setStack(this.images.imageIds(this.plane.id), index);
    if (this.isDisposed) return;
    this.applyGreys();
  }

  /** Show other images on the same grid in place of the present ones, as zoomed and at the same image. */
  exchange(images: PaneImages): Promise<void> {
    this.wanted = images;
    this.exchanging ??= this.exchangeUntilWanted().finally(() => {
      this.exchanging = undefined;
    });
    return this.exchanging;
  }

  /** One after the other: the renderer stumbles over images that are taken away before it has drawn them. */
  private async exchangeUntilWanted(): Promise<void> {
    while (!this.isDisposed && this.wanted && this.wanted !== this.images) {
      this.images = this.wanted;
      const before = this.presentation();
      const isDrawn = this.nextRendering();
      await this.open(this.viewport.getTargetImageIdIndex());
      if (!this.isDisposed) this.present(before);
      await isDrawn;
    }
  }

  private nextRendering(): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        this.element.removeEventListener(Enums.Events.IMAGE_RENDERED, finish);
        resolve();
      };
      const timer = setTimeout(finish, RENDERED_WITHIN_MS);
      this.element.addEventListener(Enums.Events.IMAGE_RENDERED, finish);
    });
  }

  dispose(): void {
    this.isDisposed = true;
    cancelAnimationFrame(this.frame);
    this.element.removeEventListener(Enums.Events.IMAGE_RENDERED, this.rendered);
    this.element.removeEventListener(Enums.Events.STACK_NEW_IMAGE, this.newImage);
    this.element.removeEventListener(Enums.Events.CAMERA_MODIFIED, this.cameraMoved);
    renderingEngine().disableElement(this.id);
    this.canvas.remove();
  }

  /** Whether there is an image in the pane. */
  get isDrawn(): boolean {
    return !this.isDisposed && this.viewport.getCornerstoneImage() !== undefined;
  }

  get index(): number {
    return this.shownIndex;
  }

  /** Show another image of the plane; resolves when it is on screen. */
  async show(index: number): Promise<void> {
    const target = Math.max(0, Math.min(this.plane.count - 1, index));
    if (this.viewport.getTargetImageIdIndex() === target) return;
    await this.viewport.setImageIdIndex(target);
  }

  /** Take over the window and the inversion that hold now. */
  applyGreys(): void {
    if (!this.viewport.getCornerstoneImage()) return;
    const { window, isInverted } = this.host.greys();
    const lower = window && window.center - window.width / 2;
    const voiRange = window && lower !== undefined ? { lower, upper: lower + window.width } : undefined;
    this.viewport.setProperties({ invert: isInverted, ...(voiRange && { voiRange }) });
    this.viewport.render();
  }

  /**
   * Zoom and pan relative to the whole image fitting its pane. The CPU renderer takes a pan in other units than it
   * gives, which would throw the image out of its pane: there a pane of another size shows the whole image again.
   */
  presentation(): Types.ViewPresentation | undefined {
    return this.host.hasWebGl && this.viewport.getCornerstoneImage() ? this.viewport.getViewPresentation() : undefined;
  }

  present(presentation: Types.ViewPresentation | undefined): void {
    if (!presentation || !this.viewport.getCornerstoneImage()) return;
    this.viewport.setViewPresentation(presentation);
    this.viewport.render();
  }

  reset(): void {
    this.viewport.resetCamera();
    this.viewport.render();
  }

  /** Column and row, between pixels, under a point of the element. */
  pixelUnder(point: CanvasPoint): { column: number; row: number } | undefined {
    const world = this.viewport.canvasToWorld([point[0], point[1]]) as Types.Point3 | undefined;
    if (!world) return undefined;
    const { column, row } = pixelAt(this.place(), [world[0], world[1], world[2]]);
    return { column: column - this.cornerShift, row: row - this.cornerShift };
  }

  /** Voxel under a point, or undefined outside the image. */
  voxelUnder(point: CanvasPoint): Triple | undefined {
    const pixel = this.pixelUnder(point);
    if (!pixel) return undefined;
    const column = Math.round(pixel.column);
    const row = Math.round(pixel.row);
    const place = this.place();
    if (column < 0 || row < 0 || column >= place.columns || row >= place.rows) return undefined;
    return voxelAt(this.plane, this.shownIndex, column, row);
  }

  /** Where the centre of a pixel lies in the element. */
  canvasPoint(column: number, row: number): CanvasPoint {
    const place = this.place();
    const right = (column + this.cornerShift) * place.spacingRightMm;
    const down = (row + this.cornerShift) * place.spacingDownMm;
    const world = ([0, 1, 2] as const).map(
      (axis) => place.originMm[axis] + place.right[axis] * right + place.down[axis] * down,
    ) as Types.Point3;
    return this.viewport.worldToCanvas(world) as unknown as CanvasPoint;
  }

  /** Where a voxel lies in the element, and whether its image is the one shown. */
  locate(voxel: Triple): { point: CanvasPoint; isShown: boolean } {
    const { index, column, row } = pixelOf(this.plane, voxel);
    return { point: this.canvasPoint(column, row), isShown: index === this.shownIndex };
  }

  /** CSS pixels per image pixel, to the right and down. */
  pixelSize(): { right: number; down: number } {
    const [x0, y0] = this.canvasPoint(0, 0);
    const [x1] = this.canvasPoint(1, 0);
    const [, y1] = this.canvasPoint(0, 1);
    return { right: Math.abs(x1 - x0), down: Math.abs(y1 - y0) };
  }

  place() {
    return this.images.place(this.plane.id, this.shownIndex);
  }

  /** Redraw the labels with the next frame of the screen. */
  refreshOverlay(): void {
    if (this.frame !== 0 || this.isDisposed) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.drawOverlay();
    });
  }

  /** The CPU renderer counts from the corner of the first pixel, WebGL from its centre. */
  private get cornerShift(): number {
    return this.host.hasWebGl ? 0 : 0.5;
  }

  private readonly rendered = (): void => {
    this.drawOverlay();
    this.host.onRendered(this);
  };

  private readonly cameraMoved = (): void => {
    this.host.onCamera(this);
  };

  private readonly newImage = (event: Event): void => {
    const { imageIdIndex } = (event as CustomEvent<{ imageIdIndex: number }>).detail;
    this.shownIndex = imageIdIndex;
    this.host.onSlice(this, imageIdIndex);
  };

  private drawOverlay(): void {
    const context = this.fitCanvas();
    if (!context || !this.viewport.getCornerstoneImage()) return;
    const heat = this.host.heat();
    if (heat) this.heat.draw(context, heat, { plane: this.plane, index: this.shownIndex }, this.toScreen());
    const labels = this.host.labels();
    const style = this.host.style();
    if (labels && style.isShown) this.drawLabels(context, labels, style);
    this.host.decorate(context, this);
  }

  private fitCanvas(): CanvasRenderingContext2D | null {
    const ratio = globalThis.devicePixelRatio || 1;
    const width = Math.round(this.element.clientWidth * ratio);
    const height = Math.round(this.element.clientHeight * ratio);
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    const context = this.canvas.getContext("2d", IN_MEMORY);
    context?.setTransform(1, 0, 0, 1, 0, 0);
    context?.clearRect(0, 0, width, height);
    context?.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  }

  private overlayImage(labels: LabelImages, style: OverlayStyle): OverlayImage | undefined {
    const { cached, shownIndex: index } = this;
    const isSame = cached?.labels === labels && cached.version === labels.version && cached.style === style;
    if (isSame && cached.index === index) return cached.image;
    const image = makeOverlayImage(labels.slice(this.plane, index), this.plane, style);
    this.cached = { index, labels, version: labels.version, style, image };
    return image;
  }

  /** From image pixels, the corner of the first being (0, 0), to pixels of the canvas. */
  private toScreen(): DOMMatrix {
    const [x0, y0] = this.canvasPoint(-0.5, -0.5);
    const [xr, yr] = this.canvasPoint(0.5, -0.5);
    const [xd, yd] = this.canvasPoint(-0.5, 0.5);
    const ratio = globalThis.devicePixelRatio || 1;
    return new DOMMatrix([xr - x0, yr - y0, xd - x0, yd - y0, x0, y0].map((value) => value * ratio));
  }

  /** Labels are drawn anew only where they, their place or their size differ; crosshairs move far more often. */
  private drawLabels(context: CanvasRenderingContext2D, labels: LabelImages, style: OverlayStyle): void {
    const overlay = this.overlayImage(labels, style);
    if (!overlay) return;
    const toScreen = this.toScreen();
    const { a, b, c, d, e, f } = toScreen;
    const ratio = globalThis.devicePixelRatio || 1;
    const { width, height } = this.canvas;
    const place = [width, height, ...[a, b, c, d, e, f].map((value) => value.toFixed(3))].join(" ");
    if (this.drawn?.overlay !== overlay || this.drawn.place !== place) {
      paintOverlay(this.labels, overlay, toScreen, { width, height, ratio });
      this.drawn = { overlay, place };
    }
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.labels, 0, 0);
    context.restore();
  }
}

/** Frames of unequal size share no grid: each is shown by itself. */
function singleFramePlane(images: PaneImages): Plane {
  const { frames } = images.description;
  const grid: Grid = {
    shape: [frames.length, frames[0]?.rows ?? 1, frames[0]?.columns ?? 1],
    spacingMm: [1, 1, 1],
    originMm: [0, 0, 0],
    axes: [
      [0, 0, 1],
      [0, 1, 0],
      [1, 0, 0],
    ],
    isMeasured: false,
  };
  return planeOf(grid, "acquired");
}
