// @vitest-environment node
import { describe, expect, it } from "vitest";

import { showWaiting, type SteadyRows, takeAnswer } from "./steady_rows";

interface Row {
  readonly id: string;
  readonly value: number;
}

const row = (id: string, value = 0): Row => ({ id, value });
const take = (current: SteadyRows<Row> | undefined, rows: Row[], question = "all", isAwaited = false) =>
  takeAnswer(current, { question, rows, isAwaited }, (one) => one.id);

describe("rows on screen", () => {
  const first = take(undefined, [row("a"), row("b")]);

  it("take fresh values in place", () => {
    const next = take(first, [row("a", 1), row("b", 2)]);
    expect(next.shown).toEqual([row("a", 1), row("b", 2)]);
    expect(next.waiting).toBeUndefined();
  });

  it("do not jump when a study arrives, and show it when asked", () => {
    const next = take(first, [row("new"), row("a", 5), row("b")]);
    expect(next.shown).toEqual([row("a", 5), row("b")]);
    expect(showWaiting(next).shown.map((one) => one.id)).toEqual(["new", "a", "b"]);
    expect(showWaiting(next).waiting).toBeUndefined();
  });

  it("keep a row that left the answer until asked", () => {
    expect(take(first, [row("b")]).shown.map((one) => one.id)).toEqual(["a", "b"]);
  });

  it("show another question's answer, an awaited one, and the first rows of an empty list at once", () => {
    expect(take(first, [row("z")], "other").shown).toEqual([row("z")]);
    expect(take(first, [row("z"), row("a")], "all", true).shown.map((one) => one.id)).toEqual(["z", "a"]);
    expect(take(take(undefined, []), [row("a")]).shown).toEqual([row("a")]);
  });
});
