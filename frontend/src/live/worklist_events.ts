import type { SocketMessage, UploadStatus } from "../contract/events";
import { type ConnectionState, type EventSocket, openEventSocket } from "./event_socket";

interface WorklistListener {
  /** A row is new or differs. */
  readonly onChange: (studyId: string) => void;
  /** What is known of a patient's lesions, or the verdict, differs. */
  readonly onTracking: (patientId: string) => void;
  readonly onUpload: (upload: UploadStatus) => void;
  /** The line is open again: what was said meanwhile is lost, ask. */
  readonly onOpen: () => void;
  readonly onState: (state: ConnectionState) => void;
}

/** Listens to what happens in the person's teams until closed. */
export function listenToWorklist(listener: WorklistListener): EventSocket {
  return openEventSocket("/ws/worklist", {
    onOpen: listener.onOpen,
    onState: listener.onState,
    onText: (text) => {
      const message = text as SocketMessage;
      if (message.type === "worklist.changed") listener.onChange(message.study_id);
      if (message.type === "tracking.changed") listener.onTracking(message.patient_id);
      if (message.type === "upload.progressed") listener.onUpload(message.upload);
    },
  });
}
