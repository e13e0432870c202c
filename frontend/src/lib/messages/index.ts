import { useCallback } from "react";

import { useStoredChoice } from "../stored_choice";
import { type Locale, localeChoice } from "./locale";
import { type Translate, translateInto } from "./translate";

export type { MessageKey, PlainMessageKey } from "./catalogue";
export { currentLocale, type Locale, localeChoice, LOCALES } from "./locale";
export { translate, type Translate } from "./translate";

/** The language in use; re-renders when it is switched. */
export function useLocale(): Locale {
  return useStoredChoice(localeChoice);
}

/** `t(key, parameters)` in the language in use; re-renders when it is switched. */
export function useTranslate(): Translate {
  const locale = useLocale();
  return useCallback<Translate>((key, ...parameters) => translateInto(locale, key, ...parameters), [locale]);
}
