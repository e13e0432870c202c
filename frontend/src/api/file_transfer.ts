import { DetailedError, Upload as TusUpload } from "tus-js-client";

import type { PickedFile } from "../lib/dropped_files";
import { ApiProblem } from "../lib/problem";
import { announceSignedOut, BACKGROUND, CSRF_HEADER, csrfToken } from "./client";
import { digestText, resumeStorage } from "./resume_storage";

/** A piece is acknowledged when it is safe on the server's disk; after a break at most one piece is sent again. */
const PIECE_BYTES = 8 * 1024 * 1024;
/** Waits between tries when the server answers with an error of its own. */
const RETRY_DELAYS_MS = [500, 1500, 4000];

/** Why a file did not arrive, and whether the sender should wait for the connection or the person instead. */
export type TransferEnd =
  | { type: "delivered" }
  | { type: "interrupted"; cause: "connection" | "session" }
  | { type: "refused"; reason: string; reasonCode: string };

export interface TransferRequest {
  readonly picked: PickedFile;
  readonly batch: string;
  readonly teamId: string;
  readonly userId: number;
  readonly onSent: (bytes: number) => void;
  readonly onIdentified: (uploadId: string) => void;
  readonly onEnd: (end: TransferEnd) => void;
}

export interface Transfer {
  /** Stops sending; with `isFinal` the server forgets what it has received. */
  stop(isFinal: boolean): void;
}

function uploadIdOf(url: string | null): string | undefined {
  return /\/uploads\/([0-9a-f-]{36})/.exec(url ?? "")?.[1];
}

function parseProblem(body: string): { detail?: string; code?: string } {
  try {
    return JSON.parse(body) as { detail?: string; code?: string };
  } catch {
    return {};
  }
}

const isUnreadable = (error: Error): boolean =>
  error instanceof DOMException && ["NotReadableError", "NotFoundError"].includes(error.name);

/** What an error of the transfer means for the person. */
export function endOf(error: Error): TransferEnd {
  const response = error instanceof DetailedError ? error.originalResponse : null;
  if (!response) {
    const cause = error instanceof DetailedError ? error.causingError : error;
    if (cause && isUnreadable(cause)) return { type: "refused", reason: "", reasonCode: "file.unreadable" };
    return { type: "interrupted", cause: "connection" };
  }
  const status = response.getStatus();
  const { detail = "", code = `http.${String(status)}` } = parseProblem(response.getBody());
  if (status === 401) {
    announceSignedOut(new ApiProblem(401, code, detail));
    return { type: "interrupted", cause: "session" };
  }
  return { type: "refused", reason: detail, reasonCode: code };
}

function shouldRetry(error: Error | DetailedError): boolean {
  const status = error instanceof DetailedError ? (error.originalResponse?.getStatus() ?? 0) : 0;
  return status === 409 || status === 423 || status >= 500;
}

/** Sends one file over tus, from where an earlier try of the same file stopped. */
export function startTransfer(request: TransferRequest): Transfer {
  const { file, path } = request.picked;
  const identity = [request.userId, request.teamId, path, file.size, file.lastModified].join("\n");
  let isStopped = false;
  const upload = new TusUpload(file, {
    endpoint: "/api/uploads",
    metadata: { filename: file.name, relative_path: path, batch: request.batch, team: request.teamId },
    chunkSize: PIECE_BYTES,
    uploadDataDuringCreation: true, // one request instead of two for the usual file, a single slice
    retryDelays: RETRY_DELAYS_MS,
    onShouldRetry: shouldRetry,
    fingerprint: () => Promise.resolve(digestText(identity)),
    urlStorage: resumeStorage,
    removeFingerprintOnSuccess: true,
    onBeforeRequest: (http) => {
      http.setHeader(CSRF_HEADER, csrfToken());
      Object.entries(BACKGROUND).forEach(([name, value]) => http.setHeader(name, value));
    },
    onProgress: (bytes) => request.onSent(bytes),
    onUploadUrlAvailable: () => {
      const uploadId = uploadIdOf(upload.url);
      if (uploadId) request.onIdentified(uploadId);
    },
    onSuccess: () => request.onEnd({ type: "delivered" }),
    onError: (error) => request.onEnd(endOf(error)),
  });
  void upload.findPreviousUploads().then(([previous]) => {
    if (isStopped) return;
    if (previous) upload.resumeFromPreviousUpload(previous);
    upload.start();
  });
  return {
    stop(isFinal) {
      isStopped = true;
      void upload.abort(isFinal).catch(() => undefined); // already gone on the server, or it clears it away by itself
    },
  };
}
