import { cache, Enums, imageLoader, metaData, utilities, type Types } from "@cornerstonejs/core";

import { placeOf, planeOf, walk, type Grid, type ImagePlace, type PlaneId } from "../state/planes";
import { acquiredPlace, gridOf } from "../state/series_grid";
import type { SeriesFrames } from "../state/records";
import { PixelSource, type PixelSourceEvents, type Samples } from "./pixel_source";

const SCHEME = "segweb";

/** What a `segweb:` address leads to: images of a series, or images computed from two. */
export interface ImageSet {
  readonly description: SeriesFrames;
  place(plane: PlaneId, index: number): ImagePlace;
  load(plane: PlaneId, index: number): Promise<Types.IImage>;
}

/** Images that a pane can show. */
export interface PaneImages extends ImageSet {
  readonly grid: Grid | undefined;
  imageIds(plane: PlaneId): string[];
}

const open = new Map<string, { readonly images: ImageSet; readonly loaded: Set<string> }>();

/** Give images an address until the returned function is called, which also forgets what was decoded of them. */
export function giveAddress(key: string, images: ImageSet): () => void {
  const loaded = new Set<string>();
  open.set(key, { images, loaded });
  return () => {
    open.delete(key);
    for (const imageId of loaded)
      if (cache.getImageLoadObject(imageId)) cache.removeImageLoadObject(imageId, { force: true });
  };
}

/** The images of a series as Cornerstone3D asks for them: acquired ones, and cuts across them made on demand. */
export class SeriesImages implements PaneImages {
  private readonly giveUpAddress: () => void;
  readonly grid: Grid | undefined;
  readonly pixels: PixelSource;

  constructor(
    readonly description: SeriesFrames,
    events: PixelSourceEvents,
  ) {
    this.grid = gridOf(description);
    this.pixels = new PixelSource(description, events);
    this.giveUpAddress = giveAddress(description.series_id, this);
  }

  dispose(): void {
    this.pixels.dispose();
    this.giveUpAddress();
  }

  imageIds(plane: PlaneId): string[] {
    const count = plane === "acquired" || !this.grid ? this.description.frames.length : planeOf(this.grid, plane).count;
    return Array.from({ length: count }, (_, index) => imageIdOf(this.description.series_id, plane, index));
  }

  place(plane: PlaneId, index: number): ImagePlace {
    if (plane === "acquired" || !this.grid) return acquiredPlace(this.description, this.grid, index);
    return placeOf(this.grid, planeOf(this.grid, plane), index);
  }

  async load(plane: PlaneId, index: number): Promise<Types.IImage> {
    if (plane === "acquired") await this.pixels.whenFrame(index);
    const imageId = imageIdOf(this.description.series_id, plane, index);
    return makeImage(imageId, this.description, this.place(plane, index), this.samplesOf(plane, index));
  }

  /** Values of one image that has arrived. */
  samplesOf(plane: PlaneId, index: number): Samples {
    return plane === "acquired" ? this.pixels.frameSamples(index) : this.cut(plane, index);
  }

  /** Gather one image across the acquired ones; what has not arrived yet is zero. */
  private cut(id: PlaneId, index: number): Samples {
    if (!this.grid) throw new Error("Only a volume can be cut.");
    const { samples } = this.pixels;
    const plane = planeOf(this.grid, id);
    const { start, stepRight, stepDown } = walk(plane, this.grid.shape, index);
    const image = samples.slice(0, plane.rows * plane.columns) as Samples;
    let target = 0;
    for (let row = 0; row < plane.rows; row++) {
      let source = start + row * stepDown;
      for (let column = 0; column < plane.columns; column++, source += stepRight)
        image[target++] = samples[source] ?? 0;
    }
    return image;
  }
}

/** Samples of one image as Cornerstone3D wants them. */
export function makeImage(
  imageId: string,
  description: SeriesFrames,
  place: ImagePlace,
  samples: Samples,
): Types.IImage {
  const isColour = description.samples_per_pixel > 1;
  return {
    imageId,
    ...greyRange(description),
    slope: 1,
    intercept: 0,
    voiLUTFunction: Enums.VOILUTFunctionType.LINEAR,
    rows: place.rows,
    columns: place.columns,
    height: place.rows,
    width: place.columns,
    color: isColour,
    rgba: false,
    numberOfComponents: description.samples_per_pixel,
    columnPixelSpacing: place.spacingRightMm,
    rowPixelSpacing: place.spacingDownMm,
    invert: false,
    photometricInterpretation: isColour ? "RGB" : "MONOCHROME2",
    sizeInBytes: samples.byteLength,
    dataType: samples.constructor.name as Types.PixelDataTypedArrayString,
    // The CPU renderer looks grey values up in a table and quantises floats only when told they were scaled.
    ...(samples instanceof Float32Array && {
      preScale: { enabled: true, scaled: true, scalingParameters: { rescaleSlope: 0.5, rescaleIntercept: 0 } },
    }),
    getPixelData: () => samples,
    getCanvas: () => undefined as unknown as HTMLCanvasElement,
    voxelManager: utilities.VoxelManager.createImageVoxelManager({
      width: place.columns,
      height: place.rows,
      scalarData: samples,
      numberOfComponents: description.samples_per_pixel,
    }) as NonNullable<Types.IImage["voxelManager"]>,
  };
}

/** Grey values and the window before anybody has chosen one. */
function greyRange(description: SeriesFrames) {
  if (description.samples_per_pixel > 1)
    return { minPixelValue: 0, maxPixelValue: 255, windowCenter: 128, windowWidth: 256 };
  const { minimum, maximum, window_presets: presets } = description;
  const wide = { center: (maximum + minimum) / 2, width: Math.max(1, maximum - minimum) };
  const { center, width } = presets[0] ?? wide;
  return {
    minPixelValue: minimum,
    maxPixelValue: Math.max(maximum, minimum + 1),
    windowCenter: center,
    windowWidth: width,
  };
}

export function imageIdOf(key: string, plane: PlaneId, index: number): string {
  return `${SCHEME}:${key}/${plane}/${String(index)}`;
}

function find(imageId: string): { images: ImageSet; loaded: Set<string>; plane: PlaneId; index: number } | undefined {
  const [key = "", plane, index] = imageId.slice(SCHEME.length + 1).split("/");
  const found = imageId.startsWith(`${SCHEME}:`) ? open.get(key) : undefined;
  return found && { ...found, plane: plane as PlaneId, index: Number(index) };
}

function planeModule(place: ImagePlace, seriesId: string): object {
  return {
    frameOfReferenceUID: seriesId,
    rows: place.rows,
    columns: place.columns,
    imageOrientationPatient: [...place.right, ...place.down],
    rowCosines: [...place.right],
    columnCosines: [...place.down],
    imagePositionPatient: [...place.originMm],
    pixelSpacing: [place.spacingDownMm, place.spacingRightMm],
    rowPixelSpacing: place.spacingDownMm,
    columnPixelSpacing: place.spacingRightMm,
  };
}

function pixelModule(description: SeriesFrames): object {
  const bits = { uint8: 8, int16: 16, uint16: 16, float32: 32 }[description.dtype];
  return {
    bitsAllocated: bits,
    bitsStored: bits,
    highBit: bits - 1,
    pixelRepresentation: description.dtype === "int16" ? 1 : 0,
    samplesPerPixel: description.samples_per_pixel,
    // The viewer inverts MONOCHROME1 itself, the same way in every view and with or without WebGL.
    photometricInterpretation: description.samples_per_pixel > 1 ? "RGB" : "MONOCHROME2",
  };
}

function provideMetadata(type: string, imageId: string): object | undefined {
  const found = typeof imageId === "string" ? find(imageId) : undefined;
  if (!found) return undefined;
  const { description } = found.images;
  if (type === "imagePlaneModule")
    return planeModule(found.images.place(found.plane, found.index), description.series_id);
  if (type === "imagePixelModule") return pixelModule(description);
  if (type === "generalSeriesModule")
    return { modality: description.modality, seriesInstanceUID: description.series_id };
  return undefined;
}

let isRegistered = false;

/** Teach Cornerstone3D the segweb: scheme. */
export function registerImages(): void {
  if (isRegistered) return;
  isRegistered = true;
  metaData.addProvider(provideMetadata as Parameters<typeof metaData.addProvider>[0], 10_000);
  imageLoader.registerImageLoader(SCHEME, (imageId) => {
    const found = find(imageId);
    found?.loaded.add(imageId);
    const promise = found
      ? found.images.load(found.plane, found.index)
      : Promise.reject(new Error("The series is no longer open."));
    return { promise: promise };
  });
}
