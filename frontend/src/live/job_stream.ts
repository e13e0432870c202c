import type { AttemptStarted, JobProgressed, JobStatus, StreamEnded } from "../contract/events";
import { throttle } from "../lib/throttle";
import { readBrick, type Brick } from "./brick";
import { openEventSocket, type ConnectionState, type EventSocket } from "./event_socket";

/** What the server says on a job's socket. */
type Said = AttemptStarted | JobProgressed | StreamEnded;

export interface JobStreamEvents {
  onJob: (job: JobStatus) => void;
  /** Bricks of a new attempt follow: drop what is shown. */
  onAttempt: (attempt: number) => void;
  onBrick: (brick: Brick) => void;
  onEnded: (ended: StreamEnded) => void;
  onConnection: (state: ConnectionState) => void;
}

const FOCUS_INTERVAL_MS = 250;

/**
 * A job's bricks as they become final. After a dropped connection the server is told what has arrived and sends
 * exactly the rest; a gap or a brick that cannot be read is treated as a dropped connection.
 */
export class JobStream {
  private attempt = 0;
  private received = 0;
  private isEnded = false;
  private readonly socket: EventSocket;

  constructor(
    jobId: string,
    private readonly events: JobStreamEvents,
    create?: (url: string) => WebSocket,
  ) {
    this.socket = openEventSocket(`/ws/jobs/${jobId}`, {
      onOpen: () => {
        this.resume();
      },
      onText: (message) => {
        this.read(message as Said);
      },
      onBinary: (data) => {
        this.take(data);
      },
      onState: (state) => {
        if (!this.isEnded) events.onConnection(state);
      },
      ...(create && { create }),
    });
  }

  /** Bricks up to this sequence number have been drawn. */
  acknowledge(sequence: number): void {
    this.socket.send({ type: "bricks.acknowledged", sequence });
  }

  /** The reader now looks at this voxel. */
  readonly moveFocus = throttle((voxel: readonly [number, number, number]) => {
    this.socket.send({ type: "focus.moved", voxel: [...voxel] });
  }, FOCUS_INTERVAL_MS);

  close(): void {
    this.isEnded = true;
    this.moveFocus.cancel();
    this.socket.close();
  }

  private resume(): void {
    this.socket.send({ type: "stream.resume", attempt: this.attempt, after_sequence: this.received });
  }

  private read(message: Said): void {
    if (message.type === "job.progressed") this.events.onJob(message.job);
    else if (message.type === "attempt.started") this.startAttempt(message.attempt);
    else this.end(message);
  }

  private startAttempt(attempt: number): void {
    if (attempt === this.attempt) return;
    this.attempt = attempt;
    this.received = 0;
    this.events.onAttempt(attempt);
  }

  private take(data: ArrayBuffer): void {
    const brick = readBrick(data);
    if (brick.sequence <= this.received) return;
    if (brick.sequence !== this.received + 1) {
      this.resume();
      return;
    }
    this.received = brick.sequence;
    this.events.onBrick(brick);
  }

  private end(message: StreamEnded): void {
    if (message.attempt === this.attempt && message.last_sequence > this.received) {
      this.resume();
      return;
    }
    this.close();
    this.events.onEnded(message);
  }
}
