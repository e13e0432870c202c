import { describe, expect, it } from "vitest";

import type { Message } from "./catalogue";
import { de } from "./de";
import { en } from "./en";
import { translateInto } from "./translate";

const formsOf = (message: Message): string[] =>
  typeof message === "string" ? [message] : [message.one, message.other];
const placeholders = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!).sort();
const keys = Object.keys(en) as (keyof typeof en)[];

describe("the catalogue", () => {
  it("says in every language what it says in English", () => {
    expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
    for (const key of keys) {
      const [expected] = formsOf(en[key]).map(placeholders).slice(-1);
      for (const form of [...formsOf(en[key]), ...formsOf(de[key])]) {
        expect(placeholders(form), `${key}: ${form}`).toEqual(expected);
      }
    }
  });

  it("has no empty text and no exclamation marks", () => {
    for (const key of keys) {
      for (const form of [...formsOf(en[key]), ...formsOf(de[key])]) {
        expect(form.trim(), key).not.toBe("");
        expect(form, key).not.toContain("!");
      }
    }
  });

  it("chooses the form by number and writes numbers as the language does", () => {
    expect(translateInto("en", "worklist.count", { count: 1 })).toBe("1 study");
    expect(translateInto("en", "worklist.count", { count: 100_000 })).toBe("100,000 studies");
    expect(translateInto("de", "worklist.count", { count: 100_000 })).toBe("100.000 Studien");
  });
});
