// @vitest-environment node
import { describe, expect, it } from "vitest";

import { writeCsv } from "./csv";
import { fileNameOf } from "./save_file";

describe("CSV", () => {
  it("doubles quotes, quotes commas and ends lines as RFC 4180 says", () => {
    expect(
      writeCsv([
        ["name", "sum_mm"],
        ['Doe, "Jane"', 61.25],
        [null, true],
      ]),
    ).toBe('name,sum_mm\r\n"Doe, ""Jane""",61.25\r\n,true\r\n');
  });

  it("lets no text become a formula, and leaves negative numbers alone", () => {
    expect(writeCsv([["=HYPERLINK(1)", "+1", -3.5]])).toBe("'=HYPERLINK(1),'+1,-3.5\r\n");
  });
});

describe("file names", () => {
  it("are letters, digits and dashes", () => {
    expect(fileNameOf("Sum / diameters", "Müller, Jörg", "2026-11-22")).toMatch(/^[\p{L}\p{M}\p{N}-]+$/u);
    expect(fileNameOf("../a", "b")).toBe("a-b");
  });
});
