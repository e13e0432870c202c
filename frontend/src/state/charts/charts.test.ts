// @vitest-environment node
import { describe, expect, it } from "vitest";

import { dayNumber } from "../../lib/dates";
import { shapeSwimmer, shapeWaterfall, type WaterfallEntry } from "./cohort";
import { estimateInWords, type Estimate, toneOf } from "./course";
import { shapeSpider, type LesionCourse, type LesionSighting } from "./spider";
import { limitsOf, progressionLine, shapeSumCourse, type SumPoint } from "./sum_course";

const about = (value: number, by = 2): Estimate => ({ value, low: value - by, high: value + by });
const recist = limitsOf("RECIST_1_1")!;

function sums(...values: (number | null)[]): SumPoint[] {
  return values.map((value, place) => ({
    studyId: `study ${place}`,
    date: `2026-0${place + 1}-01`,
    sum: value === null ? null : about(value),
    response: null,
    isProvisional: false,
    isBaseline: place === 0,
  }));
}

describe("the sum plot", () => {
  it("takes the higher of 20 % and 5 mm above the nadir", () => {
    expect(progressionLine(20, recist)).toBe(25); // 24 by share
    expect(progressionLine(50, recist)).toBe(60); // 55 by millimetres
    expect(progressionLine(50, limitsOf("MRECIST_HCC")!)).toBe(60);
    expect(progressionLine(20, limitsOf("MRECIST_HCC")!)).toBe(24);
  });

  it("judges each date against the nadir of the dates before it", () => {
    const course = shapeSumCourse(sums(100, 60, 40, 49), recist);
    expect(course.bands.map((band) => band.progression)).toEqual([120, 72, 48, 48]);
    expect(course.bands.map((band) => band.partial)).toEqual([70, 70, 70, 70]);
    expect(course.bands.map((band) => band.toDay)).toEqual([
      ...["2026-02-01", "2026-03-01", "2026-04-01"].map(dayNumber),
      course.lastDay,
    ]);
    expect(course.nadir?.date).toBe("2026-03-01");
    expect(course.lastDay).toBeGreaterThan(dayNumber("2026-04-01"));
  });

  it("lets a date without a sum be neither nadir nor baseline", () => {
    const course = shapeSumCourse(sums(100, null, 80), recist);
    expect(course.nadir?.sum?.value).toBe(80);
    expect(course.bands.map((band) => band.progression)).toEqual([120, 120, 96]);
    expect(shapeSumCourse(sums(null, 90), recist).bands).toEqual([]);
  });

  it("draws no lines before the baseline, and none for a criterion that has no sum", () => {
    const points = sums(50, 100, 90).map((point, place) => ({ ...point, isBaseline: place === 1 }));
    const course = shapeSumCourse(points, recist);
    expect(course.points).toHaveLength(3);
    expect(course.bands[0]?.fromDay).toBe(dayNumber("2026-02-01"));
    expect(course.nadir?.sum?.value).toBe(90);
    expect(limitsOf("LUGANO_PET")).toBeNull();
  });

  it("puts dates in order and marks the first of two equal nadirs", () => {
    const course = shapeSumCourse([...sums(100, 60, 60)].reverse(), recist);
    expect(course.points.map((point) => point.date)).toEqual(["2026-01-01", "2026-02-01", "2026-03-01"]);
    expect(course.nadir?.date).toBe("2026-02-01");
  });
});

const sighting = (month: number, diameter: number | null, state = "measured"): LesionSighting => ({
  studyId: `study ${month}`,
  date: `2026-0${month}-01`,
  state,
  diameter: diameter === null ? null : about(diameter),
  volume: diameter === null ? null : about(diameter / 10, 0.1),
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
  it("is percent of the first measurement, interval included, over days from baseline", () => {
    const chart = shapeSpider([lesion("L1", false, sighting(1, 20), sighting(2, 30))], "2026-01-01", "percent");
    expect(chart.points.map((point) => [point.days, point.estimate.value])).toEqual([
      [0, 0],
      [31, 50],
    ]);
    const second = chart.points[1]!.estimate;
    expect(second.low).toBeCloseTo(40); // 28 of 20
    expect(second.high).toBeCloseTo(60); // 32 of 20
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
