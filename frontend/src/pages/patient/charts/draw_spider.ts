import * as Plot from "@observablehq/plot";

import type { SpiderChart, SpiderMeasure, SpiderPoint } from "../../../state/charts/spider";
import { colourOfLesion, FONT_STYLE, inWords, shortDate, type Speech } from "./drawing";

export interface SpiderDrawing extends Speech {
  readonly chart: SpiderChart;
  readonly measure: SpiderMeasure;
  readonly width: number;
}

const HEIGHT_PX = 300;

export const SPIDER_UNITS: Readonly<Record<SpiderMeasure, string>> = { percent: "%", diameter: "mm", volume: "mL" };

export function spiderPointInWords(point: SpiderPoint, drawing: Omit<SpiderDrawing, "width" | "chart">): string {
  const { t, measure } = drawing;
  const parts = [
    point.lesion.name,
    shortDate(point.sighting.date, drawing),
    t("chart.day", { day: point.days }),
    point.isVanished ? t("chart.vanished") : inWords(point.estimate, SPIDER_UNITS[measure], drawing),
    point.isFirstOfNew ? t("chart.new_lesion") : "",
    point.sighting.isProvisional ? t("chart.provisional") : "",
  ];
  return `${parts.filter(Boolean).join(", ")}. ${t("chart.opens_images")}`;
}

const symbolOf = (point: SpiderPoint): string => {
  if (point.isVanished) return "times";
  return point.isFirstOfNew ? "star" : "circle";
};

const fillOf = (point: SpiderPoint): string => {
  if (point.isVanished) return "none";
  return point.sighting.isProvisional ? "var(--surface)" : colourOfLesion(point.lesion.colourNumber);
};

function lineMarks(chart: SpiderChart): Plot.Markish[] {
  return chart.stretches.map((stretch) =>
    Plot.line(stretch.points, {
      x: "days",
      y: (point: SpiderPoint) => point.estimate.value,
      stroke: colourOfLesion(stretch.lesion.colourNumber),
      strokeWidth: 1.75,
      ...(stretch.lesion.isNew ? { strokeDasharray: "4 3" } : {}),
    }),
  );
}

/** A lesion's name stands at its last point, and says "new" there. */
function nameMarks({ chart, t }: SpiderDrawing): Plot.Markish[] {
  const last = new Map(chart.points.map((point) => [point.lesion.id, point]));
  return [
    Plot.text([...last.values()], {
      x: "days",
      y: (point: SpiderPoint) => point.estimate.value,
      text: (point: SpiderPoint) =>
        point.lesion.isNew ? t("chart.name_new", { name: point.lesion.name }) : point.lesion.name,
      textAnchor: "start",
      dx: 10,
      fill: (point: SpiderPoint) => colourOfLesion(point.lesion.colourNumber),
      fontWeight: 600,
    }),
  ];
}

function pointMarks(drawing: SpiderDrawing): Plot.Markish[] {
  const { points } = drawing.chart;
  const colour = (point: SpiderPoint) => colourOfLesion(point.lesion.colourNumber);
  const bounded = points.filter(({ estimate }) => estimate.low !== null && estimate.high !== null);
  return [
    Plot.ruleX(bounded, {
      x: "days",
      y1: (point: SpiderPoint) => point.estimate.low,
      y2: (point: SpiderPoint) => point.estimate.high,
      stroke: colour,
      strokeOpacity: 0.7,
    }),
    Plot.dot(points, {
      x: "days",
      y: (point: SpiderPoint) => point.estimate.value,
      r: 5,
      symbol: symbolOf,
      fill: fillOf,
      stroke: colour,
      strokeWidth: 2,
      href: (point: SpiderPoint) => `/studies/${point.sighting.studyId}`,
      ariaLabel: (point: SpiderPoint) => spiderPointInWords(point, drawing),
    }),
  ];
}

export function drawSpider(drawing: SpiderDrawing): SVGSVGElement | HTMLElement {
  const { measure, t, width } = drawing;
  return Plot.plot({
    width,
    height: HEIGHT_PX,
    marginLeft: 52,
    marginRight: 64,
    marginTop: 20,
    marginBottom: 40,
    style: FONT_STYLE,
    symbol: { type: "identity" },
    x: { label: t("chart.axis_days"), labelArrow: "none", labelAnchor: "center", inset: 12, nice: true },
    y: { label: t(`chart.axis_${measure}`), labelArrow: "none", inset: 8, zero: measure !== "percent" },
    marks: [
      Plot.gridY({ stroke: "var(--line)", ticks: 5 }),
      Plot.axisY({ ticks: 5, tickSize: 0, labelArrow: "none" }),
      Plot.axisX({ ticks: 6, labelArrow: "none", labelAnchor: "center" }),
      Plot.ruleY([0], { stroke: "var(--line-strong)" }),
      ...lineMarks(drawing.chart),
      ...pointMarks(drawing),
      ...nameMarks(drawing),
    ],
  });
}
