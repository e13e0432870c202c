import { noteActivity } from "../lib/activity";
import { ApiProblem, OfflineError } from "../lib/problem";
import { announceSignedOut, CSRF_HEADER, csrfToken } from "./client";

/** A body on its way to the server. */
export interface Sending {
  /** The id of what it became there. */
  readonly done: Promise<string>;
  stop(): void;
}

interface Answer {
  readonly id?: string;
  readonly detail?: string;
  readonly code?: string;
}

function readAnswer(request: XMLHttpRequest): Answer {
  try {
    return JSON.parse(request.responseText) as Answer;
  } catch {
    return {};
  }
}

/** Sends a file as it is; `onShare` tells how much of it has left, 0 to 1: what fetch cannot. */
export function sendBody(url: string, body: Blob, onShare: (share: number) => void): Sending {
  const request = new XMLHttpRequest();
  const done = new Promise<string>((resolve, reject) => {
    request.open("POST", url);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Accept", "application/json, application/problem+json");
    request.setRequestHeader(CSRF_HEADER, csrfToken());
    request.upload.onprogress = ({ loaded, total }) => onShare(total > 0 ? loaded / total : 0);
    request.onload = () => {
      const { id = "", detail = "", code = `http.${String(request.status)}` } = readAnswer(request);
      if (request.status === 201) {
        noteActivity();
        resolve(id);
        return;
      }
      const problem = new ApiProblem(request.status, code, detail);
      if (problem.status === 401) announceSignedOut(problem);
      reject(problem);
    };
    request.onerror = () => reject(new OfflineError("The server could not be reached."));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    request.send(body);
  });
  return { done, stop: () => request.abort() };
}
