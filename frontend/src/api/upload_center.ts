import type { UploadStatus } from "../contract/events";
import type { PickedFile } from "../lib/dropped_files";
import { createStore } from "../lib/store";
import { EMPTY_QUEUE, reduceUploads, type UploadEvent, type UploadQueue } from "../state/upload_queue";
import { dismissUpload, isDismissed } from "./dismissed_uploads";
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

/** A thousand small files report hundreds of times a second; the eye is content with a few. */
const FLUSH_MS = 150;

/** Queues an event; the page is told of all since the last time at once. */
function report(event: UploadEvent): void {
  pending.push(event);
  if (pending.length === 1) setTimeout(flush, FLUSH_MS);
}

const sender = new UploadSender({ report });
let owner: number | undefined;

/** Nothing of one person's uploads is shown to the next. */
function dropQueue(): void {
  const { keys, items } = uploadStore.get();
  keys.filter((key) => items.get(key)?.canSend).forEach((key) => sender.cancel(key));
  sender.forget(keys);
  report({ type: "removed", keys });
}

/** The queue belongs to one person: it waits for them through a sign-out and is dropped before another. */
onSessionChange((user) => {
  if (!user) return;
  if (owner !== undefined && owner !== user.id) dropQueue();
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

/** Takes files off the list; the server throws away those it could not read or was waiting to be told about. */
export function clearUploads(keys: readonly string[]): void {
  const { items } = uploadStore.get();
  keys.forEach((key) => {
    const item = items.get(key);
    if (item?.phase === "waiting" || item?.phase === "sending") sender.cancel(key);
    if (item?.uploadId && (item.phase === "failed" || item.phase === "needs_details")) letGo(item.uploadId);
  });
  sender.forget(keys);
  report({ type: "removed", keys });
}

/** What the server keeps aside as evidence stays there; it is not listed in this browser again. */
function letGo(uploadId: string): void {
  dismissUpload(uploadId);
  void discardUpload(uploadId).catch(() => undefined); // offline: the server clears it away by itself in a week
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
  const listed = [...waiting, ...failed].filter((upload) => !isDismissed(upload.id));
  listed.forEach((upload) => report({ type: "reported", upload, isMine: true }));
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
