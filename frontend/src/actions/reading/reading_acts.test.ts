import { expect, test } from "vitest";

import { keyedReadingActs } from "./reading_acts";

test("no two acts answer to one key", () => {
  const keys = keyedReadingActs.map((act) => act.key);
  expect(keys.filter((key, place) => keys.indexOf(key) !== place)).toEqual([]);
});
