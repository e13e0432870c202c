import { useEffect, useRef, useState } from "react";

import { checkSession, fetchSession } from "../../api/session";
import { lastActivity } from "../../lib/activity";
import { type IdleStage, idleStage, isActWorthTelling } from "../../state/idle";

const INPUTS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;
const RECHECK_MS = 5_000;

/** Tells the server of acts it cannot see (scrolling, drawing) and ends the page's session when the server's ends. */
export function useIdleClock(timeoutS: number): IdleStage {
  const [stage, setStage] = useState<IdleStage>(() => idleStage(Date.now(), lastActivity(), timeoutS));
  const asking = useRef(false);
  const nextCheck = useRef(0);

  useEffect(() => {
    const ask = async (question: () => Promise<unknown>) => {
      if (asking.current) return;
      asking.current = true;
      await question().catch(() => undefined); // offline: asked again at the next tick
      asking.current = false;
    };
    const tick = () => {
      const now = Date.now();
      const next = idleStage(now, lastActivity(), timeoutS);
      setStage((shown) => (shown.isWarning || next.isWarning || next.isOver ? next : shown));
      if (next.isOver && now >= nextCheck.current) {
        nextCheck.current = now + RECHECK_MS;
        void ask(() => checkSession("idle"));
      }
    };
    const onInput = () => {
      if (idleStage(Date.now(), lastActivity(), timeoutS).isOver) return;
      if (isActWorthTelling(Date.now(), lastActivity(), timeoutS))
        void ask(() => fetchSession({ isBackground: false }));
    };
    const timer = setInterval(tick, 1000);
    INPUTS.forEach((name) => document.addEventListener(name, onInput, { passive: true, capture: true }));
    document.addEventListener("visibilitychange", tick);
    return () => {
      clearInterval(timer);
      INPUTS.forEach((name) => document.removeEventListener(name, onInput, { capture: true }));
      document.removeEventListener("visibilitychange", tick);
    };
  }, [timeoutS]);

  return stage;
}
