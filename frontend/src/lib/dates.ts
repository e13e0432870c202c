import type { Locale } from "./messages/locale";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatter(locale: Locale, name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale} ${name}`;
  const known = formats.get(key);
  if (known) return known;
  const created = new Intl.DateTimeFormat(locale === "en" ? "en-GB" : locale, options);
  formats.set(key, created);
  return created;
}

/** Days since 1970-01-01 of a calendar date (ISO, without a zone): dates are compared as dates, not as moments. */
export function dayNumber(date: string): number {
  return Math.round(Date.parse(`${date.slice(0, 10)}T00:00:00Z`) / DAY_MS);
}

/** A calendar date as people write it: "12 Nov 2026". */
export function formatDate(date: string, locale: Locale): string {
  const format = formatter(locale, "date", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  return format.format(new Date(dayNumber(date) * DAY_MS));
}

/** A day (since 1970-01-01) as the label of an axis: "Nov 2026", or "2026" at the turn of a year. */
export function formatDay(day: number, unit: "month" | "year", locale: Locale): string {
  const options: Intl.DateTimeFormatOptions = { year: "numeric", timeZone: "UTC" };
  const format = formatter(locale, unit, unit === "year" ? options : { ...options, month: "short" });
  return format.format(new Date(day * DAY_MS));
}

/** A moment in full, with its zone, for the hover. */
export function formatMoment(moment: string, locale: Locale): string {
  const format = formatter(locale, "moment", {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "short",
  });
  return format.format(new Date(moment));
}

/** Relative under a day ("2 h ago"), absolute otherwise. */
export function formatSince(moment: string, now: number, locale: Locale): string {
  const since = now - Date.parse(moment);
  if (since >= DAY_MS || since < -MINUTE_MS) {
    const format = formatter(locale, "day", { day: "numeric", month: "short", year: "numeric" });
    return format.format(new Date(moment));
  }
  const relative = new Intl.RelativeTimeFormat(locale, { style: "short", numeric: "auto" });
  if (since < MINUTE_MS) return relative.format(0, "second");
  if (since < HOUR_MS) return relative.format(-Math.floor(since / MINUTE_MS), "minute");
  return relative.format(-Math.floor(since / HOUR_MS), "hour");
}

/** Whole years between a birth date and another calendar date. */
export function ageInYears(birthDate: string, onDate: string): number {
  const years = Number(onDate.slice(0, 4)) - Number(birthDate.slice(0, 4));
  return onDate.slice(5, 10) < birthDate.slice(5, 10) ? years - 1 : years;
}

/** Today as a calendar date where the reader is. */
export function today(now: Date = new Date()): string {
  const local = new Date(now.getTime() - now.getTimezoneOffset() * MINUTE_MS);
  return local.toISOString().slice(0, 10);
}
