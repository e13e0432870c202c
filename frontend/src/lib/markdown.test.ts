import { describe, expect, it } from "vitest";

import { readInline, readMarkdown } from "./markdown";

describe("a card's Markdown", () => {
  it("becomes headings, lists, tables and paragraphs", () => {
    const blocks = readMarkdown("## Training\n\nOne\ntwo.\n\n- a\n- b\n\n| x | y |\n|---|---|\n| 1 | `2` |\n");
    expect(blocks.map((block) => block.kind)).toEqual(["heading", "paragraph", "list", "table"]);
    expect(blocks[1]).toEqual({ kind: "paragraph", content: [{ kind: "text", text: "One two." }] });
    const [, , , table] = blocks;
    expect(table?.kind === "table" && table.rows.length).toBe(2);
  });

  it("keeps what looks like HTML as text", () => {
    expect(readInline("<b onclick='x'>**y**</b>")).toEqual([
      { kind: "text", text: "<b onclick='x'>" },
      { kind: "strong", text: "y" },
      { kind: "text", text: "</b>" },
    ]);
  });

  it("comes to an end whatever the text", () => {
    for (const text of ["", "|", "| a", "#", "-", "**", "* \n|\n#x", "\n\n|--|"]) {
      expect(readMarkdown(text).length).toBeLessThan(4);
    }
  });
});
