import type { LabelMap } from "../state/label_map";
import { walk, type Plane } from "../state/planes";
import { resampleLabels } from "../state/resampling";
import type { Affine } from "../state/registration";

/** One image's labels, row after row, and whether there is any. */
export interface LabelImage {
  readonly labels: Uint16Array;
  readonly isEmpty: boolean;
}

/** Labels as the images of a plane. */
export interface LabelImages {
  /** Grows with every change. */
  readonly version: number;
  slice(plane: Plane, index: number): LabelImage;
}

/** A label map cut as its images are. */
export class OwnLabels implements LabelImages {
  constructor(private readonly labelMap: LabelMap) {}

  get version(): number {
    return this.labelMap.version;
  }

  slice(plane: Plane, index: number): LabelImage {
    const { voxels, shape } = this.labelMap;
    const { start, stepRight, stepDown } = walk(plane, shape, index);
    const labels = new Uint16Array(plane.columns * plane.rows);
    let target = 0;
    let sum = 0;
    for (let row = 0; row < plane.rows; row++) {
      let source = start + row * stepDown;
      for (let column = 0; column < plane.columns; column++, source += stepRight) {
        const label = voxels[source] ?? 0;
        labels[target++] = label;
        sum |= label;
      }
    }
    return { labels, isEmpty: sum === 0 };
  }
}

/** The label map of a prior on the grid of the current images, by the nearest voxel. */
export class LaidOverLabels implements LabelImages {
  constructor(
    private readonly labelMap: LabelMap,
    private readonly fromIndex: Affine,
  ) {}

  get version(): number {
    return this.labelMap.version;
  }

  slice(plane: Plane, index: number): LabelImage {
    const { voxels, shape } = this.labelMap;
    const labels = resampleLabels({ values: voxels, shape, fromIndex: this.fromIndex }, plane, index);
    return { labels, isEmpty: labels.every((label) => label === 0) };
  }
}
