// @vitest-environment node
import { describe, expect, it } from "vitest";

import { idleStage, isActWorthTelling } from "./idle";

const MINUTE_MS = 60_000;

describe("the idle clock", () => {
  it("is quiet until the last minute of fifteen", () => {
    expect(idleStage(13 * MINUTE_MS, 0, 900)).toEqual({ secondsLeft: 120, isWarning: false, isOver: false });
    expect(idleStage(14 * MINUTE_MS, 0, 900)).toEqual({ secondsLeft: 60, isWarning: true, isOver: false });
  });

  it("warns in the last quarter of a short time-out", () => {
    expect(idleStage(20_000, 0, 40).isWarning).toBe(false);
    expect(idleStage(31_000, 0, 40).isWarning).toBe(true);
  });

  it("is over a second after the server's own clock", () => {
    expect(idleStage(900_000, 0, 900).isOver).toBe(false);
    expect(idleStage(901_000, 0, 900)).toEqual({ secondsLeft: 0, isWarning: true, isOver: true });
  });

  it("tells the server of acts once a minute at most", () => {
    expect(isActWorthTelling(59_000, 0, 900)).toBe(false);
    expect(isActWorthTelling(60_000, 0, 900)).toBe(true);
    expect(isActWorthTelling(8_000, 0, 40)).toBe(true);
  });
});
