const XLINK = "http://www.w3.org/1999/xlink";

/** What a drawing may be: the SVG itself (a legend would wrap it in a figure). */
export function svgOf(drawn: Element): SVGSVGElement | null {
  return drawn instanceof SVGSVGElement ? drawn : drawn.querySelector("svg");
}

/**
 * Takes out the style element that Plot writes (the content security policy allows none; the style sheet has the same)
 * and turns linked marks into links that Tab enters once and a screen reader can name.
 */
export function preparePoints(svg: SVGSVGElement, reachable: number): SVGAElement[] {
  svg.querySelectorAll("style").forEach((style) => style.remove());
  svg.removeAttribute("aria-label");
  // Axes, bands and lines are told in words and in the table; alone they would be read as loose letters.
  for (const child of svg.children) if (!child.querySelector("a")) child.setAttribute("aria-hidden", "true");
  const points = [...svg.querySelectorAll<SVGAElement>("a")];
  points.forEach((point, index) => {
    const mark = point.firstElementChild;
    const name = mark?.getAttribute("aria-label") ?? "";
    mark?.removeAttribute("aria-label");
    point.parentElement?.removeAttribute("aria-label");
    point.setAttribute("role", "link"); // an SVG link without it has no role a name could belong to
    point.setAttribute("aria-label", name);
    point.setAttribute("href", point.getAttributeNS(XLINK, "href") ?? "");
    point.removeAttributeNS(XLINK, "href");
    point.setAttribute("tabindex", index === reachable ? "0" : "-1");
    point.dataset["point"] = String(index);
  });
  return points;
}

const STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1 };

/** Where a key leads from one of `count` points; undefined where it leads nowhere. */
export function pointAfterKey(key: string, from: number, count: number): number | undefined {
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const step = STEPS[key];
  return step === undefined ? undefined : Math.min(count - 1, Math.max(0, from + step));
}
