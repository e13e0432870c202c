import type { Catalogue, Message, MessageKey, MessageParameters } from "./catalogue";
import { de } from "./de";
import { en } from "./en";
import { currentLocale, type Locale } from "./locale";

const catalogues: Readonly<Record<Locale, Catalogue>> = { en, de };
const pluralRules: Readonly<Record<Locale, Intl.PluralRules>> = {
  en: new Intl.PluralRules("en"),
  de: new Intl.PluralRules("de"),
};

export type Translate = <Key extends MessageKey>(key: Key, ...parameters: MessageParameters<Key>) => string;

function chooseForm(message: Message, locale: Locale, count: string | number | undefined): string {
  if (typeof message === "string") return message;
  return pluralRules[locale].select(Number(count ?? 0)) === "one" ? message.one : message.other;
}

/** Returns the text of `key` in one language, its placeholders filled; numbers are written as that language does. */
export function translateInto<Key extends MessageKey>(
  locale: Locale,
  key: Key,
  ...parameters: MessageParameters<Key>
): string {
  const values: Readonly<Record<string, string | number>> = parameters[0] ?? {};
  const text = chooseForm(catalogues[locale][key], locale, values["count"]);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? value.toLocaleString(locale) : value;
  });
}

/** Returns the text of `key` in the language in use. In components take `useTranslate()`, which follows a switch. */
export const translate: Translate = (key, ...parameters) => translateInto(currentLocale(), key, ...parameters);
