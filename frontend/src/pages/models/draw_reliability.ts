import * as Plot from "@observablehq/plot";

import type { Locale, Translate } from "../../lib/messages";

interface Reliability {
  readonly shares: readonly number[];
  readonly stated: readonly (number | null)[];
  readonly observed: readonly (number | null)[];
}

export interface ReliabilityDrawing {
  readonly before: Reliability;
  readonly after: Reliability;
  readonly width: number;
  readonly t: Translate;
  readonly locale: Locale;
}

interface Dot {
  readonly stated: number;
  readonly observed: number;
  readonly share: number;
}

const SIDE_PX = 260;
/** Below this share of voxels a bin says nothing. */
const LEAST_SHARE = 0.0005;

export function dotsOf({ shares, stated, observed }: Reliability): readonly Dot[] {
  return shares.flatMap((share, bin) => {
    const [x, y] = [stated[bin], observed[bin]];
    return typeof x === "number" && typeof y === "number" && share >= LEAST_SHARE
      ? [{ stated: x, observed: y, share }]
      : [];
  });
}

/** Stated probability against how often it is right, before and after calibration. */
export function drawReliability({ before, after, width, t, locale }: ReliabilityDrawing): SVGSVGElement | HTMLElement {
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
  const dots = { x: "stated", y: "observed", r: "share" } as const;
  const side = Math.min(width, SIDE_PX);
  return Plot.plot({
    width: side,
    height: side,
    marginLeft: 40,
    marginBottom: 34,
    style: { fontFamily: "var(--font)", fontSize: "11px", color: "var(--ink-quiet)", overflow: "visible" },
    x: {
      domain: [0, 1],
      ticks: [0, 0.5, 1],
      label: t("models.sure_stated"),
      labelAnchor: "center",
      labelArrow: "none",
    },
    y: { domain: [0, 1], ticks: [0, 0.5, 1], label: t("models.sure_observed"), labelArrow: "none", grid: true },
    r: { type: "sqrt", range: [2, 9] },
    marks: [
      Plot.line(
        [
          [0, 0],
          [1, 1],
        ],
        { stroke: "var(--line-strong)" },
      ),
      Plot.dot(dotsOf(before), { ...dots, stroke: "var(--ink-quiet)", strokeWidth: 1 }),
      Plot.dot(dotsOf(after), {
        ...dots,
        fill: "var(--accent)",
        fillOpacity: 0.85,
        title: (dot: Dot) => t("models.sure_bin", { share: percent.format(dot.share) }),
      }),
    ],
  });
}
