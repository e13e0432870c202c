import type { Locale } from "./messages/locale";

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** A number of bytes in decimal units, three digits at most before the unit: "12.4 MB". */
export function formatBytes(bytes: number, locale: Locale): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toLocaleString(locale, { maximumFractionDigits: digits })} ${UNITS[unit] ?? "B"}`;
}
