import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { encodeBrick, readBrick, type Brick } from "./brick";
import { BrickPace } from "./brick_pace";

function brick(sequence: number): Brick {
  const bytes = encodeBrick(new Uint8Array(4), sequence, 2, 2);
  new DataView(bytes.buffer).setUint32(8, sequence, true);
  return readBrick(bytes.buffer);
}

function turnAway(isHidden: boolean): void {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
  document.dispatchEvent(new Event("visibilitychange"));
}

function follow() {
  const seen = { written: [] as number[][], acknowledged: [] as number[] };
  const pace = new BrickPace({
    onWrite: (bricks) => seen.written.push(bricks.map(({ sequence }) => sequence)),
    onAcknowledge: (sequence) => seen.acknowledged.push(sequence),
  });
  return { pace, seen };
}

/** Fake timers of vitest redraw every 16 ms. */
const REDRAW_MS = 16;

describe("BrickPace", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => {
    turnAway(false);
    vi.useRealTimers();
  });

  it("writes what has arrived with the next redraw and acknowledges what has been drawn", () => {
    const { pace, seen } = follow();
    pace.take(brick(1));
    pace.take(brick(2));
    expect(seen.written).toEqual([]);
    vi.advanceTimersByTime(REDRAW_MS);
    expect(seen).toEqual({ written: [[1, 2]], acknowledged: [] });
    expect([pace.noteDrawn(), pace.noteDrawn()]).toEqual([true, false]);
    expect([pace.drawnSequence, seen.acknowledged]).toEqual([2, [2]]);
    vi.advanceTimersByTime(5000);
    expect(seen.acknowledged).toEqual([2]);
  });

  it("acknowledges after a second where no view draws", () => {
    const { pace, seen } = follow();
    pace.take(brick(1));
    vi.advanceTimersByTime(999);
    expect(seen.acknowledged).toEqual([]);
    vi.advanceTimersByTime(1);
    expect([pace.drawnSequence, seen.acknowledged]).toEqual([0, [1]]);
  });

  it("takes bricks without redraws and timers while nobody sees the page, and counts one redraw on return", () => {
    const { pace, seen } = follow();
    vi.stubGlobal("requestAnimationFrame", () => 1); // a hidden tab is never redrawn
    pace.take(brick(1));
    turnAway(true);
    pace.take(brick(2));
    pace.take(brick(3));
    expect(seen).toEqual({ written: [[1], [2], [3]], acknowledged: [1, 2, 3] });
    expect(pace.drawnSequence).toBe(0);
    vi.unstubAllGlobals();
    turnAway(false);
    expect([pace.noteDrawn(), pace.drawnSequence]).toEqual([true, 3]);
    expect(seen.acknowledged).toEqual([1, 2, 3]);
  });

  it("forgets what waited when another attempt begins, and counts from its start", () => {
    const { pace, seen } = follow();
    pace.take(brick(7));
    pace.restart();
    vi.advanceTimersByTime(5000);
    expect(seen).toEqual({ written: [], acknowledged: [] });
    pace.take(brick(1));
    vi.advanceTimersByTime(REDRAW_MS);
    pace.noteDrawn();
    expect(seen).toEqual({ written: [[1]], acknowledged: [1] });
    pace.close();
  });
});
