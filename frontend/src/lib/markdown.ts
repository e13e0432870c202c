/** Markdown as far as model cards use it, as plain values: nothing of it is ever taken for HTML. */
export type Inline = { readonly kind: "text" | "strong" | "code"; readonly text: string };

export type Block =
  | { readonly kind: "heading"; readonly level: number; readonly content: readonly Inline[] }
  | { readonly kind: "paragraph"; readonly content: readonly Inline[] }
  | { readonly kind: "list"; readonly items: readonly (readonly Inline[])[] }
  | { readonly kind: "table"; readonly rows: readonly (readonly (readonly Inline[])[])[] };

const MARKS = /\*\*([^*]+)\*\*|`([^`]+)`/g;
const HEADING = /^(#{1,6})\s+(.*)$/;
const ITEM = /^\s*[-*]\s+(.*)$/;
const ROW = /^\s*\|(.*)\|\s*$/;
const RULE = /^[\s|:-]+$/;

export function readInline(text: string): readonly Inline[] {
  const found: Inline[] = [];
  let end = 0;
  for (const match of text.matchAll(MARKS)) {
    if (match.index > end) found.push({ kind: "text", text: text.slice(end, match.index) });
    const [whole, strong, code] = match;
    found.push(strong === undefined ? { kind: "code", text: code ?? "" } : { kind: "strong", text: strong });
    end = match.index + whole.length;
  }
  if (end < text.length) found.push({ kind: "text", text: text.slice(end) });
  return found;
}

const cellsOf = (line: string) => (ROW.exec(line)?.[1] ?? "").split("|").map((cell) => readInline(cell.trim()));

/** Takes lines while they match, from `first` on. */
function takeWhile(lines: readonly string[], first: number, pattern: RegExp): readonly string[] {
  let end = first;
  while (end < lines.length && pattern.test(lines[end] ?? "")) end += 1;
  return lines.slice(first, end);
}

const PROSE = /^(?!\s*$|#{1,6}\s|\s*[-*]\s|\s*\|)/;

function readBlock(lines: readonly string[], first: number): { readonly block: Block; readonly length: number } {
  const line = lines[first] ?? "";
  const heading = HEADING.exec(line);
  if (heading) {
    const [, marks = "", text = ""] = heading;
    return { block: { kind: "heading", level: marks.length, content: readInline(text) }, length: 1 };
  }
  if (ITEM.test(line)) {
    const taken = takeWhile(lines, first, ITEM);
    const items = taken.map((each) => readInline(ITEM.exec(each)?.[1] ?? ""));
    return { block: { kind: "list", items }, length: taken.length };
  }
  if (ROW.test(line)) {
    const taken = takeWhile(lines, first, ROW);
    const rows = taken.filter((each) => !RULE.test(each)).map(cellsOf);
    return { block: { kind: "table", rows }, length: taken.length };
  }
  const taken = takeWhile(lines, first, PROSE);
  const prose = taken.length > 0 ? taken : [line];
  return { block: { kind: "paragraph", content: readInline(prose.join(" ")) }, length: prose.length };
}

export function readMarkdown(text: string): readonly Block[] {
  const lines = text.split(/\r?\n/);
  const blocks: Block[] = [];
  let index = 0;
  while (index < lines.length) {
    if ((lines[index] ?? "").trim() === "") {
      index += 1;
      continue;
    }
    const { block, length } = readBlock(lines, index);
    blocks.push(block);
    index += length;
  }
  return blocks;
}
