import { useTranslate } from "../../lib/messages";
import { contrastOf, type ContrastChoice, hasContrastOf, MODALITIES, type RuleWish } from "../../state/routing_rule";
import { WEIGHTINGS } from "../../state/routing_rule";
import { Select } from "../../ui/Select";
import { TextField } from "../../ui/TextField";
import { useSignedIn } from "../shell/use_signed_in";
import styles from "./Models.module.css";

const MOST_WORDS = 400;

export interface WishProps {
  readonly wish: RuleWish;
  readonly change: (fields: Partial<RuleWish>) => void;
}

function WhatIsSaid({ wish, change }: WishProps) {
  const t = useTranslate();
  return (
    <>
      <TextField
        label={t("routing.field_body_part")}
        hint={t("routing.field_body_part_hint")}
        value={wish.body_part}
        onChange={(body_part) => change({ body_part })}
        maxLength={MOST_WORDS}
      />
      <TextField
        label={t("routing.field_description")}
        hint={t("routing.field_description_hint")}
        value={wish.description}
        onChange={(description) => change({ description })}
        maxLength={MOST_WORDS}
      />
      <TextField
        label={t("routing.field_excluded")}
        hint={t("routing.field_excluded_hint")}
        value={wish.excluded ?? ""}
        onChange={(excluded) => change({ excluded })}
        maxLength={MOST_WORDS}
      />
    </>
  );
}

/** Which images a rule is for. */
export function RuleConditions({ wish, change }: WishProps) {
  const t = useTranslate();
  const { user } = useSignedIn();
  const teams = user.teams.map(({ id, name }) => ({ value: id, label: name }));
  const weightings = WEIGHTINGS.map((value) => ({ value, label: value }));
  return (
    <>
      <div className={styles.wide}>
        <TextField
          label={t("routing.field_title")}
          hint={t("routing.field_title_hint")}
          value={wish.title}
          onChange={(title) => change({ title })}
          maxLength={120}
          isRequired
        />
      </div>
      <Select<string>
        label={t("routing.field_team")}
        choices={[{ value: "", label: t("routing.every_team") }, ...teams]}
        value={wish.team_id ?? ""}
        onChange={(team) => change({ team_id: team || null })}
      />
      <Select<string>
        label={t("routing.field_modality")}
        choices={[{ value: "", label: "–" }, ...MODALITIES.map((value) => ({ value, label: value }))]}
        value={wish.modality}
        onChange={(modality) => change({ modality })}
      />
      <WhatIsSaid wish={wish} change={change} />
      <Select<RuleWish["weighting"]>
        label={t("routing.field_weighting")}
        choices={[{ value: "", label: t("routing.any_weighting") }, ...weightings]}
        value={wish.weighting}
        onChange={(weighting) => change({ weighting })}
      />
      <Select<ContrastChoice>
        label={t("routing.field_contrast")}
        choices={[
          { value: "any", label: t("routing.any_contrast") },
          { value: "with", label: t("routing.with_contrast") },
          { value: "without", label: t("routing.without_contrast") },
        ]}
        value={contrastOf(wish.has_contrast)}
        onChange={(choice) => change({ has_contrast: hasContrastOf(choice) })}
      />
    </>
  );
}
