import { createStoredChoice, type StoredChoice } from "./stored_choice";

export const THEMES = ["dark", "light", "system"] as const;
export type Theme = (typeof THEMES)[number];

export const themeChoice: StoredChoice<Theme> = createStoredChoice<Theme>("segweb.theme", THEMES, () => "dark");

const wantsLight = window.matchMedia("(prefers-color-scheme: light)");
let isDarkRequired = false;

function apply(): void {
  const choice = themeChoice.get();
  const isLight = choice === "light" || (choice === "system" && wantsLight.matches);
  document.documentElement.dataset["theme"] = isLight && !isDarkRequired ? "light" : "dark";
}

/** Keeps the page in the chosen theme from now on. */
export function followTheme(): void {
  apply();
  themeChoice.subscribe(apply);
  wantsLight.addEventListener("change", apply);
}

/** Images are read in the dark, whatever the rest of SegWeb looks like. Returns how to go back. */
export function requireDark(): () => void {
  isDarkRequired = true;
  apply();
  return () => {
    isDarkRequired = false;
    apply();
  };
}
