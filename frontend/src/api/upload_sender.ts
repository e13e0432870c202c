import type { PickedFile } from "../lib/dropped_files";
import type { UploadEvent } from "../state/upload_queue";
import { startTransfer, type Transfer, type TransferEnd, type TransferRequest } from "./file_transfer";

const AT_ONCE = 4;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 20_000;

export interface SenderOptions {
  readonly report: (event: UploadEvent) => void;
  /** For tests. */
  readonly start?: (request: TransferRequest) => Transfer;
}

interface Job {
  readonly picked: PickedFile;
  readonly batch: string;
  readonly teamId: string;
  readonly userId: number;
}

/** Sends files a few at a time; a lost connection pauses it, and it goes on by itself. */
export class UploadSender {
  private readonly jobs = new Map<string, Job>();
  private waiting: string[] = [];
  private readonly active = new Map<string, Transfer>();
  private pauseMs = FIRST_PAUSE_MS;
  private pauseTimer: ReturnType<typeof setTimeout> | undefined;
  private isPaused = false;
  private lastKey = 0;

  constructor(private readonly options: SenderOptions) {
    window.addEventListener("online", this.resume);
  }

  add(files: readonly PickedFile[], owner: { teamId: string; userId: number }): void {
    const batch = crypto.getRandomValues(new Uint8Array(16));
    const batchId = asUuid(batch);
    const added = files.map((picked) => {
      this.lastKey += 1;
      const key = `file:${String(this.lastKey)}`;
      this.jobs.set(key, { picked, batch: batchId, ...owner });
      return { key, name: picked.file.name, path: picked.path, sizeBytes: picked.file.size };
    });
    this.options.report({ type: "added", files: added });
    this.waiting.push(...added.map((file) => file.key));
    this.pump();
  }

  retry(key: string): void {
    if (!this.jobs.has(key) || this.active.has(key) || this.waiting.includes(key)) return;
    this.options.report({ type: "moved", key, phase: "waiting" });
    this.waiting.push(key);
    this.pump();
  }

  cancel(key: string): void {
    this.waiting = this.waiting.filter((waiting) => waiting !== key);
    this.active.get(key)?.stop(true);
    this.active.delete(key);
    this.options.report({ type: "moved", key, phase: "cancelled" });
    this.pump();
  }

  forget(keys: readonly string[]): void {
    keys.forEach((key) => this.jobs.delete(key));
  }

  /** Goes on after a pause: the connection, or the person, is back. */
  readonly resume = (): void => {
    clearTimeout(this.pauseTimer);
    if (!this.isPaused) return;
    this.isPaused = false;
    this.options.report({ type: "paused", isPaused: false });
    this.pump();
  };

  get isBusy(): boolean {
    return this.active.size > 0 || this.waiting.length > 0;
  }

  private pump(): void {
    while (!this.isPaused && this.active.size < AT_ONCE) {
      const key = this.waiting.shift();
      const job = key === undefined ? undefined : this.jobs.get(key);
      if (key === undefined || !job) return;
      this.send(key, job);
    }
  }

  private send(key: string, job: Job): void {
    const { report, start = startTransfer } = this.options;
    report({ type: "moved", key, phase: "sending" });
    const request: TransferRequest = {
      ...job,
      onSent: (sentBytes) => {
        this.pauseMs = FIRST_PAUSE_MS;
        report({ type: "sent", key, sentBytes });
      },
      onIdentified: (uploadId) => report({ type: "identified", key, uploadId }),
      onEnd: (end) => {
        if (this.active.delete(key)) this.finish(key, end);
      },
    };
    this.active.set(key, start(request));
  }

  private finish(key: string, end: TransferEnd): void {
    if (end.type === "delivered") {
      this.jobs.delete(key);
      this.options.report({ type: "delivered", key });
    } else if (end.type === "refused") {
      this.options.report({ type: "refused", key, reason: end.reason, reasonCode: end.reasonCode });
    } else {
      this.waiting.unshift(key);
      this.options.report({ type: "moved", key, phase: "waiting" });
      this.pause(end.cause);
    }
    this.pump();
  }

  private pause(cause: "connection" | "session"): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.options.report({ type: "paused", isPaused: true });
    if (cause === "session") return; // goes on when the person has signed in again
    this.pauseTimer = setTimeout(this.resume, this.pauseMs);
    this.pauseMs = Math.min(LONGEST_PAUSE_MS, this.pauseMs * 2);
  }
}

/** A random (version 4) UUID; crypto.randomUUID is missing where the page does not come over TLS. */
function asUuid(bytes: Uint8Array): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
