import { useEffect, useRef } from "react";

/** Acts by key: `event.key`, or with modifiers in the order "Control+Shift+z" (Control stands for Command on a Mac). */
export type KeyMap = Readonly<Record<string, (event: KeyboardEvent) => void>>;

const TYPING = "input:not([type=checkbox]):not([type=range]), textarea, select, [contenteditable=true]";
const OVERLAY = "[role=dialog], [role=menu], [role=listbox]";

export function keyName(event: KeyboardEvent): string {
  const isLetterLike = event.key.length === 1;
  const parts = [
    event.ctrlKey || event.metaKey ? "Control" : "",
    event.altKey ? "Alt" : "",
    event.shiftKey && !isLetterLike ? "Shift" : "",
    event.key,
  ];
  return parts.filter(Boolean).join("+");
}

/** Keys that a slider or a row of tabs under the focus uses itself. */
const MOVING = new Set(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"]);
const MOVED_BY_KEYS = "input[type=range], [role=tab]";

function isElsewhere({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof Element)) return false;
  if (MOVING.has(key) && target.matches(MOVED_BY_KEYS)) return true;
  return target.matches(TYPING) || target.closest(OVERLAY) !== null || document.querySelector("[role=dialog]") !== null;
}

/** Binds keys for the whole page, except while somebody types or a dialog, menu or list is open. */
export function useKeys(keys: KeyMap): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isElsewhere(event)) return;
      const act = latest.current[keyName(event)];
      if (!act) return;
      event.preventDefault();
      act(event);
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
}
