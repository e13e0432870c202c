import type { Types } from "@cornerstonejs/core";

import type { LabelMap } from "../state/label_map";
import { planeOf, type Grid, type ImagePlace, type Plane, type PlaneId } from "../state/planes";
import { currentToPriorIndex, type Affine } from "../state/registration";
import { fitGreys, resampleImage, subtractImage, type ResampledFrom } from "../state/resampling";
import type { SeriesFrames } from "../state/records";
import { LaidOverLabels, type LabelImages } from "./label_images";
import { giveAddress, imageIdOf, makeImage, type PaneImages, type SeriesImages } from "./series_images";

/** What of a prior stands in the place of the current images. */
export type Comparison = "prior" | "difference";

const SAMPLED_IMAGES = 9;
const SAMPLED_PIXELS = 4000;

let count = 0;

/** A prior on the grid of the current series, or what differs between them; each image is made when it is shown. */
export class PriorImages implements PaneImages {
  readonly grid: Grid;
  readonly description: SeriesFrames;
  private readonly key: string;
  private readonly giveUpAddress: () => void;
  private readonly source: ResampledFrom;
  private greys: { readonly factor: number; readonly offset: number } | undefined;

  constructor(
    private readonly current: SeriesImages,
    private readonly prior: SeriesImages,
    readonly kind: Comparison,
    priorToCurrentMm: Affine,
  ) {
    const { grid } = current;
    if (!grid || !prior.grid) throw new Error("Only volumes can be laid over each other.");
    this.grid = grid;
    const fromIndex = currentToPriorIndex(grid, prior.grid, priorToCurrentMm);
    this.source = { values: prior.pixels.samples, shape: prior.grid.shape, fromIndex };
    this.description = { ...prior.description, ...(kind === "difference" ? differenceRange(prior.description) : {}) };
    this.key = `${current.description.series_id}~${kind}~${String(++count)}`;
    this.giveUpAddress = giveAddress(this.key, this);
  }

  dispose(): void {
    this.giveUpAddress();
  }

  /** The prior's label map as it lies over the current images. */
  labelsOf(labelMap: LabelMap): LabelImages {
    return new LaidOverLabels(labelMap, this.source.fromIndex);
  }

  imageIds(plane: PlaneId): string[] {
    return Array.from({ length: planeOf(this.grid, plane).count }, (_, index) => imageIdOf(this.key, plane, index));
  }

  place(plane: PlaneId, index: number): ImagePlace {
    return this.current.place(plane, index);
  }

  load(id: PlaneId, index: number): Promise<Types.IImage> {
    const plane = planeOf(this.grid, id);
    const prior = resampleImage(this.source, plane, index);
    const samples = this.kind === "prior" ? this.fillIn(prior) : this.subtract(prior, plane, index);
    return Promise.resolve(makeImage(imageIdOf(this.key, id, index), this.description, this.place(id, index), samples));
  }

  private fillIn(image: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
    const { minimum } = this.prior.description;
    return image.map((value) => (Number.isNaN(value) ? minimum : value)) as Float32Array<ArrayBuffer>;
  }

  private subtract(image: Float32Array<ArrayBuffer>, plane: Plane, index: number): Float32Array<ArrayBuffer> {
    this.greys ??= this.findGreys();
    return subtractImage(this.current.samplesOf(plane.id, index), image, this.greys);
  }

  /** MR has no unit: its greys are brought to each other first, by what a few images across the volume show. */
  private findGreys(): { readonly factor: number; readonly offset: number } {
    if (this.current.description.modality !== "MR") return { factor: 1, offset: 0 };
    const plane = planeOf(this.grid, "acquired");
    const background = this.current.description.minimum;
    const pairs: (readonly [number, number])[] = [];
    const step = Math.max(1, Math.floor((plane.rows * plane.columns) / SAMPLED_PIXELS));
    for (let part = 1; part <= SAMPLED_IMAGES; part++) {
      const index = Math.floor((plane.count * part) / (SAMPLED_IMAGES + 1));
      const now = this.current.samplesOf("acquired", index);
      const before = resampleImage(this.source, plane, index);
      for (let i = 0; i < before.length; i += step) {
        const value = before[i] ?? NaN;
        if (!Number.isNaN(value) && (now[i] ?? 0) > background) pairs.push([now[i] ?? 0, value]);
      }
    }
    return fitGreys(pairs);
  }
}

/** Values of a difference lie on both sides of zero. */
function differenceRange({ minimum, maximum }: SeriesFrames): Partial<SeriesFrames> {
  const most = maximum - minimum;
  return { minimum: -most, maximum: most, window_presets: [], unit: "" };
}
