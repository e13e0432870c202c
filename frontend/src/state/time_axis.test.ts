// @vitest-environment node
import { describe, expect, it } from "vitest";

import { type AxisRoom, layOutAxis } from "./time_axis";

const room: AxisRoom = { width: 1000, padding: 50, markGap: 20, labelGap: 80 };
const day = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 86_400_000;
const at = (...dates: string[]) => dates.map((date) => ({ id: date, day: day(date) }));

describe("the time axis", () => {
  it("gives equal times equal lengths", () => {
    const { marks } = layOutAxis(at("2026-01-01", "2026-01-31", "2026-03-02"), room);
    expect(marks.map((mark) => mark.x)).toEqual([50, 500, 950]); // 30 and 30 days
  });

  it("keeps the order of time whatever the order of the list", () => {
    const { marks } = layOutAxis(at("2026-06-01", "2025-06-01"), room);
    expect(marks.map((mark) => mark.id)).toEqual(["2025-06-01", "2026-06-01"]);
  });

  it("lifts marks that would lie on each other and labels only where there is room", () => {
    const items = [...at("2026-01-01", "2026-12-31"), { id: "same day", day: day("2026-01-01") }];
    const { marks, lanes } = layOutAxis(items, room);
    expect(lanes).toBe(2);
    expect(marks.map((mark) => [mark.lane, mark.hasLabel])).toEqual([
      [0, true],
      [1, false],
      [0, true],
    ]);
  });

  it("puts a single study in the middle", () => {
    expect(layOutAxis(at("2026-05-05"), room).marks[0]?.x).toBe(500);
  });

  it("ticks at the firsts of months, at most as many as there is room for", () => {
    const { ticks } = layOutAxis(at("2020-02-10", "2026-11-20"), room);
    expect(ticks.length).toBeGreaterThan(2);
    expect(ticks.length).toBeLessThanOrEqual(12);
    for (const tick of ticks) {
      const date = new Date(tick.day * 86_400_000);
      expect(date.getUTCDate()).toBe(1);
      expect(tick.isYear).toBe(date.getUTCMonth() === 0);
      expect(tick.x).toBeGreaterThanOrEqual(50);
      expect(tick.x).toBeLessThanOrEqual(950);
    }
  });

  it("lays therapies over the studies they lasted, those that overlap above each other", () => {
    const room = { width: 1000, padding: 100, markGap: 10, labelGap: 10 };
    const items = [
      { id: "a", day: 0 },
      { id: "b", day: 100 },
    ];
    const { spans } = layOutAxis(items, room, [
      { id: "radiation", fromDay: 0, toDay: 50 },
      { id: "tablets", fromDay: 25, toDay: null },
      { id: "long ago", fromDay: -400, toDay: -300 },
    ]);
    expect(spans).toEqual([
      { id: "radiation", x: 100, width: 400, lane: 0 },
      { id: "tablets", x: 300, width: 650, lane: 1 },
    ]);
  });
});
