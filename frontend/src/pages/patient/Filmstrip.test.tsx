import { fireEvent, render, screen, within } from "@testing-library/react";
import { MemoryRouter } from "react-router";
import { describe, expect, it } from "vitest";

import { Filmstrip, type FilmstripItem } from "./Filmstrip";

const items: FilmstripItem[] = [
  { seriesId: "s1", studyId: "a", date: "2025-01-10", at: [1, 2.5, -3], isMarked: true },
  { seriesId: "s2", studyId: "b", date: null, at: [4, 5, 6], isMarked: false },
];

function show() {
  render(
    <MemoryRouter>
      <Filmstrip items={items} sizeMm={40} />
    </MemoryRouter>,
  );
  return within(screen.getByRole("list")).getAllByRole("link");
}

describe("Filmstrip", () => {
  it("shows every date in the same plane and size, each around its own place", () => {
    const sources = show().map((link) => link.querySelector("img")?.getAttribute("src") ?? "");
    const queries = sources.map((source) => new URL(source, "http://here").searchParams);
    expect(queries.map((query) => query.get("at"))).toEqual(["1.00,2.50,-3.00", "4.00,5.00,6.00"]);
    expect(new Set(queries.map((query) => `${query.get("normal") ?? ""} ${query.get("size_mm") ?? ""}`)).size).toBe(1);
  });

  it("leads to the images at the place and says where the lesion is not marked", () => {
    const [first, second] = show();
    expect(first?.getAttribute("href")).toBe("/studies/a?series=s1&at=1.00,2.50,-3.00");
    expect(first?.getAttribute("aria-label")).not.toContain("not marked");
    expect(second?.getAttribute("aria-label")).toContain("not marked");
  });

  it("says so where there can be no picture", () => {
    const [first] = show();
    fireEvent.error(first!.querySelector("img")!);
    expect(first?.textContent).toContain("no plain volume");
  });
});
