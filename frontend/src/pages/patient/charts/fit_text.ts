/** Of a capital letter at 11 px, nearly: names are often written in them. */
const CHARACTER_PX = 6.8;

/** A text cut to about a width, or nothing where not even its beginning would fit. */
export function fitText(text: string, widthPx: number): string {
  const most = Math.floor(widthPx / CHARACTER_PX);
  if (text.length <= most) return text;
  return most >= 4 ? `${text.slice(0, most - 1)}…` : "";
}
