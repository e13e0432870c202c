import type { LabelMap } from "./label_map";

/** All that one stroke changed. */
export interface Stroke {
  indices: Uint32Array;
  before: Uint16Array;
  after: Uint16Array;
}

const MOST_STROKES = 200;

function apply(labelMap: LabelMap, stroke: Stroke, values: Uint16Array): Set<number> {
  const slices = new Set<number>();
  stroke.indices.forEach((index, position) => {
    labelMap.voxels[index] = values[position] ?? 0;
    slices.add(Math.floor(index / labelMap.sliceSize));
  });
  for (const slice of slices) labelMap.touch(slice, 1);
  return slices;
}

/** Undo and redo of strokes on one label map. */
export class EditHistory {
  private done: Stroke[] = [];
  private undone: Stroke[] = [];

  get canUndo(): boolean {
    return this.done.length > 0;
  }

  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  push(stroke: Stroke): void {
    this.done.push(stroke);
    if (this.done.length > MOST_STROKES) this.done.shift();
    this.undone = [];
  }

  /** Returns the slices that changed. */
  undo(labelMap: LabelMap): Set<number> {
    const stroke = this.done.pop();
    if (!stroke) return new Set();
    this.undone.push(stroke);
    return apply(labelMap, stroke, stroke.before);
  }

  redo(labelMap: LabelMap): Set<number> {
    const stroke = this.undone.pop();
    if (!stroke) return new Set();
    this.done.push(stroke);
    return apply(labelMap, stroke, stroke.after);
  }

  clear(): void {
    this.done = [];
    this.undone = [];
  }
}
