import { expect, it } from "vitest";

import { probabilityText } from "./probability";

it("shows no probability as certain", () => {
  expect([0, 0.004, 0.01, 0.715, 0.99, 0.996, 1].map(probabilityText)).toEqual([
    "< 0.01",
    "< 0.01",
    "0.01",
    "0.71",
    "0.99",
    "> 0.99",
    "> 0.99",
  ]);
});
