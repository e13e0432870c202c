import { afterEach, describe, expect, it, vi } from "vitest";

import type { SeriesFrames } from "../state/records";
import { PixelSource } from "./pixel_source";

const FRAMES = 5;
const FRAME_BYTES = 2 * 3 * 2;
const values = Int16Array.from({ length: FRAMES * 6 }, (_, index) => index - 10);
const bytes = new Uint8Array(values.buffer);

const description = {
  series_id: "s",
  dtype: "int16",
  samples_per_pixel: 1,
  total_bytes: bytes.length,
  frames: Array.from({ length: FRAMES }, (_, index) => ({
    index,
    rows: 2,
    columns: 3,
    byte_offset: index * FRAME_BYTES,
    byte_length: FRAME_BYTES,
  })),
} as unknown as SeriesFrames;

/** A server that sends single frames at once and the stream in the given pieces, each when it is asked for. */
function serve(pieces: readonly Uint8Array[], asked: string[] = []) {
  vi.stubGlobal("fetch", (path: string) => {
    asked.push(path);
    const frame = /frames\/(\d+)\/pixels/.exec(path)?.[1];
    if (frame !== undefined)
      return Promise.resolve(new Response(bytes.slice(Number(frame) * FRAME_BYTES, (Number(frame) + 1) * FRAME_BYTES)));
    let next = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const piece = pieces[next++];
        if (piece) controller.enqueue(piece);
        else controller.close();
      },
    });
    return Promise.resolve(new Response(body));
  });
  return asked;
}

function cut(...ends: number[]): Uint8Array[] {
  return [0, ...ends].map((start, index) => bytes.slice(start, ends[index] ?? bytes.length));
}

function run(): Promise<{ source: PixelSource; arrived: number[]; error: string | undefined }> {
  const arrived: number[] = [];
  return new Promise((resolve) => {
    const source: PixelSource = new PixelSource(description, {
      onFrame: (index) => arrived.push(index),
      onComplete: () => resolve({ source, arrived, error: undefined }),
      onError: (error) => resolve({ source, arrived, error }),
    });
    source.start(3);
  });
}

describe("PixelSource", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("brings the focus frame first and each other one as its last byte comes", async () => {
    const asked = serve(cut(5, 13, 14, 40));
    const { source, arrived } = await run();
    expect(asked).toEqual(["/api/series/s/frames/3/pixels", "/api/series/s/pixels"]);
    expect(arrived).toEqual([3, 0, 1, 2, 4]);
    expect([...source.samples]).toEqual([...values]);
    expect([...source.frameSamples(2)]).toEqual([...values.slice(12, 18)]);
  });

  it("asks by itself for a frame the stream has not come to", async () => {
    const asked = serve([]);
    const source = new PixelSource(description, {});
    await source.whenFrame(4);
    expect(asked).toEqual(["/api/series/s/frames/4/pixels"]);
    expect([...source.frameSamples(4)]).toEqual([...values.slice(24)]);
    source.dispose();
  });

  it("says so at once when the server refuses", async () => {
    vi.stubGlobal("fetch", () => Promise.resolve(new Response("", { status: 404 })));
    expect((await run()).error).toContain("404");
  });

  it("asks again when the stream ends early", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    let tries = 0;
    vi.stubGlobal("fetch", (path: string) => {
      if (path.includes("frames")) return Promise.reject(new TypeError("no network"));
      return Promise.resolve(new Response(bytes.slice(0, tries++ === 0 ? 30 : bytes.length)));
    });
    const result = run();
    await vi.advanceTimersByTimeAsync(1500);
    const { arrived, error } = await result;
    expect([error, tries]).toEqual([undefined, 2]);
    expect(arrived).toEqual([0, 1, 2, 3, 4]);
    vi.useRealTimers();
  });
});
