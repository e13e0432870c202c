import * as Plot from "@observablehq/plot";

import type { SwimmerLane, WaterfallBar } from "../../../state/charts/cohort";
import { colourOfResponse, FONT_STYLE, inWords, lettersOf, shortDate, type Speech } from "./drawing";
import { fitText } from "./fit_text";

export interface WaterfallDrawing extends Speech {
  readonly bars: readonly WaterfallBar[];
  readonly width: number;
}

const WATERFALL_PX = 300;
const LANE_PX = 36;
const THERAPY_PX = 15;
const NAME_PX = 150;
/** Room in a bar for its marks, above the therapies. */
const MARKS_PX = 24;
const RIGHT_PX = 64;
const BAND_PADDING = 0.12;

export function barInWords(bar: WaterfallBar, speech: Speech): string {
  const { t } = speech;
  const change = { value: bar.bestPercent, low: bar.low, high: bar.high };
  const parts = [
    bar.name,
    inWords(change, "%", speech),
    bar.unknownBecause.replace(/\.$/, ""),
    bar.response ?? "",
    shortDate(bar.date, speech),
    bar.isProvisional ? t("chart.provisional") : "",
  ];
  return `${parts.filter(Boolean).join(", ")}. ${t("chart.opens_images")}`;
}

export function drawWaterfall(drawing: WaterfallDrawing): SVGSVGElement | HTMLElement {
  const { bars, t, width } = drawing;
  const x = "patientId";
  const colour = (bar: WaterfallBar) => colourOfResponse(bar.response);
  const bounded = bars.filter((bar) => bar.low !== null && bar.high !== null);
  const isRoomForNames = width / Math.max(1, bars.length) > 40;
  const room = width / Math.max(1, bars.length) - 6;
  return Plot.plot({
    width,
    height: WATERFALL_PX,
    marginLeft: 52,
    marginBottom: 34,
    marginTop: 20,
    style: FONT_STYLE,
    x: { type: "band", domain: bars.map((bar) => bar.patientId), label: null, padding: bars.length < 4 ? 0.7 : 0.2 },
    y: { label: t("chart.axis_best"), labelArrow: "none", inset: 16, domain: yDomain(bars) },
    marks: [
      Plot.gridY({ stroke: "var(--line)", ticks: 5 }),
      Plot.axisY({ ticks: 5, tickSize: 0, labelArrow: "none" }),
      isRoomForNames
        ? Plot.axisX({
            tickSize: 0,
            tickFormat: (id: string) => fitText(bars.find((bar) => bar.patientId === id)?.name ?? "", room),
          })
        : null,
      Plot.barY(bars, {
        x,
        y: "bestPercent",
        fill: (bar: WaterfallBar) => (bar.isProvisional ? "var(--surface)" : colour(bar)),
        stroke: colour,
        strokeWidth: 1.5,
        href: (bar: WaterfallBar) => `/studies/${bar.studyId}`,
        ariaLabel: (bar: WaterfallBar) => barInWords(bar, drawing),
      }),
      Plot.ruleX(bounded, { x, y1: "low", y2: "high", stroke: "var(--ink)", strokeWidth: 1.5, marker: "tick" }),
      Plot.ruleY([0], { stroke: "var(--line-strong)" }),
      ...lineMarks(bars),
      ...letterMarks(bars),
    ],
  });
}

/** The criterion's lines, at each patient's bar: one criterion may count areas here and volumes there. */
function lineMarks(bars: readonly WaterfallBar[]): Plot.Markish[] {
  const options = { x: "patientId", strokeWidth: 1.5, strokeDasharray: "5 3", insetLeft: -12, insetRight: -12 };
  return [
    Plot.tickY(bars, { ...options, y: "progressionPercent", stroke: "var(--danger)" }),
    Plot.tickY(bars, { ...options, y: "partialPercent", stroke: "var(--good)" }),
  ];
}

/** The letters stand beyond the end of their bar. */
function letterMarks(bars: readonly WaterfallBar[]): Plot.Markish[] {
  const options = {
    x: "patientId",
    text: (bar: WaterfallBar) => bar.response ?? "",
    fill: (bar: WaterfallBar) => colourOfResponse(bar.response),
    fontWeight: 700,
  };
  const grown = bars.filter((bar) => bar.bestPercent >= 0);
  const shrunk = bars.filter((bar) => bar.bestPercent < 0);
  return [
    Plot.text(grown, { ...options, y: (bar: WaterfallBar) => bar.high ?? bar.bestPercent, dy: -8 }),
    Plot.text(shrunk, { ...options, y: (bar: WaterfallBar) => bar.low ?? bar.bestPercent, dy: 10 }),
  ];
}

function yDomain(bars: readonly WaterfallBar[]): [number, number] {
  const values = bars.flatMap(({ bestPercent, ...bar }) => [
    bestPercent,
    bar.low ?? bestPercent,
    bar.high ?? bestPercent,
    bar.partialPercent ?? 0,
    bar.progressionPercent ?? 0,
  ]);
  return [Math.min(-40, ...values), Math.max(30, ...values)];
}

export interface SwimmerDrawing extends Speech {
  readonly lanes: readonly SwimmerLane[];
  readonly width: number;
}

type LaneMark = SwimmerLane["marks"][number] & { readonly lane: SwimmerLane };

export function swimmerMarkInWords(mark: LaneMark, speech: Speech): string {
  const { t } = speech;
  const parts = [
    mark.lane.name,
    shortDate(mark.date, speech),
    t("chart.day", { day: mark.day }),
    mark.response,
    mark.isProvisional ? t("chart.provisional") : "",
  ];
  return `${parts.filter(Boolean).join(", ")}. ${t("chart.opens_images")}`;
}

interface Segment {
  readonly patientId: string;
  readonly name: string;
  readonly fromDay: number;
  readonly toDay: number;
}

/** Therapies by row: in a patient's bar no two of a row lie on each other. */
function therapyRows(lanes: readonly SwimmerLane[]): Segment[][] {
  const rows: Segment[][] = [];
  for (const { patientId, therapies } of lanes) {
    const ends: number[] = [];
    for (const { therapy, fromDay, toDay } of therapies) {
      const free = ends.findIndex((end) => end <= fromDay);
      const row = free < 0 ? ends.length : free;
      ends[row] = Math.max(toDay, fromDay + 1);
      (rows[row] ??= []).push({ patientId, name: therapy.name, fromDay, toDay });
    }
  }
  return rows;
}

function laneMarks({ lanes, width }: SwimmerDrawing, rows: readonly Segment[][], rowTop: number): Plot.Markish[] {
  const longest = Math.max(1, ...lanes.map((lane) => lane.lastDay));
  const pxPerDay = (width - NAME_PX - RIGHT_PX) / longest;
  const ongoing = lanes.filter((lane) => lane.isOngoing);
  const y = "patientId";
  return [
    Plot.barX(lanes, { x1: () => 0, x2: "lastDay", y, fill: "var(--surface-raised)", stroke: "var(--line-strong)" }),
    ...rows.flatMap((row, place) => [
      Plot.barX(row, {
        x1: "fromDay",
        x2: "toDay",
        y,
        fill: "var(--surface-selected)",
        insetTop: rowTop + place * THERAPY_PX,
        insetBottom: 3 + (rows.length - 1 - place) * THERAPY_PX,
      }),
      Plot.text(row, {
        x: "fromDay",
        y,
        text: (segment: Segment) => fitText(segment.name, (segment.toDay - segment.fromDay) * pxPerDay - 8),
        textAnchor: "start",
        dx: 5,
        dy: rowTop / 2 + (place - (rows.length - 1) / 2) * THERAPY_PX - 1,
        fill: "var(--ink)",
        fontSize: 10,
      }),
    ]),
    Plot.text(ongoing, { x: "lastDay", y, text: () => "▶", dx: 44, fill: "var(--ink-quiet)" }),
  ];
}

export function drawSwimmer(drawing: SwimmerDrawing): SVGSVGElement | HTMLElement {
  const { lanes, t, width } = drawing;
  const marks: LaneMark[] = lanes.flatMap((lane) => lane.marks.map((mark) => ({ ...mark, lane })));
  const rows = therapyRows(lanes);
  const laneHeight = LANE_PX + rows.length * THERAPY_PX;
  const up = (-rows.length * THERAPY_PX) / 2;
  const names = new Map(lanes.map((lane) => [lane.patientId, lane.name]));
  const y = (mark: LaneMark) => mark.lane.patientId;
  const colour = (mark: LaneMark) => colourOfResponse(mark.response);
  return Plot.plot({
    width,
    height: 60 + lanes.length * laneHeight,
    marginLeft: NAME_PX,
    marginRight: RIGHT_PX,
    marginBottom: 40,
    style: FONT_STYLE,
    x: { label: t("chart.axis_days"), labelArrow: "none", labelAnchor: "center" },
    y: { type: "band", domain: lanes.map((lane) => lane.patientId), label: null, padding: BAND_PADDING },
    marks: [
      Plot.axisX({ ticks: 6, labelArrow: "none", labelAnchor: "center" }),
      Plot.axisY({ tickSize: 0, tickFormat: (id: string) => fitText(names.get(id) ?? "", NAME_PX - 12) }),
      ...laneMarks(drawing, rows, MARKS_PX),
      Plot.dot(marks, {
        x: "day",
        y,
        r: 5,
        dy: up,
        fill: (mark: LaneMark) => (mark.isProvisional ? "var(--surface)" : colour(mark)),
        stroke: colour,
        strokeWidth: 2,
        href: (mark: LaneMark) => `/studies/${mark.studyId}`,
        ariaLabel: (mark: LaneMark) => swimmerMarkInWords(mark, drawing),
      }),
      Plot.text(marks, {
        x: "day",
        y,
        text: (mark: LaneMark) => lettersOf(mark.response),
        dx: 9,
        dy: up,
        textAnchor: "start",
        fill: colour,
        fontWeight: 700,
      }),
    ],
  });
}
