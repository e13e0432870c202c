// @vitest-environment node
import { describe, expect, it } from "vitest";

import type { UploadStatus } from "../contract/events";
import { EMPTY_QUEUE, reduceUploads, sortedItems, totalsOf, type UploadEvent, type UploadQueue } from "./upload_queue";

const files = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    key: `k${String(index)}`,
    name: `${String(index)}.dcm`,
    path: `series/${String(index)}.dcm`,
    sizeBytes: 100,
  }));

const report = (fields: Partial<UploadStatus>): UploadStatus => ({
  id: "u0",
  file_name: "0.dcm",
  size_bytes: 100,
  received_bytes: 100,
  state: "ingested",
  reason_code: "",
  reason: "",
  batch: null,
  created_at: "2026-11-22T10:00:00Z",
  finished_at: null,
  counts: { stored: 1, duplicate: 0, refused: 0, skipped: 0 },
  problems: [],
  study_ids: ["s"],
  needed_details: [],
  ...fields,
});

const run = (events: readonly UploadEvent[], queue: UploadQueue = EMPTY_QUEUE) => reduceUploads(queue, events);
const sent: UploadEvent[] = [
  { type: "added", files: files(2) },
  { type: "moved", key: "k0", phase: "sending" },
  { type: "identified", key: "k0", uploadId: "u0" },
  { type: "sent", key: "k0", sentBytes: 40 },
];

describe("the queue of uploads", () => {
  it("counts bytes over all files", () => {
    const totals = totalsOf(run(sent));
    expect(totals).toMatchObject({ files: 2, bytes: 200, sentBytes: 40 });
    expect(totals.byPhase).toMatchObject({ sending: 1, waiting: 1 });
  });

  it("follows a file from the drop into the record", () => {
    const delivered = run([{ type: "delivered", key: "k0" }], run(sent));
    expect(delivered.items.get("k0")).toMatchObject({ phase: "received", sentBytes: 100 });
    const read = run([{ type: "reported", upload: report({}), isMine: false }], delivered);
    expect(read.items.get("k0")).toMatchObject({ phase: "ingested", studyIds: ["s"] });
  });

  it("keeps the server's word when it comes before the end of the transfer", () => {
    const events: UploadEvent[] = [
      { type: "reported", upload: report({}), isMine: false },
      { type: "delivered", key: "k0" },
    ];
    expect(run(events, run(sent)).items.get("k0")?.phase).toBe("ingested");
  });

  it("tells a file that is already there, and one of which nothing was taken", () => {
    const known = report({ counts: { stored: 0, duplicate: 1, refused: 0, skipped: 0 } });
    expect(run([{ type: "reported", upload: known, isMine: false }], run(sent)).items.get("k0")?.phase).toBe(
      "duplicate",
    );
    const refused = report({
      counts: { stored: 0, duplicate: 0, refused: 1, skipped: 0 },
      problems: [{ path: "0.dcm", outcome: "refused", reason_code: "instance.other_pixels", reason: "Other pixels." }],
    });
    const item = run([{ type: "reported", upload: refused, isMine: false }], run(sent)).items.get("k0");
    expect(item).toMatchObject({ phase: "failed", reason: "Other pixels." });
  });

  it("ignores uploads of others and lists those of the person's earlier visits", () => {
    const failed = report({ id: "old", state: "failed", reason: "Truncated." });
    expect(run([{ type: "reported", upload: failed, isMine: false }]).keys).toEqual([]);
    const listed = run([{ type: "reported", upload: failed, isMine: true }]);
    expect(listed.items.get("server:old")).toMatchObject({ phase: "failed", canSend: false, reason: "Truncated." });
    expect(totalsOf(listed)).toMatchObject({ files: 0, bytes: 0, byPhase: { failed: 1 } });
    expect(run([{ type: "removed", keys: listed.keys }], listed)).toEqual(EMPTY_QUEUE);
  });

  it("puts what asks for attention first", () => {
    const queue = run([
      { type: "added", files: files(3) },
      { type: "delivered", key: "k0" },
      { type: "refused", key: "k2", reason: "No.", reasonCode: "x" },
    ]);
    expect(sortedItems(queue).map((item) => item.key)).toEqual(["k2", "k1", "k0"]);
  });

  it("leaves the earlier state untouched", () => {
    const before = run(sent);
    run([{ type: "moved", key: "k0", phase: "cancelled" }], before);
    expect(before.items.get("k0")?.phase).toBe("sending");
  });

  it("takes a thousand files and their progress in a moment", () => {
    let queue = run([{ type: "added", files: files(1000) }]);
    const started = performance.now();
    for (let frame = 0; frame < 60; frame += 1) {
      queue = run([{ type: "sent", key: `k${String(frame)}`, sentBytes: 50 }], queue);
      totalsOf(queue);
    }
    expect(performance.now() - started).toBeLessThan(1000); // a second of frames within a second
    expect(totalsOf(queue).sentBytes).toBe(60 * 50);
  });
});
