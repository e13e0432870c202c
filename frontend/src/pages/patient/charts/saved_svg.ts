const SVG = "http://www.w3.org/2000/svg";
const HEAD_PX = 52;
const FOOT_PX = 24;
const EDGE_PX = 12;
const PROPERTIES = ["fill", "stroke", "color", "font-family", "font-size", "font-weight"] as const;

export interface SavedWords {
  readonly title: string;
  readonly subtitle: string;
  readonly foot: string;
}

function textAt(words: string, y: number, size: number, weight: number): SVGTextElement {
  const text = document.createElementNS(SVG, "text");
  text.textContent = words;
  const attributes = {
    x: EDGE_PX,
    y,
    "font-size": size,
    "font-weight": weight,
    "font-family": "sans-serif",
    fill: "#14171b",
  };
  for (const [name, value] of Object.entries(attributes)) text.setAttribute(name, String(value));
  return text;
}

/** Writes what the style sheet gives into the elements themselves: a file has no style sheet. */
function inlineStyles(root: Element): void {
  for (const element of [root, ...root.querySelectorAll("*")]) {
    const computed = getComputedStyle(element);
    for (const name of PROPERTIES) element.setAttribute(name, computed.getPropertyValue(name));
    for (const name of ["class", "style", "tabindex", "data-point"]) element.removeAttribute(name);
  }
}

/** Links lead to this SegWeb from wherever the file is opened. */
function completeLinks(root: Element): void {
  for (const link of root.querySelectorAll("a[href]")) {
    link.setAttribute("href", new URL(link.getAttribute("href") ?? "", window.location.origin).href);
  }
}

/** A drawing as a file that stands alone: light, with its title, its date and what it is not for. */
export function standaloneSvg(drawn: SVGSVGElement, words: SavedWords): string {
  const stage = document.createElement("div");
  stage.dataset["theme"] = "light";
  stage.className = "visually-hidden";
  stage.setAttribute("aria-hidden", "true");
  const copy = drawn.cloneNode(true) as SVGSVGElement;
  stage.append(copy);
  document.body.append(stage);
  inlineStyles(copy);
  stage.remove();
  completeLinks(copy);
  const width = Number(drawn.getAttribute("width"));
  const height = Number(drawn.getAttribute("height"));
  copy.setAttribute("y", String(HEAD_PX));
  const whole = document.createElementNS(SVG, "svg");
  const all = HEAD_PX + height + FOOT_PX;
  whole.setAttribute("xmlns", SVG);
  whole.setAttribute("width", String(width));
  whole.setAttribute("height", String(all));
  whole.setAttribute("viewBox", `0 0 ${width} ${all}`);
  const name = document.createElementNS(SVG, "title");
  name.textContent = words.title;
  const ground = document.createElementNS(SVG, "rect");
  for (const [key, value] of Object.entries({ width, height: all, fill: "#ffffff" }))
    ground.setAttribute(key, String(value));
  whole.append(
    name,
    ground,
    textAt(words.title, 22, 15, 600),
    textAt(words.subtitle, 40, 11, 400),
    copy,
    textAt(words.foot, all - 8, 10, 400),
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(whole)}\n`;
}
