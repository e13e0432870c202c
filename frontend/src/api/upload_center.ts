import type { UploadStatus } from "../contract/events";
import type { PickedFile } from "../lib/dropped_files";
import { createStore } from "../lib/store";
import { EMPTY_QUEUE, reduceUploads, type UploadEvent, type UploadQueue } from "../state/upload_queue";
import type { SessionUser, UploadDetails } from "./records";
import { onSessionChange } from "./session";
import { UploadSender } from "./upload_sender";
import { discardUpload, fetchUpload, giveUploadDetails, listUploads, retryUpload } from "./uploads";

/** The person's uploads, one queue for the whole page: they go on while other pages are looked at. */
export const uploadStore = createStore<UploadQueue, readonly UploadEvent[]>(reduceUploads, EMPTY_QUEUE);

let pending: UploadEvent[] = [];

function flush(): void {
  const events = pending;
  pending = [];
  uploadStore.dispatch(events);
}

/** Queues an event; the page is told at most once a frame (or ten times a second while it is hidden). */
function report(event: UploadEvent): void {
  pending.push(event);
  if (pending.length > 1) return;
  if (document.hidden) setTimeout(flush, 100);
  else requestAnimationFrame(flush);
}

const sender = new UploadSender({ report });
let owner: number | undefined;

/** The queue belongs to one person: it waits for them through a sign-out and is dropped before another. */
onSessionChange((user) => {
  if (!user) return;
  if (owner !== undefined && owner !== user.id) clearUploads(uploadStore.get().keys);
  owner = user.id;
  sender.resume();
});

window.addEventListener("beforeunload", (event) => {
  if (sender.isBusy) event.preventDefault();
});

export function sendFiles(files: readonly PickedFile[], user: SessionUser, teamId: string): void {
  sender.add(files, { teamId, userId: user.id });
}

export function takeUploadReport(upload: UploadStatus): void {
  report({ type: "reported", upload, isMine: false });
}

/** Sends the file again when the browser has it, else asks the server to read again what it kept. */
export async function tryUploadAgain(key: string): Promise<void> {
  const item = uploadStore.get().items.get(key);
  if (!item) return;
  const isOnServer = item.uploadId !== undefined && item.sentBytes >= item.sizeBytes;
  if (isOnServer && item.uploadId) report({ type: "reported", upload: await retryUpload(item.uploadId), isMine: true });
  else sender.retry(key);
}

export function cancelUpload(key: string): void {
  sender.cancel(key);
}

export function clearUploads(keys: readonly string[]): void {
  const { items } = uploadStore.get();
  keys.forEach((key) => {
    const phase = items.get(key)?.phase;
    if (phase === "waiting" || phase === "sending") sender.cancel(key);
  });
  sender.forget(keys);
  report({ type: "removed", keys });
}

export async function describeUploads(keys: readonly string[], details: UploadDetails): Promise<void> {
  const { items } = uploadStore.get();
  for (const key of keys) {
    const uploadId = items.get(key)?.uploadId;
    if (uploadId) report({ type: "reported", upload: await giveUploadDetails(uploadId, details), isMine: true });
  }
}

/** Lists what earlier visits left: files that wait for details, that failed, or that were cut off. */
export async function findLeftovers(): Promise<readonly UploadStatus[]> {
  const [waiting, failed, receiving] = await Promise.all([
    listUploads({ state: "needs_details" }),
    listUploads({ state: "failed" }),
    listUploads({ state: "receiving" }),
  ]);
  [...waiting, ...failed].forEach((upload) => report({ type: "reported", upload, isMine: true }));
  return receiving;
}

export async function forgetLeftovers(uploads: readonly UploadStatus[]): Promise<void> {
  await Promise.all(uploads.map((upload) => discardUpload(upload.id)));
}

const ASKED_AT_ONCE = 10;

/** Asks how files that are being read stand: the backstop for a lost message of the socket. */
export async function refreshReceived(): Promise<void> {
  const items = [...uploadStore.get().items.values()];
  const open = items.filter((item) => item.phase === "received").slice(0, ASKED_AT_ONCE);
  for (const { uploadId } of open) {
    if (uploadId) takeUploadReport(await fetchUpload(uploadId));
  }
}
