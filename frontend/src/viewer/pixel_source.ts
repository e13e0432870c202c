import type { SeriesFrames } from "../state/records";

export type Samples =
  Int16Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

export interface PixelSourceEvents {
  /** A frame's samples are in the array. */
  onFrame?: (index: number) => void;
  onProgress?: (receivedBytes: number) => void;
  onComplete?: () => void;
  onError?: (message: string) => void;
}

const TRIES = 4;

function makeSamples(dtype: SeriesFrames["dtype"], bytes: number): Samples {
  const buffer = new ArrayBuffer(bytes);
  if (dtype === "int16") return new Int16Array(buffer);
  if (dtype === "uint16") return new Uint16Array(buffer);
  return dtype === "uint8" ? new Uint8Array(buffer) : new Float32Array(buffer);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** A refusal that asking again will not change. */
class Refused extends Error {}

/**
 * All samples of a series in one array, filled by one streamed request; the frame on screen is asked for by itself
 * first, so that something shows before the stream has come that far.
 */
export class PixelSource {
  readonly samples: Samples;
  receivedBytes = 0;
  isComplete = false;
  private readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly hasArrived: Uint8Array;
  private readonly waiting = new Map<number, { promise: Promise<void>; resolve: () => void }>();
  private readonly asked = new Set<number>();
  private readonly aborter = new AbortController();
  private nextInStream = 0;

  constructor(
    readonly description: SeriesFrames,
    private readonly events: PixelSourceEvents,
  ) {
    this.samples = makeSamples(description.dtype, description.total_bytes);
    this.bytes = new Uint8Array(this.samples.buffer);
    this.hasArrived = new Uint8Array(description.frames.length);
  }

  /** Fetch the focus frame, then everything. */
  start(focus: number): void {
    void this.fetchFrame(focus).finally(() => this.fetchAll());
  }

  dispose(): void {
    this.aborter.abort();
  }

  has(index: number): boolean {
    return this.hasArrived[index] === 1;
  }

  /** Samples of one frame, as a view on the whole. */
  frameSamples(index: number): Samples {
    const frame = this.description.frames[index];
    if (!frame) throw new RangeError(`The series has no frame ${index}.`);
    const start = frame.byte_offset / this.samples.BYTES_PER_ELEMENT;
    return this.samples.subarray(start, start + frame.byte_length / this.samples.BYTES_PER_ELEMENT) as Samples;
  }

  /** Resolves once a frame is there; a frame the stream has not reached is asked for by itself. */
  whenFrame(index: number): Promise<void> {
    if (this.has(index)) return Promise.resolve();
    let entry = this.waiting.get(index);
    if (!entry) {
      let resolve: () => void = () => undefined;
      const promise = new Promise<void>((done) => (resolve = done));
      entry = { promise, resolve };
      this.waiting.set(index, entry);
    }
    if (index > this.nextInStream + 2) void this.fetchFrame(index);
    return entry.promise;
  }

  private arrive(index: number): void {
    if (this.has(index)) return;
    this.hasArrived[index] = 1;
    this.waiting.get(index)?.resolve();
    this.waiting.delete(index);
    this.events.onFrame?.(index);
  }

  private async fetchFrame(index: number): Promise<void> {
    const frame = this.description.frames[index];
    if (!frame || this.has(index) || this.asked.has(index)) return;
    this.asked.add(index);
    try {
      const response = await this.request(`/frames/${String(index)}/pixels`);
      const data = new Uint8Array(await response.arrayBuffer());
      if (data.length !== frame.byte_length) return;
      this.bytes.set(data, frame.byte_offset);
      this.arrive(index);
    } catch {
      // The stream brings the same bytes, and it is the stream that reports.
      this.asked.delete(index);
    }
  }

  private async request(path: string): Promise<Response> {
    const response = await fetch(`/api/series/${this.description.series_id}${path}`, {
      signal: this.aborter.signal,
      credentials: "same-origin",
    });
    if (response.ok) return response;
    if (response.status < 500) throw new Refused(`The server refused the images (${String(response.status)}).`);
    throw new Error(`The server could not send the images (${String(response.status)}).`);
  }

  private async fetchAll(): Promise<void> {
    const { signal } = this.aborter;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await this.stream(await this.request("/pixels"));
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Refused || attempt === TRIES) {
          this.events.onError?.(error instanceof Error ? error.message : "The images could not be loaded.");
          return;
        }
        await pause(500 * 2 ** attempt, signal);
      }
    }
  }

  private async stream(response: Response): Promise<void> {
    const reader = response.body?.getReader();
    if (!reader) throw new Error("The images came without content.");
    let position = 0;
    this.nextInStream = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (position + value.length > this.bytes.length) throw new Error("The images are longer than announced.");
      this.bytes.set(value, position);
      position += value.length;
      this.advance(position);
    }
    if (position !== this.bytes.length) throw new Error("The images ended early.");
    this.isComplete = true;
    this.events.onComplete?.();
  }

  private advance(position: number): void {
    const { frames } = this.description;
    for (let frame = frames[this.nextInStream]; frame; frame = frames[this.nextInStream]) {
      if (frame.byte_offset + frame.byte_length > position) break;
      this.arrive(this.nextInStream++);
    }
    this.receivedBytes = Math.max(this.receivedBytes, position);
    this.events.onProgress?.(this.receivedBytes);
  }
}
