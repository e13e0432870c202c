// @vitest-environment node
import { describe, expect, it } from "vitest";

import { formatBytes } from "./bytes";
import { ageInYears, dayNumber, formatDate, formatSince } from "./dates";
import { formatPersonName } from "./patient_name";

describe("dates", () => {
  it("are calendar dates wherever the reader is", () => {
    expect(dayNumber("1970-01-02")).toBe(1);
    expect(dayNumber("2026-03-30") - dayNumber("2026-03-28")).toBe(2); // over a change to summer time
    expect(formatDate("2026-11-12", "en")).toBe("12 Nov 2026");
  });

  it("are relative under a day and absolute otherwise", () => {
    const now = Date.parse("2026-11-22T12:00:00Z");
    expect(formatSince("2026-11-22T11:59:40Z", now, "en")).toBe("now");
    expect(formatSince("2026-11-22T11:13:00Z", now, "en")).toContain("47");
    expect(formatSince("2026-11-22T09:30:00Z", now, "en")).toContain("2");
    expect(formatSince("2026-11-20T12:00:00Z", now, "en")).toBe("20 Nov 2026");
  });

  it("give an age that turns on the birthday", () => {
    expect(ageInYears("1961-11-22", "2026-11-21")).toBe(64);
    expect(ageInYears("1961-11-22", "2026-11-22")).toBe(65);
  });
});

describe("names and sizes", () => {
  it("read a DICOM person name as people do", () => {
    expect(formatPersonName("DOE^JANE^Q^DR")).toBe("DOE, DR JANE Q");
    expect(formatPersonName("DOE")).toBe("DOE");
    expect(formatPersonName("=山田^太郎=やまだ^たろう")).toBe("山田, 太郎");
    expect(formatPersonName("^^")).toBe("");
  });

  it("give bytes in decimal units", () => {
    expect(formatBytes(999, "en")).toBe("999 B");
    expect(formatBytes(12_240_000, "en")).toBe("12.2 MB");
    expect(formatBytes(2_100_000_000, "de")).toBe("2,1 GB");
  });
});
