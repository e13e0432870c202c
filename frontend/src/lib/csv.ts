export type CsvCell = string | number | boolean | null;

/** A spreadsheet runs a text that begins like a formula; a leading quote keeps it a text. */
const FORMULA_START = /^[=+\-@\t\r]/;

function writeCell(cell: CsvCell): string {
  if (cell === null) return "";
  if (typeof cell !== "string") return String(cell);
  const safe = FORMULA_START.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Rows as RFC 4180 writes them: commas, CRLF, quotes doubled. Numbers keep their point in every language. */
export function writeCsv(rows: readonly (readonly CsvCell[])[]): string {
  return rows.map((row) => `${row.map(writeCell).join(",")}\r\n`).join("");
}
