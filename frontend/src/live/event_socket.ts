/** What the connection lamp shows. */
export type ConnectionState = "connecting" | "open" | "waiting" | "refused" | "closed";

export interface EventSocketOptions {
  /** Called on every (re)connection, before anything else is sent. */
  onOpen?: (send: (message: object) => void) => void;
  onText?: (message: unknown) => void;
  onBinary?: (data: ArrayBuffer) => void;
  onState?: (state: ConnectionState) => void;
  /** For tests. */
  create?: (url: string) => WebSocket;
}

export interface EventSocket {
  send(message: object): void;
  close(): void;
}

/** Closed by the server for good: signed out (4401) or not visible to this person (4404). */
const REFUSALS = new Set([4401, 4403, 4404]);
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 15_000;

/** Wait before attempt n (from 0): doubling, capped, and spread so that browsers do not return all at once. */
export function reconnectDelayMs(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  return ceiling * (0.5 + random() / 2);
}

export function socketUrl(path: string): string {
  const url = new URL(path, window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** A WebSocket that comes back by itself until it is closed here or refused there. */
export function openEventSocket(path: string, options: EventSocketOptions): EventSocket {
  const create = options.create ?? ((url: string) => new WebSocket(url));
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let attempt = 0;
  let isClosed = false;

  const report = (state: ConnectionState) => options.onState?.(state);
  const send = (message: object) => {
    if (socket?.readyState === 1) socket.send(JSON.stringify(message));
  };
  const connect = () => {
    clearTimeout(timer);
    report("connecting");
    const current = create(socketUrl(path));
    current.binaryType = "arraybuffer";
    socket = current;
    current.onopen = () => {
      attempt = 0;
      report("open");
      options.onOpen?.(send);
    };
    current.onmessage = (event: MessageEvent<unknown>) => {
      if (event.data instanceof ArrayBuffer) options.onBinary?.(event.data);
      else if (typeof event.data === "string") options.onText?.(JSON.parse(event.data));
    };
    current.onclose = (event) => {
      if (isClosed || socket !== current) return;
      if (REFUSALS.has(event.code)) {
        report("refused");
        return;
      }
      report("waiting");
      timer = setTimeout(connect, reconnectDelayMs(attempt++));
    };
  };
  const connectNow = () => {
    if (!isClosed && socket?.readyState === 3) connect();
  };

  window.addEventListener("online", connectNow);
  connect();
  return {
    send,
    close() {
      isClosed = true;
      clearTimeout(timer);
      window.removeEventListener("online", connectNow);
      socket?.close(1000);
      report("closed");
    },
  };
}
