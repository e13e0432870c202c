import { createStoredChoice } from "../stored_choice";

export const LOCALES = ["en", "de"] as const;
export type Locale = (typeof LOCALES)[number];

function preferredLocale(): Locale {
  const language = navigator.language.slice(0, 2);
  return LOCALES.find((locale) => locale === language) ?? "en";
}

export const localeChoice = createStoredChoice<Locale>("segweb.locale", LOCALES, preferredLocale);

export const currentLocale = (): Locale => localeChoice.get();
