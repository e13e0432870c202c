import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { encodeBrick } from "./brick";
import { reconnectDelayMs } from "./event_socket";
import { JobStream, type JobStreamEvents } from "./job_stream";

/** The browser's end of a socket whose server is the test. */
class ScriptedSocket {
  static all: ScriptedSocket[] = [];
  readonly sent: { type: string; [key: string]: unknown }[] = [];
  readyState = 0;
  binaryType = "";
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  constructor(readonly url: string) {
    ScriptedSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as { type: string });
  }

  close(): void {
    this.readyState = 3;
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  brick(sequence: number): void {
    const bytes = encodeBrick(new Uint8Array(4).fill(sequence % 3), sequence, 2, 2);
    new DataView(bytes.buffer).setUint32(8, sequence, true);
    this.onmessage?.({ data: bytes.buffer });
  }

  drop(code: number): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}

const latest = (): ScriptedSocket => ScriptedSocket.all.at(-1)!;

function listen() {
  const seen = { bricks: [] as number[], attempts: [] as number[], ended: 0, states: [] as string[] };
  const events: JobStreamEvents = {
    onJob: () => undefined,
    onAttempt: (attempt) => seen.attempts.push(attempt),
    onBrick: (brick) => seen.bricks.push(brick.sequence),
    onEnded: () => (seen.ended += 1),
    onConnection: (state) => seen.states.push(state),
  };
  const stream = new JobStream("j1", events, (url) => new ScriptedSocket(url) as unknown as WebSocket);
  latest().open();
  return { seen, stream };
}

const ended = (last: number) => ({
  type: "stream.ended",
  attempt: 1,
  last_sequence: last,
  state: "succeeded",
  revision_id: "r1",
  digest: "d",
});

describe("JobStream", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    ScriptedSocket.all = [];
  });
  afterEach(() => vi.useRealTimers());

  it("asks for everything at first, and for the rest after a dropped connection", () => {
    const { seen, stream } = listen();
    expect(latest().url).toMatch(/^ws:\/\/.*\/ws\/jobs\/j1$/);
    expect(latest().sent).toEqual([{ type: "stream.resume", attempt: 0, after_sequence: 0 }]);
    latest().say({ type: "attempt.started", attempt: 1 });
    latest().brick(1);
    latest().brick(2);
    latest().drop(1006);
    expect(seen.states.at(-1)).toBe("waiting");
    vi.advanceTimersByTime(1000);
    latest().open();
    expect(ScriptedSocket.all).toHaveLength(2);
    expect(latest().sent).toEqual([{ type: "stream.resume", attempt: 1, after_sequence: 2 }]);
    latest().say({ type: "attempt.started", attempt: 1 });
    latest().brick(3);
    expect(seen).toMatchObject({ bricks: [1, 2, 3], attempts: [1] });
    stream.close();
  });

  it("shows no brick twice and asks again where one is missing", () => {
    const { seen, stream } = listen();
    latest().say({ type: "attempt.started", attempt: 1 });
    latest().brick(1);
    latest().brick(1);
    latest().brick(3);
    expect(seen.bricks).toEqual([1]);
    expect(latest().sent.at(-1)).toEqual({ type: "stream.resume", attempt: 1, after_sequence: 1 });
    stream.close();
  });

  it("starts over with a new attempt", () => {
    const { seen, stream } = listen();
    latest().say({ type: "attempt.started", attempt: 1 });
    latest().brick(1);
    latest().say({ type: "attempt.started", attempt: 2 });
    latest().brick(1);
    expect(seen).toMatchObject({ bricks: [1, 1], attempts: [1, 2] });
    stream.close();
  });

  it("ends only when all bricks are here, and then stays closed", () => {
    const { seen } = listen();
    latest().say({ type: "attempt.started", attempt: 1 });
    latest().brick(1);
    latest().say(ended(2));
    expect(seen.ended).toBe(0);
    expect(latest().sent.at(-1)).toEqual({ type: "stream.resume", attempt: 1, after_sequence: 1 });
    latest().brick(2);
    latest().say(ended(2));
    expect(seen.ended).toBe(1);
    latest().drop(1000);
    vi.advanceTimersByTime(60_000);
    expect(ScriptedSocket.all).toHaveLength(1);
  });

  it("does not come back where it was refused", () => {
    const { seen } = listen();
    latest().drop(4404);
    vi.advanceTimersByTime(60_000);
    expect(ScriptedSocket.all).toHaveLength(1);
    expect(seen.states.at(-1)).toBe("refused");
  });

  it("tells where the reader looks at most four times a second, the last place always", () => {
    const { stream } = listen();
    for (const slice of [1, 2, 3, 4]) stream.moveFocus([slice, 7, 8]);
    vi.advanceTimersByTime(300);
    const places = latest().sent.filter((message) => message.type === "focus.moved");
    expect(places.map((message) => message["voxel"])).toEqual([
      [1, 7, 8],
      [4, 7, 8],
    ]);
    stream.close();
  });
});

describe("reconnectDelayMs", () => {
  it("doubles up to a ceiling and is spread over half of it", () => {
    expect(reconnectDelayMs(0, () => 0)).toBe(200);
    expect(reconnectDelayMs(0, () => 1)).toBe(400);
    expect(reconnectDelayMs(3, () => 1)).toBe(3200);
    expect(reconnectDelayMs(30, () => 1)).toBe(15_000);
  });
});
