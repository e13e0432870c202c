import type { EvaluationProgressed, EvaluationStatus } from "../contract/events";
import { type EventSocket, openEventSocket } from "./event_socket";

interface EvaluationListener {
  readonly onStatus: (status: EvaluationStatus) => void;
  /** The line is open again: what was said meanwhile is lost, ask. */
  readonly onOpen: () => void;
}

/** Listens to how far an evaluation is until closed. */
export function listenToEvaluation(id: string, listener: EvaluationListener): EventSocket {
  return openEventSocket(`/ws/evaluations/${id}`, {
    onOpen: listener.onOpen,
    onText: (message) => listener.onStatus((message as EvaluationProgressed).evaluation),
  });
}
