import type { components } from "../contract/api";

type Schemas = components["schemas"];
export type RuleWish = Schemas["RuleWishRequest"];
type Rule = Schemas["Rule"];

export const MODALITIES = ["CT", "MR", "PT", "CR", "DX", "US", "MG", "NM", "XA", "OP", "XC"] as const;
export const WEIGHTINGS = ["T1", "T2", "FLAIR", "diffusion", "ADC", "T2*", "PD", "angiography", "perfusion"] as const;

export const EMPTY_RULE: RuleWish = {
  title: "",
  team_id: null,
  modality: "",
  body_part: "",
  weighting: "",
  has_contrast: null,
  description: "",
  excluded: "",
  model_name: "",
  parameters: {},
  is_enabled: true,
};

export function wishOfRule(rule: Rule): RuleWish {
  const { title, team_id, modality, body_part, has_contrast, description, excluded } = rule;
  const { model_name, parameters, is_enabled } = rule;
  const weighting = WEIGHTINGS.find((known) => known === rule.weighting) ?? "";
  return {
    title,
    team_id,
    modality,
    body_part,
    weighting,
    has_contrast,
    description,
    excluded,
    model_name,
    parameters,
    is_enabled,
  };
}

/** Enough is said to tell for which series it holds. */
export const canPreview = (wish: RuleWish): boolean => wish.modality !== "" && wish.model_name !== "";

export const canSave = (wish: RuleWish): boolean => canPreview(wish) && wish.title.trim() !== "";

export const CONTRASTS = ["any", "with", "without"] as const;
export type ContrastChoice = (typeof CONTRASTS)[number];

export function contrastOf(hasContrast: boolean | null | undefined): ContrastChoice {
  if (hasContrast === null || hasContrast === undefined) return "any";
  return hasContrast ? "with" : "without";
}

export function hasContrastOf(choice: ContrastChoice): boolean | null {
  return choice === "any" ? null : choice === "with";
}

/** A rule's conditions in one line: "MR brain T1 contrast". */
export function conditionsOf(
  wish: Pick<RuleWish, "modality" | "body_part" | "weighting" | "has_contrast" | "description">,
  words: { readonly with: string; readonly without: string },
): string {
  const contrast = contrastOf(wish.has_contrast);
  const description = wish.description ? `"${wish.description}"` : "";
  return [wish.modality, wish.body_part, wish.weighting, contrast === "any" ? "" : words[contrast], description]
    .filter(Boolean)
    .join(" · ");
}
