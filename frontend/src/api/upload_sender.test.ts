import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { EMPTY_QUEUE, reduceUploads, type UploadQueue } from "../state/upload_queue";
import type { TransferRequest } from "./file_transfer";
import { UploadSender } from "./upload_sender";

const owner = { teamId: "team", userId: 7 };
const pick = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    file: new File(["x".repeat(10)], `${String(index)}.dcm`),
    path: `folder/${String(index)}.dcm`,
  }));

describe("the sender", () => {
  let queue: UploadQueue;
  let requests: TransferRequest[];
  let stopped: boolean[];
  let sender: UploadSender;

  beforeEach(() => {
    vi.useFakeTimers();
    queue = EMPTY_QUEUE;
    requests = [];
    stopped = [];
    sender = new UploadSender({
      report: (event) => {
        queue = reduceUploads(queue, [event]);
      },
      start: (request) => {
        requests.push(request);
        return { stop: (isFinal) => stopped.push(isFinal) };
      },
    });
  });
  afterEach(() => vi.useRealTimers());

  const phases = () => [...queue.items.values()].map((item) => item.phase);

  it("sends four at once and the next when one has arrived", () => {
    sender.add(pick(6), owner);
    expect(phases()).toEqual(["sending", "sending", "sending", "sending", "waiting", "waiting"]);
    requests[1]?.onEnd({ type: "delivered" });
    expect(requests).toHaveLength(5);
    expect(phases()).toEqual(["sending", "received", "sending", "sending", "sending", "waiting"]);
  });

  it("gives one drop one batch, a version 4 UUID", () => {
    sender.add(pick(2), owner);
    sender.add(pick(1), owner);
    const [first, second, other] = requests.map((request) => request.batch);
    expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(second).toBe(first);
    expect(other).not.toBe(first);
  });

  it("waits for the connection and goes on by itself with the same file", () => {
    sender.add(pick(1), owner);
    requests[0]?.onEnd({ type: "interrupted", cause: "connection" });
    expect(queue.isPaused).toBe(true);
    expect(phases()).toEqual(["waiting"]);
    vi.advanceTimersByTime(999);
    expect(requests).toHaveLength(1);
    vi.advanceTimersByTime(2);
    expect(queue.isPaused).toBe(false);
    expect(requests[1]?.picked).toBe(requests[0]?.picked);
  });

  it("goes on at once when the browser says that it is online again", () => {
    sender.add(pick(1), owner);
    requests[0]?.onEnd({ type: "interrupted", cause: "connection" });
    window.dispatchEvent(new Event("online"));
    expect(requests).toHaveLength(2);
  });

  it("waits for the person, not for the clock, after a sign-out", () => {
    sender.add(pick(1), owner);
    requests[0]?.onEnd({ type: "interrupted", cause: "session" });
    vi.advanceTimersByTime(60 * 60_000);
    expect(requests).toHaveLength(1);
    sender.resume();
    expect(requests).toHaveLength(2);
  });

  it("keeps a refused file with its reason and sends it again when asked", () => {
    sender.add(pick(2), owner);
    requests[0]?.onEnd({ type: "refused", reason: "No room.", reasonCode: "storage.full" });
    const [failed] = queue.keys;
    expect(queue.items.get(failed!)).toMatchObject({ phase: "failed", reason: "No room.", reasonCode: "storage.full" });
    sender.retry(failed!);
    expect(queue.items.get(failed!)).toMatchObject({ phase: "sending", reason: "" });
    expect(requests).toHaveLength(3);
  });

  it("stops a file for good and takes the next", () => {
    sender.add(pick(5), owner);
    sender.cancel(queue.keys[0]!);
    expect(stopped).toEqual([true]);
    expect(phases()).toEqual(["cancelled", "sending", "sending", "sending", "sending"]);
    requests[0]?.onEnd({ type: "delivered" }); // too late to count
    expect(phases()[0]).toBe("cancelled");
  });
});
