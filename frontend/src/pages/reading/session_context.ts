import { createContext, useContext, useState } from "react";

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

/** All of it, for the few parts that follow the crosshair. */
export function useWholeReading(): ReadingState {
  return useReading(whole);
}

/** Keeps giving the state it gave last while nothing but the crosshair has moved: that happens with every image. */
function withoutCursor(): (state: ReadingState) => ReadingState {
  let given: ReadingState | undefined;
  return (state) => {
    const previous = given;
    const isSame =
      previous !== undefined &&
      (Object.keys(state) as (keyof ReadingState)[]).every((key) => key === "cursor" || state[key] === previous[key]);
    if (!isSame) given = state;
    return given ?? state;
  };
}

/** All but the place of the crosshair, for parts that show much or ask acts whether they make sense. */
export function useReadingState(): ReadingState {
  const [select] = useState(withoutCursor);
  return useReading(select);
}
