import type { PlainMessageKey } from "../lib/messages";

/** One thing a person can do: its name, its words, its key, when it makes sense, and the doing. */
export interface Act<Situation> {
  readonly name: string;
  readonly label: PlainMessageKey;
  /** As `keyName` writes it; shown in the tooltip and in the sheet under `?`. */
  readonly key?: string;
  can(situation: Situation): boolean;
  run(situation: Situation): void | Promise<void>;
}
