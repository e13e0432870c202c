import { heatSlice, paintHeat, type HeatMap } from "../state/heat";
import type { Plane } from "../state/planes";
import { IN_MEMORY } from "./overlay_image";

/** What a run found, to be drawn over the images. */
export interface Heat {
  readonly map: HeatMap;
  /** 0 to 1. */
  readonly opacity: number;
}

/** One pane's picture of it, made anew only for another image or another look. */
export class HeatLayer {
  private made: { heat: Heat; index: number; canvas: HTMLCanvasElement } | undefined;

  /** The matrix leads from image pixels to canvas pixels, pixel (0, 0) having its corner at (0, 0). */
  draw(
    context: CanvasRenderingContext2D,
    heat: Heat,
    { plane, index }: { readonly plane: Plane; readonly index: number },
    toScreen: DOMMatrix,
  ): void {
    if (this.made?.heat !== heat || this.made.index !== index)
      this.made = { heat, index, canvas: paint(heat, plane, index) };
    context.save();
    context.imageSmoothingEnabled = false;
    context.setTransform(toScreen);
    context.drawImage(this.made.canvas, 0, 0);
    context.restore();
  }
}

function paint({ map, opacity }: Heat, plane: Plane, index: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = plane.columns;
  canvas.height = plane.rows;
  const pixels = paintHeat(heatSlice(map, plane, index), opacity, map.isSigned);
  const image = new ImageData(new Uint8ClampedArray(pixels.buffer), plane.columns, plane.rows);
  canvas.getContext("2d", IN_MEMORY)?.putImageData(image, 0, 0);
  return canvas;
}
