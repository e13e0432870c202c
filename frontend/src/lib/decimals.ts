const WRITTEN = /^\d+(?:[.,]\d+)?$/;

/**
 * A decimal as a person types it, with a point or a comma whatever the language: a separator is never one of thousands,
 * which would turn 1.9 into 19. Null for an empty text, undefined for what is no number.
 */
export function readDecimal(text: string): number | null | undefined {
  const typed = text.trim();
  if (!typed) return null;
  return WRITTEN.test(typed) ? Number(typed.replace(",", ".")) : undefined;
}

/** A stored decimal as it is shown: in the language's way, without grouping. */
export function showDecimal(stored: string | null | undefined, locale: string): string {
  if (stored === null || stored === undefined || stored === "") return "";
  return Number(stored).toLocaleString(locale, { useGrouping: false, maximumFractionDigits: 6 });
}
