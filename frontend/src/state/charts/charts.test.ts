// @vitest-environment node
import { describe, expect, it } from "vitest";

import { dayNumber } from "../../lib/dates";
import { shapeSwimmer, shapeWaterfall, type WaterfallEntry } from "./cohort";
import { estimateInWords, type Estimate, toneOf } from "./course";
import { shapeSpider, type LesionCourse, type LesionSighting } from "./spider";
import { shapeSumCourse, type SumPoint } from "./sum_course";

const about = (value: number, by = 2): Estimate => ({ value, low: value - by, high: value + by });
/** A date's sum, and what the server says the next one is judged against. */
function sums(...dates: [number | null, ([number, number] | null)?][]): SumPoint[] {
  return dates.map(([value, lines = null], place) => ({
    studyId: `study ${place}`,
    date: `2026-0${place + 1}-01`,
    sum: value === null ? null : about(value),
    response: null,
    isProvisional: false,
    isBaseline: place === 0,
    linesAfter: lines && { partial: lines[0], progression: lines[1] },
  }));
}

describe("the sum plot", () => {
  it("lays the lines of each date under the dates up to the next, and ahead of the last", () => {
    const course = shapeSumCourse(sums([100, [70, 120]], [60, [70, 72]], [40, [70, 48]]));
    expect(course.bands.map((band) => [band.partial, band.progression])).toEqual([
      [70, 120],
      [70, 72],
      [70, 48],
    ]);
    expect(course.bands.map((band) => band.fromDay)).toEqual(["2026-01-01", "2026-02-01", "2026-03-01"].map(dayNumber));
    expect(course.bands.map((band) => band.toDay)).toEqual([
      ...["2026-02-01", "2026-03-01"].map(dayNumber),
      course.lastDay,
    ]);
    expect(course.lastDay).toBeGreaterThan(dayNumber("2026-03-01"));
  });

  it("lets a date without a sum be no nadir, and one without lines leave its stretch empty", () => {
    const course = shapeSumCourse(sums([100, [70, 120]], [null], [80, [70, 96]]));
    expect(course.nadir?.sum?.value).toBe(80);
    expect(course.bands.map((band) => band.fromDay)).toEqual(["2026-01-01", "2026-03-01"].map(dayNumber));
    expect(shapeSumCourse(sums([100], [90])).bands).toEqual([]);
  });

  it("draws no lines before the baseline", () => {
    const points = sums([50, [35, 60]], [100, [70, 120]], [90, [70, 108]]);
    const course = shapeSumCourse(points.map((point, place) => ({ ...point, isBaseline: place === 1 })));
    expect(course.points).toHaveLength(3);
    expect(course.bands[0]?.fromDay).toBe(dayNumber("2026-02-01"));
    expect(course.nadir?.sum?.value).toBe(90);
  });

  it("puts dates in order and marks the first of two equal nadirs", () => {
    const course = shapeSumCourse(sums([100], [60], [60]).reverse());
    expect(course.points.map((point) => point.date)).toEqual(["2026-01-01", "2026-02-01", "2026-03-01"]);
    expect(course.nadir?.date).toBe("2026-02-01");
  });
});

const sighting = (
  month: number,
  diameter: number | null,
  state = "measured",
  change: Estimate | null = null,
): LesionSighting => ({
  studyId: `study ${month}`,
  date: `2026-0${month}-01`,
  state,
  diameter: diameter === null ? null : about(diameter),
  volume: diameter === null ? null : about(diameter / 10, 0.1),
  change,
  isProvisional: false,
});
const lesion = (name: string, isNew: boolean, ...sightings: LesionSighting[]): LesionCourse => ({
  id: name,
  name,
  colourNumber: 1,
  isNew,
  sightings,
});

describe("the spider plot", () => {
  it("is percent of the first measurement, with the interval of the change, over days from baseline", () => {
    const change = { value: 50, low: 17, high: 92 };
    const sightings = [sighting(1, 20), sighting(2, 30, "measured", change), sighting(3, 25)];
    const chart = shapeSpider([lesion("L1", false, ...sightings)], "2026-01-01", "percent");
    expect(chart.points.map((point) => [point.days, point.estimate])).toEqual([
      [0, { value: 0, low: null, high: null }],
      [31, change],
      [59, { value: 25, low: null, high: null }],
    ]);
    expect(shapeSpider([lesion("L1", false, ...sightings)], "2026-01-01", "diameter").points[1]?.estimate.low).toBe(28);
  });

  it("does not bridge a date on which the lesion was not marked", () => {
    const course = lesion("L1", false, sighting(1, 20), sighting(2, null, "unmarked"), sighting(3, 22));
    expect(shapeSpider([course], "2026-01-01", "diameter").stretches.map((run) => run.points.length)).toEqual([1, 1]);
  });

  it("starts a new lesion where it is first seen and says that one has gone", () => {
    const course = lesion("L4", true, sighting(1, null, "absent"), sighting(2, 10), sighting(3, null, "absent"));
    const { points } = shapeSpider([course], "2026-01-01", "percent");
    expect(points.map((point) => [point.estimate.value, point.isFirstOfNew, point.isVanished])).toEqual([
      [0, true, false],
      [-100, false, true],
    ]);
  });

  it("switches to millilitres", () => {
    const chart = shapeSpider([lesion("L1", false, sighting(1, 20))], "2026-01-01", "volume");
    expect(chart.points[0]?.estimate.value).toBe(2);
  });
});

describe("the cohort", () => {
  const entry = (name: string, bestPercent: number | null): WaterfallEntry => ({
    patientId: name,
    name,
    bestPercent,
    low: null,
    high: null,
    unknownBecause: "",
    partialPercent: -30,
    progressionPercent: 20,
    studyId: name,
    date: "2026-01-01",
    response: "SD",
    isProvisional: false,
  });

  it("sorts growth first and counts who cannot be compared", () => {
    const { bars, leftOut } = shapeWaterfall([entry("a", -40), entry("b", 25), entry("c", null), entry("d", -40)]);
    expect(bars.map((bar) => bar.name)).toEqual(["b", "a", "d"]);
    expect(leftOut).toBe(1);
  });

  it("counts days from each patient's baseline and cuts therapies to the course", () => {
    const mark = (date: string) => ({ studyId: date, date, response: "SD", isProvisional: false });
    const [lane] = shapeSwimmer([
      {
        patientId: "p",
        name: "p",
        baselineDate: "2026-01-11",
        isOngoing: true,
        marks: [mark("2026-03-02"), mark("2026-01-11"), mark("2026-01-01")],
        therapies: [
          { id: "1", kind: "systemic", name: "A", startDate: "2026-01-01", endDate: "2026-01-21" },
          { id: "2", kind: "radiation", name: "B", startDate: "2026-02-10", endDate: null },
          { id: "3", kind: "surgery", name: "C", startDate: "2025-12-01", endDate: "2025-12-01" },
        ],
      },
    ]);
    expect(lane?.marks.map((each) => each.day)).toEqual([0, 50]);
    expect(lane?.therapies.map((each) => [each.therapy.name, each.fromDay, each.toDay])).toEqual([
      ["A", 0, 10],
      ["B", 30, 50],
    ]);
  });
});

describe("words", () => {
  it("gives every category of every criterion a meaning, and what is unknown none", () => {
    expect(["PR", "iCR", "CMR"].map(toneOf)).toEqual(["response", "response", "response"]);
    expect(["iUPD", "PPD"].map(toneOf)).toEqual(["unconfirmed", "unconfirmed"]);
    expect([null, "NE", "BASELINE"].map(toneOf)).toEqual(["open", "open", "open"]);
  });

  it("leaves the interval out where it is not known", () => {
    expect(estimateInWords(about(61.2), "mm", "to")).toBe("61.2 mm (59.2 to 63.2)");
    expect(estimateInWords({ value: 61.2, low: null, high: null }, "mm", "to")).toBe("61.2 mm");
  });
});
