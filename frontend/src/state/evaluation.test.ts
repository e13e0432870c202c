import { expect, test } from "vitest";

import { EMPTY_EVALUATION, problemsOf, readNumbers, readThreshold, wishOf } from "./evaluation";

test("a threshold is a number from 0 to 1, with a point or a comma", () => {
  expect(readThreshold("0,8")).toBe(0.8);
  expect(readThreshold("1")).toBe(1);
  expect(readThreshold("")).toBeNull();
  expect(["1.2", "80 %", "-0.1"].map(readThreshold)).toEqual([undefined, undefined, undefined]);
});

test("outlined numbers are whole and fit a label map", () => {
  expect(readNumbers("1, 2;3")).toEqual([1, 2, 3]);
  expect(readNumbers(" ")).toEqual([]);
  expect(["0", "256", "1.5", "one"].map(readNumbers)).toEqual([undefined, undefined, undefined, undefined]);
});

test("what cannot be sent is named", () => {
  expect(problemsOf({ ...EMPTY_EVALUATION, leastDice: "2", numbers: { 1: "x", 2: "3" } })).toEqual(["leastDice", "1"]);
});

test("segments without a statement keep their own numbers", () => {
  const draft = { ...EMPTY_EVALUATION, model: "hippocampus", leastDice: "0.8", numbers: { 1: "4 5" } };
  expect(wishOf(draft, "cases.zip", [1, 2])).toMatchObject({
    least_dice: 0.8,
    segments: { 1: [4, 5], 2: [2] },
    team: null,
  });
  expect(wishOf({ ...draft, numbers: { 1: "" } }, "cases.zip", [1, 2]).segments).toBeNull();
  expect(wishOf({ ...draft, source: "archive" }, "", [1, 2]).segments).toBeNull();
});
