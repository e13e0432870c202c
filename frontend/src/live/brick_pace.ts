import type { Brick } from "./brick";

/** Bricks that no redraw has shown after this long are written and acknowledged all the same. */
const DRAW_PATIENCE_MS = 1000;

export interface BrickPaceEvents {
  /** Put bricks into the label map; the views redraw it by themselves. */
  onWrite: (bricks: readonly Brick[]) => void;
  /** Bricks up to this sequence number have been dealt with: the next ones may come. */
  onAcknowledge: (sequence: number) => void;
}

/**
 * When bricks reach the screen: all that have arrived with the next redraw, and each redraw acknowledged, so that a
 * growing overlay is seen growing. A hidden tab is never redrawn and its timers sleep: there bricks are written and
 * acknowledged as they arrive, and the first redraw after its return shows them all.
 */
export class BrickPace {
  private waiting: Brick[] = [];
  private frame = 0;
  private patience: ReturnType<typeof setTimeout> | undefined;
  private written = 0;
  private acknowledged = 0;
  private drawn = 0;

  constructor(private readonly events: BrickPaceEvents) {
    document.addEventListener("visibilitychange", this.noteVisibility);
  }

  /** The highest sequence that has been on screen. */
  get drawnSequence(): number {
    return this.drawn;
  }

  take(brick: Brick): void {
    this.waiting.push(brick);
    if (document.hidden) {
      this.flush();
      this.acknowledge();
      return;
    }
    if (this.frame === 0) this.frame = requestAnimationFrame(this.flush);
    this.patience ??= setTimeout(() => {
      this.flush();
      this.acknowledge();
    }, DRAW_PATIENCE_MS);
  }

  /** The views have been redrawn. True where this showed bricks for the first time. */
  noteDrawn(): boolean {
    const isNews = this.written > this.drawn;
    this.drawn = this.written;
    this.acknowledge();
    return isNews;
  }

  /** Write what waits, now. */
  readonly flush = (): void => {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const bricks = this.waiting;
    const last = bricks.at(-1);
    if (!last) return;
    this.waiting = [];
    this.written = last.sequence;
    this.events.onWrite(bricks);
  };

  /** Another attempt begins: its sequences start at 1. */
  restart(): void {
    this.stop();
    this.written = this.acknowledged = this.drawn = 0;
  }

  close(): void {
    this.stop();
    document.removeEventListener("visibilitychange", this.noteVisibility);
  }

  private stop(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    clearTimeout(this.patience);
    this.patience = undefined;
    this.waiting = [];
  }

  private acknowledge(): void {
    if (this.written <= this.acknowledged) return;
    clearTimeout(this.patience);
    this.patience = undefined;
    this.acknowledged = this.written;
    this.events.onAcknowledge(this.written);
  }

  private readonly noteVisibility = (): void => {
    if (!document.hidden) return;
    this.flush();
    this.acknowledge();
  };
}
