import { createContext, useContext } from "react";

import type { ReadingSession } from "../../actions/reading/session";
import { useStore } from "../../lib/store";
import type { ReadingState } from "../../state/reading";

export const SessionContext = createContext<ReadingSession | undefined>(undefined);

export function useReadingSession(): ReadingSession {
  const session = useContext(SessionContext);
  if (!session) throw new Error("Only inside the reading page.");
  return session;
}

/** A part of the reading page's state; select must return a stored value. */
export function useReading<Part>(select: (state: ReadingState) => Part): Part {
  return useStore(useReadingSession().store, select);
}

const whole = (state: ReadingState): ReadingState => state;

/** All of it, for parts that show much of it or ask acts whether they make sense. */
export function useReadingState(): ReadingState {
  return useReading(whole);
}
