import type { RefObject } from "react";

import type { KeyMap } from "../../lib/use_keys";

/** Moves the focus from row to row: each row's link is its handle, so Enter opens it as any link. */
export function useRowFocus(table: RefObject<HTMLElement | null>): KeyMap {
  const focusedRow = () => document.activeElement?.closest("tr") ?? null;
  const move = (step: 1 | -1) => () => {
    const links = [...(table.current?.querySelectorAll<HTMLElement>("a[data-row]") ?? [])];
    const at = links.findIndex((link) => link.closest("tr") === focusedRow());
    const next = at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + step));
    links[next]?.focus();
    links[next]?.closest("tr")?.scrollIntoView({ block: "nearest" });
  };
  const openPatient = () => focusedRow()?.querySelector<HTMLElement>("a[data-patient]")?.click();
  return { j: move(1), ArrowDown: move(1), k: move(-1), ArrowUp: move(-1), p: openPatient };
}
