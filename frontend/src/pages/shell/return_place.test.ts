import { describe, expect, it } from "vitest";

import { placeToReturn } from "./return_place";

const at = (from: string | null, search = "") => placeToReturn({ state: from === null ? null : { from }, search });

describe("where signing in leads", () => {
  it("leads back to where a person was, the page's own memory before the address", () => {
    expect(at("/studies/1?x=2")).toBe("/studies/1?x=2");
    expect(at(null, "?next=%2Fadmin%2F")).toBe("/admin/");
    expect(at("/patients/3", "?next=%2Fadmin%2F")).toBe("/patients/3");
  });

  it.each([
    "//evil.example",
    "/\\evil.example",
    "https://evil.example",
    "javascript:alert(1)",
    "/sign-in",
    "/password",
  ])("never leads to %s", (place) => {
    expect(at(null, `?next=${encodeURIComponent(place)}`)).toBe("/");
    expect(at(place)).toBe("/");
  });
});
