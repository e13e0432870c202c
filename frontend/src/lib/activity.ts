const KEY = "segweb.last_activity";

let last = Date.now();

/** Notes that the server has just seen an act of the person: its idle clock starts again, in every tab. */
export function noteActivity(now: number = Date.now()): void {
  last = now;
  try {
    localStorage.setItem(KEY, String(now));
  } catch {
    // storage is blocked: other tabs do not learn of it, the server decides
  }
}

/** When the server last saw an act of the person, in this tab or another; milliseconds since the epoch. */
export function lastActivity(): number {
  try {
    return Math.max(last, Number(localStorage.getItem(KEY)) || 0);
  } catch {
    return last;
  }
}
