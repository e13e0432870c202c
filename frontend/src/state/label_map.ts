import type { Triple } from "./planes";

export type LabelVoxels = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

/**
 * The label map on screen: one mutable array that bricks, revisions and the brush write and every view reads.
 * It is too large to be copied per change, so it counts versions instead: views redraw when theirs is old.
 */
export class LabelMap {
  readonly shape: Triple;
  voxels: LabelVoxels;
  /** Grows with every change. */
  version = 0;
  private readonly sliceCounts: (Map<number, number> | undefined)[];
  private readonly listeners = new Set<() => void>();

  constructor(shape: Triple) {
    this.shape = shape;
    this.voxels = new Uint8Array(shape[0] * shape[1] * shape[2]);
    this.sliceCounts = new Array<Map<number, number> | undefined>(shape[0]).fill(new Map());
  }

  get sliceSize(): number {
    return this.shape[1] * this.shape[2];
  }

  /** Forget all labels; wide holds segment numbers above 255. */
  clear(isWide = false): void {
    const size = this.voxels.length;
    if (isWide === this.voxels instanceof Uint16Array) this.voxels.fill(0);
    else this.voxels = isWide ? new Uint16Array(size) : new Uint8Array(size);
    this.touch(0, this.shape[0]);
  }

  /** Write through `change`, then say which slices it may have altered. */
  write(sliceStart: number, sliceCount: number, change: (voxels: LabelVoxels) => void): void {
    change(this.voxels);
    this.touch(sliceStart, sliceCount);
  }

  /** Record that slices were altered. */
  touch(sliceStart: number, sliceCount: number): void {
    for (let slice = sliceStart; slice < sliceStart + sliceCount; slice++) this.sliceCounts[slice] = undefined;
    this.version++;
    for (const listener of [...this.listeners]) listener();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Copy of consecutive slices. */
  slices(sliceStart: number, sliceCount: number): LabelVoxels {
    return this.voxels.slice(sliceStart * this.sliceSize, (sliceStart + sliceCount) * this.sliceSize);
  }

  /** Voxels per segment number, background left out; only altered slices are counted again. */
  countVoxels(): Map<number, number> {
    const counts = new Map<number, number>();
    for (let slice = 0; slice < this.shape[0]; slice++) {
      const inSlice = (this.sliceCounts[slice] ??= this.countSlice(slice));
      for (const [segment, count] of inSlice) counts.set(segment, (counts.get(segment) ?? 0) + count);
    }
    return counts;
  }

  private countSlice(slice: number): Map<number, number> {
    const counts = new Map<number, number>();
    const end = (slice + 1) * this.sliceSize;
    let runStart = slice * this.sliceSize;
    for (let i = runStart + 1; i <= end; i++) {
      const value = this.voxels[runStart] ?? 0;
      if (i < end && this.voxels[i] === value) continue;
      if (value !== 0) counts.set(value, (counts.get(value) ?? 0) + i - runStart);
      runStart = i;
    }
    return counts;
  }

  get labelledVoxels(): number {
    let total = 0;
    for (const count of this.countVoxels().values()) total += count;
    return total;
  }
}
