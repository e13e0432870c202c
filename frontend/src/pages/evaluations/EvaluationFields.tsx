import { useEvaluations } from "../../api/evaluations";
import type { CatalogueModel } from "../../api/models";
import type { SessionUser } from "../../api/records";
import { useTranslate } from "../../lib/messages";
import { type EvaluationDraft, type EvaluationSource, NO_BASELINE } from "../../state/evaluation";
import { Select } from "../../ui/Select";
import { TextField } from "../../ui/TextField";
import { baselineName } from "../models/CardEvidence";
import modelStyles from "../models/Models.module.css";
import styles from "./Evaluations.module.css";

const MODALITIES = ["CT", "MR", "PT", "CR", "DX", "US", "MG", "OP", "XC"] as const;

interface FieldsProps {
  readonly draft: EvaluationDraft;
  readonly change: (fields: Partial<EvaluationDraft>) => void;
  readonly models: readonly CatalogueModel[];
  readonly chosen: CatalogueModel | undefined;
  readonly teams: SessionUser["teams"];
  readonly wrong: readonly string[];
}

function Numbers({ draft, change, chosen, wrong }: FieldsProps) {
  const t = useTranslate();
  if (!chosen || draft.source !== "file") return null;
  return (
    <details className={styles.more}>
      <summary>{t("evaluations.numbers")}</summary>
      <p className={modelStyles.explained}>{t("evaluations.numbers_explained")}</p>
      <div className={styles.numbers}>
        {chosen.segments.map(({ segment_number, segment_label }) => {
          const key = String(segment_number);
          return (
            <TextField
              key={key}
              label={t("evaluations.numbers_of", { segment: segment_label })}
              value={draft.numbers[key] ?? ""}
              onChange={(text) => change({ numbers: { ...draft.numbers, [key]: text } })}
              {...(wrong.includes(key) ? { error: t("evaluations.numbers_wrong") } : {})}
            />
          );
        })}
      </div>
    </details>
  );
}

function Choices({ draft, change, chosen }: FieldsProps) {
  const t = useTranslate();
  const baselines = useEvaluations().data?.baselines ?? [draft.baseline];
  const modalities = MODALITIES.map((value) => ({ value, label: value }));
  const needsModality = chosen !== undefined && chosen.modalities.length !== 1 && draft.source === "file";
  return (
    <>
      <Select<string>
        label={t("evaluations.baseline")}
        choices={[
          ...baselines.map((value) => ({ value, label: baselineName(value, t) })),
          { value: NO_BASELINE, label: t("evaluations.no_baseline") },
        ]}
        value={draft.baseline}
        onChange={(baseline) => change({ baseline })}
      />
      {needsModality ? (
        <Select<string>
          label={t("evaluations.modality")}
          choices={[{ value: "", label: t("evaluations.modality_told") }, ...modalities]}
          value={draft.modality}
          onChange={(modality) => change({ modality })}
        />
      ) : null}
    </>
  );
}

/** Everything but the cases themselves. */
export function EvaluationFields(props: FieldsProps) {
  const { draft, change, models, teams, wrong } = props;
  const t = useTranslate();
  return (
    <>
      <div className={modelStyles.wide}>
        <Select<string>
          label={t("evaluations.model")}
          placeholder={t("evaluations.choose_model")}
          choices={models.map(({ name, title, version }) => ({ value: name, label: `${title} ${version}` }))}
          value={draft.model}
          onChange={(model) => change({ model, numbers: {} })}
        />
      </div>
      <Select<EvaluationSource>
        label={t("evaluations.source")}
        choices={[
          { value: "file", label: t("evaluations.source_file") },
          { value: "archive", label: t("evaluations.from_archive") },
        ]}
        value={draft.source}
        onChange={(source) => change({ source })}
      />
      {teams.length > 1 ? (
        <Select<string>
          label={t("worklist.team")}
          placeholder={t("uploads.which_team")}
          choices={teams.map(({ id, name }) => ({ value: id, label: name }))}
          value={draft.team}
          onChange={(team) => change({ team })}
        />
      ) : null}
      <TextField
        label={t("evaluations.least")}
        hint={t("evaluations.least_hint")}
        value={draft.leastDice}
        onChange={(leastDice) => change({ leastDice })}
        {...(wrong.includes("leastDice") ? { error: t("evaluations.least_wrong") } : {})}
      />
      <Choices {...props} />
      {teams.length === 0 ? <p className={modelStyles.refused}>{t("evaluations.no_team")}</p> : null}
      {draft.source === "archive" ? (
        <p className={`${modelStyles.wide ?? ""} ${modelStyles.explained ?? ""}`}>
          {t("evaluations.archive_explained")}
        </p>
      ) : (
        <Numbers {...props} />
      )}
    </>
  );
}
