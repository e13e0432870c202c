/** What the idle clock shows and does at a moment. */
export interface IdleStage {
  readonly secondsLeft: number;
  readonly isWarning: boolean;
  readonly isOver: boolean;
}

const LONGEST_WARNING_S = 60;
/** The server's clock starts when a request arrives, a little after the browser's note of it. */
const GRACE_S = 1;

/** Where an idle session stands: a quiet countdown in its last minute (or last quarter, when it is short). */
export function idleStage(now: number, lastActivity: number, timeoutS: number): IdleStage {
  const secondsLeft = Math.ceil(timeoutS - (now - lastActivity) / 1000);
  const warningS = Math.min(LONGEST_WARNING_S, Math.ceil(timeoutS / 4));
  return {
    secondsLeft: Math.max(0, secondsLeft),
    isWarning: secondsLeft <= warningS,
    isOver: secondsLeft + GRACE_S <= 0,
  };
}

/** Whether an act of the person in the page is worth telling the server: it has not heard of one for a while. */
export function isActWorthTelling(now: number, lastActivity: number, timeoutS: number): boolean {
  const sinceS = (now - lastActivity) / 1000;
  return sinceS >= Math.min(60, timeoutS / 5);
}
