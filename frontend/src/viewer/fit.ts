import { renderingEngine } from "./engine";
import type { View } from "./view";

const shown = new Set<View>();

/** Keep a pane fitted until the returned function is called. */
export function noteView(view: View): () => void {
  shown.add(view);
  return () => shown.delete(view);
}

/**
 * A pane has another size: what was fitted stays fitted, what was zoomed stays zoomed as much. All panes of the page
 * share one engine, which fits them all at once.
 */
export function fitToPanes(): void {
  const before = [...shown].map((view) => ({ view, presentation: view.presentation() }));
  renderingEngine().resize(true, false);
  for (const { view, presentation } of before) view.present(presentation);
}
