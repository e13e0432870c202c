import { useEffect } from "react";

import { refetchPatients } from "../../api/patients";
import { checkSession } from "../../api/session";
import { takeUploadReport } from "../../api/upload_center";
import { refetchTracking } from "../../api/tracking";
import { refetchWorklist } from "../../api/worklist";
import { createStore } from "../../lib/store";
import { throttle } from "../../lib/throttle";
import type { ConnectionState } from "../../live/event_socket";
import { listenToWorklist } from "../../live/worklist_events";

/** What the lamp at the foot of the worklist shows. */
export const connectionStore = createStore<ConnectionState, ConnectionState>((_state, next) => next, "connecting");

/** A job moves several times a second, the list follows once. */
const REFETCH_MS = 1_000;

/** Keeps lists and uploads current while any page with a bar is open. */
export function useWorklistSocket(): void {
  useEffect(() => {
    const refetch = throttle<undefined>(() => {
      void refetchWorklist();
      void refetchPatients();
    }, REFETCH_MS);
    let isFirst = true;
    const socket = listenToWorklist({
      onChange: () => refetch(undefined),
      onTracking: refetchTracking,
      onUpload: takeUploadReport,
      onOpen: () => {
        // Whatever was said while the line was down is lost: ask, except at the start, when pages ask anyway.
        if (!isFirst) {
          refetch(undefined);
          refetchTracking();
        }
        isFirst = false;
      },
      onState: (state) => {
        connectionStore.dispatch(state);
        if (state === "refused") void checkSession("ended").catch(() => undefined);
      },
    });
    return () => {
      refetch.cancel();
      socket.close();
    };
  }, []);
}
