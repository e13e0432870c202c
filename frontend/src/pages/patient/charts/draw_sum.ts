import * as Plot from "@observablehq/plot";

import { formatDate } from "../../../lib/dates";
import type { TherapySpan } from "../../../state/charts/course";
import type { PlacedSum, SumCourse } from "../../../state/charts/sum_course";
import {
  colourOfResponse,
  dateOf,
  FONT_STYLE,
  inWords,
  labelledDays,
  layOutStrips,
  lettersOf,
  type Speech,
  type TherapyStrip,
} from "./drawing";
import { fitText } from "./fit_text";

export interface SumDrawing extends Speech {
  readonly course: SumCourse;
  readonly therapies: readonly TherapySpan[];
  /** What is summed, with its unit: the axis says it. */
  readonly quantity: string;
  readonly unit: string;
  readonly width: number;
}

type Summed = PlacedSum & { readonly sum: NonNullable<PlacedSum["sum"]> };

const HEIGHT_PX = 300;
/** The right margin holds what the lines mean, clear of the marks. */
const MARGIN = { left: 52, right: 116, top: 20, bottom: 34 };
const LANE_SHARE = 0.075;

export function pointInWords(point: PlacedSum, drawing: Omit<SumDrawing, "width" | "therapies">): string {
  const { t, locale, unit, course } = drawing;
  const parts = [
    formatDate(point.date, locale),
    point.sum ? inWords(point.sum, unit, drawing) : t("chart.no_sum"),
    point.response ?? "",
    point.isBaseline ? t("chart.baseline") : "",
    point === course.nadir ? t("chart.nadir") : "",
    point.isProvisional ? t("chart.provisional") : "",
  ];
  return `${parts.filter(Boolean).join(", ")}. ${t("chart.opens_images")}`;
}

interface Frame {
  readonly top: number;
  readonly full: number;
  readonly lane: number;
  readonly pxPerDay: number;
  readonly strips: readonly TherapyStrip[];
}

function frameOf({ course, therapies, width }: SumDrawing): Frame {
  const values = course.points.flatMap((point) => (point.sum ? [point.sum.high ?? point.sum.value] : []));
  const lines = course.bands.flatMap((band) => [band.partial, band.progression]);
  const top = Math.max(1, ...values, ...lines) * 1.14;
  const strips = layOutStrips(therapies, course.firstDay, course.lastDay);
  const lanes = Math.max(0, ...strips.map((strip) => strip.lane + 1));
  const pxPerDay = (width - MARGIN.left - MARGIN.right) / Math.max(1, course.lastDay - course.firstDay);
  return { top, full: top * (1 + lanes * LANE_SHARE), lane: top * LANE_SHARE, pxPerDay, strips };
}

function bandMarks({ course, t, unit }: SumDrawing, top: number): Plot.Markish[] {
  const x1 = (band: { fromDay: number }) => dateOf(band.fromDay);
  const x2 = (band: { toDay: number }) => dateOf(band.toDay);
  const last = course.bands.slice(-1);
  // Whichever line is lower has its words below it, so that they never lie on each other.
  const isPartialLower = last.every((band) => band.partial < band.progression);
  const upper = { x: x2, textAnchor: "start", dx: 6, lineAnchor: "bottom", dy: 4 } as const;
  const lower = { ...upper, lineAnchor: "top", dy: -4 } as const;
  return [
    Plot.rect(course.bands, {
      x1,
      x2,
      y1: "progression",
      y2: () => top,
      fill: "var(--danger-ground)",
      fillOpacity: 0.6,
    }),
    Plot.rect(course.bands, {
      x1,
      x2,
      y1: () => 0,
      y2: (band) => Math.min(band.partial, band.progression),
      fill: "var(--good-ground)",
      fillOpacity: 0.6,
    }),
    Plot.ruleY(course.bands, { x1, x2, y: "progression", stroke: "var(--danger)", strokeDasharray: "5 3" }),
    Plot.ruleY(course.bands, { x1, x2, y: "partial", stroke: "var(--good)", strokeDasharray: "5 3" }),
    Plot.text(last, {
      ...(isPartialLower ? upper : lower),
      y: "progression",
      text: (band) => t("chart.line_progression", { value: band.progression.toFixed(1), unit }),
      fill: "var(--danger)",
    }),
    Plot.text(last, {
      ...(isPartialLower ? lower : upper),
      y: "partial",
      text: (band) => t("chart.line_partial", { value: band.partial.toFixed(1), unit }),
      fill: "var(--good)",
    }),
  ];
}

function therapyMarks({ t }: SumDrawing, frame: Frame): Plot.Markish[] {
  const base = (strip: TherapyStrip) => frame.top + strip.lane * frame.lane;
  const nameOf = ({ therapy }: TherapyStrip) => `${therapy.name} (${t(`therapy.${therapy.kind}`)})`;
  return [
    Plot.rect(frame.strips, {
      x1: (strip) => dateOf(strip.fromDay),
      x2: (strip) => dateOf(strip.toDay),
      y1: (strip) => base(strip) + frame.lane * 0.08,
      y2: (strip) => base(strip) + frame.lane * 0.92,
      fill: "var(--surface-hover)",
      stroke: "var(--line-strong)",
      rx: 2,
      title: nameOf,
    }),
    Plot.text(frame.strips, {
      x: (strip) => dateOf(strip.fromDay),
      y: (strip) => base(strip) + frame.lane / 2,
      text: (strip: TherapyStrip) => fitText(nameOf(strip), (strip.toDay - strip.fromDay) * frame.pxPerDay - 8),
      textAnchor: "start",
      dx: 5,
      fill: "var(--ink)",
    }),
  ];
}

/** Baseline and nadir are named below their point, where the response letters of the point are not. */
function nameMarks({ course, t }: SumDrawing): Plot.Markish[] {
  const nadir = course.nadir === course.baseline ? null : course.nadir;
  const place = (point: SumCourse["baseline"]) =>
    point?.sum ? [{ x: dateOf(point.day), y: point.sum.low ?? point.sum.value }] : [];
  const below = { x: "x", y: "y", dy: 12, fill: "var(--ink)", fontWeight: 600 } as const;
  return [
    // the first point lies on the axis, whose numbers the word must not cover
    Plot.text(place(course.baseline), { ...below, text: () => t("chart.baseline"), textAnchor: "start", dx: 4 }),
    Plot.text(place(nadir), { ...below, text: () => t("chart.nadir") }),
  ];
}

function pointMarks(drawing: SumDrawing, summed: readonly Summed[]): Plot.Markish[] {
  const x = (point: Summed) => dateOf(point.day);
  const colour = (point: Summed) => colourOfResponse(point.response);
  const bounded = summed.filter(({ sum }) => sum.low !== null && sum.high !== null);
  const y1 = (point: Summed) => point.sum.low;
  const y2 = (point: Summed) => point.sum.high;
  return [
    Plot.line(summed, { x, y: (point) => point.sum.value, stroke: "var(--ink-faint)", strokeWidth: 1.5 }),
    Plot.ruleX(bounded, { x, y1, y2, stroke: "var(--ink)", strokeWidth: 1.5, marker: "tick" }),
    Plot.dot(summed, {
      x,
      y: (point) => point.sum.value,
      r: 6,
      fill: (point) => (point.isProvisional ? "var(--surface)" : colour(point)),
      stroke: colour,
      strokeWidth: 2,
      href: (point) => `/studies/${point.studyId}`,
      ariaLabel: (point) => pointInWords(point, drawing),
    }),
    Plot.text(summed, {
      x,
      y: (point) => point.sum.high ?? point.sum.value,
      text: (point: Summed) => `${lettersOf(point.response)}${point.isProvisional ? " ?" : ""}`,
      dy: -12,
      fill: colour,
      stroke: "var(--surface)",
      strokeWidth: 3,
      fontWeight: 700,
      fontSize: 12,
    }),
  ];
}

export function drawSum(drawing: SumDrawing): SVGSVGElement | HTMLElement {
  const { course, quantity, unit, width, locale } = drawing;
  const frame = frameOf(drawing);
  const summed = course.points.filter((point): point is Summed => point.sum !== null);
  const days = course.points.map((point) => point.day);
  const gaps = course.points.filter((point) => point.sum === null);
  return Plot.plot({
    width,
    height: HEIGHT_PX,
    marginLeft: MARGIN.left,
    marginRight: MARGIN.right,
    marginTop: MARGIN.top,
    marginBottom: MARGIN.bottom,
    style: FONT_STYLE,
    x: { type: "utc", domain: [dateOf(course.firstDay), dateOf(course.lastDay)], inset: 14 },
    y: { domain: [0, frame.full] },
    marks: [
      ...bandMarks(drawing, frame.top),
      Plot.axisY({ label: `${quantity} (${unit})`, labelArrow: "none", ticks: 5, tickSize: 0, labelAnchor: "top" }),
      Plot.gridY({ stroke: "var(--line)", ticks: 5 }),
      Plot.axisX(labelledDays(days, frame.pxPerDay, 78).map(dateOf), {
        tickFormat: (date: Date) => formatDate(date.toISOString(), locale),
        label: null,
      }),
      Plot.ruleY([0], { stroke: "var(--line-strong)" }),
      ...therapyMarks(drawing, frame),
      ...pointMarks(drawing, summed),
      Plot.text(gaps, {
        x: (point) => dateOf(point.day),
        y: () => 0,
        text: () => "NE",
        dy: -8,
        fill: "var(--ink-faint)",
      }),
      ...nameMarks(drawing),
    ],
  });
}
