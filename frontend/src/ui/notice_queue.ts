import { createStore } from "../lib/store";

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly tone: "quiet" | "danger";
}

type NoticeEvent = { type: "added"; notice: Notice } | { type: "dismissed"; id: number } | { type: "cleared" };

const MOST_SHOWN = 4;

function reduceNotices(notices: readonly Notice[], event: NoticeEvent): readonly Notice[] {
  if (event.type === "cleared") return [];
  if (event.type === "dismissed") return notices.filter((notice) => notice.id !== event.id);
  const others = notices.filter((notice) => notice.text !== event.notice.text);
  return [...others, event.notice].slice(-MOST_SHOWN);
}

export const noticeStore = createStore<readonly Notice[], NoticeEvent>(reduceNotices, []);

let lastId = 0;

/** Says something in the corner. It stays until it is dismissed: nothing vanishes before it is read. */
export function notify(text: string, tone: Notice["tone"] = "quiet"): void {
  lastId += 1;
  noticeStore.dispatch({ type: "added", notice: { id: lastId, text, tone } });
}

export function dismissNotice(id: number): void {
  noticeStore.dispatch({ type: "dismissed", id });
}

/** Takes all notices away: what one person was told is not for the next. */
export function clearNotices(): void {
  noticeStore.dispatch({ type: "cleared" });
}
