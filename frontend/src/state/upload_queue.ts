import type { UploadProblem, UploadStatus } from "../contract/events";

/** Where a file of the person stands, from the drop to the record. */
export type UploadPhase =
  "waiting" | "sending" | "received" | "ingested" | "duplicate" | "needs_details" | "failed" | "cancelled";

export interface UploadItem {
  readonly key: string;
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sentBytes: number;
  readonly phase: UploadPhase;
  readonly uploadId: string | undefined;
  readonly reason: string;
  readonly reasonCode: string;
  readonly problems: readonly UploadProblem[];
  readonly studyIds: readonly string[];
  readonly neededDetails: readonly string[];
  /** The browser still holds the file and can send it (again). */
  readonly canSend: boolean;
}

export interface UploadQueue {
  readonly keys: readonly string[];
  readonly items: ReadonlyMap<string, UploadItem>;
  readonly keyOfUpload: ReadonlyMap<string, string>;
  /** Nothing is sent until the connection (or the person) is back. */
  readonly isPaused: boolean;
}

export type UploadEvent =
  | { type: "added"; files: readonly { key: string; name: string; path: string; sizeBytes: number }[] }
  | { type: "sent"; key: string; sentBytes: number }
  | { type: "moved"; key: string; phase: "waiting" | "sending" | "cancelled" }
  | { type: "identified"; key: string; uploadId: string }
  | { type: "delivered"; key: string }
  | { type: "refused"; key: string; reason: string; reasonCode: string }
  | { type: "reported"; upload: UploadStatus; isMine: boolean }
  | { type: "removed"; keys: readonly string[] }
  | { type: "paused"; isPaused: boolean };

export const EMPTY_QUEUE: UploadQueue = { keys: [], items: new Map(), keyOfUpload: new Map(), isPaused: false };

interface Draft {
  keys: string[];
  items: Map<string, UploadItem>;
  keyOfUpload: Map<string, string>;
  isPaused: boolean;
}

const NEW_ITEM = {
  sentBytes: 0,
  phase: "waiting",
  uploadId: undefined,
  reason: "",
  reasonCode: "",
  problems: [],
  studyIds: [],
  neededDetails: [],
  canSend: true,
} as const;

function change(draft: Draft, key: string, fields: Partial<UploadItem>): void {
  const item = draft.items.get(key);
  if (item) draft.items.set(key, { ...item, ...fields });
}

function phaseOf(upload: UploadStatus, current: UploadPhase | undefined): UploadPhase {
  if (upload.state === "receiving") return current ?? "waiting";
  const { stored, duplicate, refused } = upload.counts;
  if (upload.state !== "ingested" || stored > 0) return upload.state;
  if (refused > 0) return "failed";
  return duplicate > 0 ? "duplicate" : "ingested";
}

function reasonOf(upload: UploadStatus, phase: UploadPhase): string {
  const [first] = upload.problems;
  return upload.reason || !first || phase !== "failed" ? upload.reason : first.reason;
}

function takeReport(draft: Draft, upload: UploadStatus, isMine: boolean): void {
  const key = draft.keyOfUpload.get(upload.id) ?? (isMine ? `server:${upload.id}` : undefined);
  if (key === undefined) return;
  const known = draft.items.get(key);
  if (!known) draft.keys.push(key);
  draft.keyOfUpload.set(upload.id, key);
  const phase = phaseOf(upload, known?.phase);
  const base = known ?? { ...NEW_ITEM, key, name: upload.file_name, path: upload.file_name, canSend: false };
  draft.items.set(key, {
    ...base,
    uploadId: upload.id,
    sizeBytes: upload.size_bytes,
    sentBytes: upload.state === "receiving" ? base.sentBytes : upload.size_bytes,
    phase,
    reason: reasonOf(upload, phase),
    reasonCode: upload.reason_code,
    problems: upload.problems,
    studyIds: upload.study_ids,
    neededDetails: upload.needed_details,
  });
}

/** A file is delivered once; a report of the server that came first is not undone by it. */
function deliver(draft: Draft, key: string): void {
  const item = draft.items.get(key);
  if (!item) return;
  const phase = item.phase === "waiting" || item.phase === "sending" ? "received" : item.phase;
  draft.items.set(key, { ...item, phase, sentBytes: item.sizeBytes, reason: "", reasonCode: "" });
}

function remove(draft: Draft, keys: readonly string[]): void {
  const gone = new Set(keys);
  draft.keys = draft.keys.filter((key) => !gone.has(key));
  for (const key of keys) {
    const uploadId = draft.items.get(key)?.uploadId;
    if (uploadId) draft.keyOfUpload.delete(uploadId);
    draft.items.delete(key);
  }
}

function identify(draft: Draft, key: string, uploadId: string): void {
  draft.keyOfUpload.set(uploadId, key);
  change(draft, key, { uploadId });
}

function add(draft: Draft, files: readonly { key: string; name: string; path: string; sizeBytes: number }[]): void {
  for (const file of files) {
    draft.keys.push(file.key);
    draft.items.set(file.key, { ...NEW_ITEM, ...file });
  }
}

function apply(draft: Draft, event: UploadEvent): void {
  switch (event.type) {
    case "added":
      return add(draft, event.files);
    case "sent":
      return change(draft, event.key, { sentBytes: event.sentBytes });
    case "moved":
      return change(draft, event.key, { phase: event.phase, reason: "", reasonCode: "" });
    case "identified":
      return identify(draft, event.key, event.uploadId);
    case "delivered":
      return deliver(draft, event.key);
    case "refused":
      return change(draft, event.key, { phase: "failed", reason: event.reason, reasonCode: event.reasonCode });
    case "reported":
      return takeReport(draft, event.upload, event.isMine);
    case "removed":
      return remove(draft, event.keys);
    case "paused":
      draft.isPaused = event.isPaused;
  }
}

/** Applies a batch of events with one copy of the queue: a thousand files move without a thousand renders. */
export function reduceUploads(queue: UploadQueue, events: readonly UploadEvent[]): UploadQueue {
  if (events.length === 0) return queue;
  const draft: Draft = {
    keys: [...queue.keys],
    items: new Map(queue.items),
    keyOfUpload: new Map(queue.keyOfUpload),
    isPaused: queue.isPaused,
  };
  events.forEach((event) => apply(draft, event));
  return draft;
}

export interface UploadTotals {
  /** Files this page sends or has sent; the stopped ones are out of it. */
  readonly files: number;
  readonly sentFiles: number;
  readonly bytes: number;
  readonly sentBytes: number;
  readonly byPhase: Readonly<Record<UploadPhase, number>>;
}

/** What the strip's one line says. Files listed from an earlier visit count by phase, not towards the bytes. */
export function totalsOf(queue: UploadQueue): UploadTotals {
  const byPhase: Record<UploadPhase, number> = {
    waiting: 0,
    sending: 0,
    received: 0,
    ingested: 0,
    duplicate: 0,
    needs_details: 0,
    failed: 0,
    cancelled: 0,
  };
  const sum = { files: 0, sentFiles: 0, bytes: 0, sentBytes: 0 };
  for (const item of queue.items.values()) {
    byPhase[item.phase] += 1;
    if (item.phase === "cancelled" || !item.canSend) continue;
    sum.files += 1;
    sum.sentFiles += item.phase === "waiting" || item.phase === "sending" ? 0 : 1;
    sum.bytes += item.sizeBytes;
    sum.sentBytes += Math.min(item.sentBytes, item.sizeBytes);
  }
  return { ...sum, byPhase };
}

const UNDER_WAY: ReadonlySet<UploadPhase> = new Set(["waiting", "sending", "received"]);

/** Whether anything is still being sent or read. */
export function isUnderWay(queue: UploadQueue): boolean {
  for (const item of queue.items.values()) if (UNDER_WAY.has(item.phase)) return true;
  return false;
}

const ATTENTION: Readonly<Record<UploadPhase, number>> = {
  needs_details: 0,
  failed: 1,
  sending: 2,
  waiting: 3,
  received: 4,
  cancelled: 5,
  ingested: 6,
  duplicate: 6,
};

/** The files in the order in which they ask for attention; within that, as they came. */
export function sortedItems(queue: UploadQueue): readonly UploadItem[] {
  const items = queue.keys.flatMap((key) => queue.items.get(key) ?? []);
  return items.sort((one, other) => ATTENTION[one.phase] - ATTENTION[other.phase]);
}
