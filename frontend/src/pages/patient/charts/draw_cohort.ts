import * as Plot from "@observablehq/plot";

import type { SwimmerLane, WaterfallBar } from "../../../state/charts/cohort";
import { colourOfResponse, fitText, FONT_STYLE, inWords, shortDate, type Speech } from "./drawing";

export interface WaterfallDrawing extends Speech {
  readonly bars: readonly WaterfallBar[];
  readonly width: number;
}

const WATERFALL_PX = 300;
const LANE_PX = 40;
const NAME_PX = 120;

export function barInWords(bar: WaterfallBar, speech: Speech): string {
  const { t } = speech;
  const change = { value: bar.bestPercent, low: bar.low, high: bar.high };
  const parts = [
    bar.name,
    inWords(change, "%", speech),
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
      Plot.axisY({ ticks: 5, tickSize: 0 }),
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
      Plot.ruleX(bounded, { x, y1: "low", y2: "high", stroke: "var(--ink)" }),
      Plot.ruleY([0], { stroke: "var(--line-strong)" }),
      Plot.ruleY([20], { stroke: "var(--danger)", strokeDasharray: "5 3" }),
      Plot.ruleY([-30], { stroke: "var(--good)", strokeDasharray: "5 3" }),
      ...letterMarks(bars),
    ],
  });
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
  const values = bars.flatMap((bar) => [bar.bestPercent, bar.low ?? bar.bestPercent, bar.high ?? bar.bestPercent]);
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

function laneMarks({ lanes, width }: SwimmerDrawing): Plot.Markish[] {
  const longest = Math.max(1, ...lanes.map((lane) => lane.lastDay));
  const pxPerDay = (width - NAME_PX - 40) / longest;
  const segments = lanes.flatMap((lane) => lane.therapies.map((segment) => ({ ...segment, lane })));
  type Segment = (typeof segments)[number];
  const ongoing = lanes.filter((lane) => lane.isOngoing);
  const y = (segment: Segment) => segment.lane.patientId;
  return [
    Plot.barX(lanes, {
      x1: () => 0,
      x2: "lastDay",
      y: "patientId",
      fill: "var(--surface-hover)",
      stroke: "var(--line-strong)",
    }),
    Plot.barX(segments, {
      x1: "fromDay",
      x2: "toDay",
      y,
      fill: "var(--surface-selected)",
      insetTop: 3,
      insetBottom: 3,
    }),
    Plot.text(segments, {
      x: "fromDay",
      y,
      text: (segment: Segment) => fitText(segment.therapy.name, (segment.toDay - segment.fromDay) * pxPerDay - 8),
      textAnchor: "start",
      dx: 5,
      dy: 8,
      fill: "var(--ink-quiet)",
      fontSize: 10,
    }),
    Plot.text(ongoing, { x: "lastDay", y: "patientId", text: () => "▶", dx: 12, fill: "var(--ink-quiet)" }),
  ];
}

export function drawSwimmer(drawing: SwimmerDrawing): SVGSVGElement | HTMLElement {
  const { lanes, t, width } = drawing;
  const marks: LaneMark[] = lanes.flatMap((lane) => lane.marks.map((mark) => ({ ...mark, lane })));
  const names = new Map(lanes.map((lane) => [lane.patientId, lane.name]));
  const y = (mark: LaneMark) => mark.lane.patientId;
  const colour = (mark: LaneMark) => colourOfResponse(mark.response);
  return Plot.plot({
    width,
    height: 56 + lanes.length * LANE_PX,
    marginLeft: NAME_PX,
    marginRight: 40,
    marginBottom: 40,
    style: FONT_STYLE,
    x: { label: t("chart.axis_days"), labelArrow: "none", labelAnchor: "center" },
    y: { type: "band", domain: lanes.map((lane) => lane.patientId), label: null, padding: 0.15 },
    marks: [
      Plot.axisX({ ticks: 6 }),
      Plot.axisY({ tickSize: 0, tickFormat: (id: string) => fitText(names.get(id) ?? "", NAME_PX - 12) }),
      ...laneMarks(drawing),
      Plot.dot(marks, {
        x: "day",
        y,
        r: 5,
        dy: -6,
        fill: (mark: LaneMark) => (mark.isProvisional ? "var(--surface)" : colour(mark)),
        stroke: colour,
        strokeWidth: 2,
        href: (mark: LaneMark) => `/studies/${mark.studyId}`,
        ariaLabel: (mark: LaneMark) => swimmerMarkInWords(mark, drawing),
      }),
      Plot.text(marks, {
        x: "day",
        y,
        text: "response",
        dx: 9,
        dy: -6,
        textAnchor: "start",
        fill: colour,
        fontWeight: 700,
      }),
    ],
  });
}
