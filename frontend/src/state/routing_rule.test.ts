import { describe, expect, it } from "vitest";

import { canPreview, canSave, conditionsOf, contrastOf, EMPTY_RULE, hasContrastOf, wishOfRule } from "./routing_rule";

const WORDS = { with: "with contrast", without: "without contrast" };

describe("a routing rule", () => {
  it("can be tried before it has a title, and saved only with one", () => {
    const draft = { ...EMPTY_RULE, modality: "MR", model_name: "otsu" };
    expect([canPreview(EMPTY_RULE), canPreview(draft), canSave(draft)]).toEqual([false, true, false]);
    expect(canSave({ ...draft, title: " " })).toBe(false);
    expect(canSave({ ...draft, title: "Brains" })).toBe(true);
  });

  it("asks for contrast, against it, or not at all", () => {
    for (const value of [true, false, null]) expect(hasContrastOf(contrastOf(value))).toBe(value);
  });

  it("says its conditions in one line", () => {
    expect(conditionsOf({ ...EMPTY_RULE, modality: "CT" }, WORDS)).toBe("CT");
    const full = {
      modality: "MR",
      body_part: "brain",
      weighting: "T1" as const,
      has_contrast: false,
      description: "ax",
    };
    expect(conditionsOf(full, WORDS)).toBe('MR · brain · T1 · without contrast · "ax"');
  });

  it("is written back as it was read", () => {
    const wish = { ...EMPTY_RULE, title: "x", modality: "MR", weighting: "FLAIR" as const, model_name: "otsu" };
    const rule = { ...wish, id: "1", team_name: null, created_by: null, created_at: "", has_contrast: null };
    expect(
      wishOfRule({ ...rule, team_id: null, body_part: "", description: "", parameters: {}, is_enabled: true }),
    ).toEqual(wish);
  });
});
