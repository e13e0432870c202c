import { type CatalogueModel, useModelSwitch } from "../../api/models";
import { formatBytes } from "../../lib/bytes";
import { useLocale, useTranslate } from "../../lib/messages";
import { classes } from "../../ui/classes";
import { notify } from "../../ui/notice_queue";
import { sentenceOf } from "../../ui/States";
import { Switch } from "../../ui/Switch";
import { candidateText, durationText } from "./figures";
import styles from "./Models.module.css";

interface ModelTableProps {
  readonly models: readonly CatalogueModel[];
  readonly openName: string;
  readonly onOpen: (name: string) => void;
}

function Backend({ model }: { readonly model: CatalogueModel }) {
  const t = useTranslate();
  if (model.method !== "network") return <span className="quiet">{t("models.not_needed")}</span>;
  if (!model.backend)
    return (
      <span className={styles.caution} title={t("models.unchecked_hint")}>
        {t("models.unchecked")}
      </span>
    );
  return <span title={t("models.checked_hint")}>{candidateText(model.backend)}</span>;
}

function Figures({ figures }: { readonly figures: NonNullable<CatalogueModel["figures"]> }) {
  const t = useTranslate();
  const locale = useLocale();
  const { median_s, shortest_s, longest_s, peak_memory_bytes, run_count } = figures;
  const range =
    shortest_s === null || longest_s === null
      ? ""
      : t("models.range", {
          shortest: durationText(shortest_s, t, locale),
          longest: durationText(longest_s, t, locale),
        });
  return (
    <>
      <td className={styles.number} title={range || t("models.never_run")}>
        {median_s === null ? "–" : durationText(median_s, t, locale)}
      </td>
      <td className={styles.number}>{peak_memory_bytes === null ? "–" : formatBytes(peak_memory_bytes, locale)}</td>
      <td className={styles.number}>{run_count.toLocaleString(locale)}</td>
    </>
  );
}

interface RowProps {
  readonly model: CatalogueModel;
  readonly isOpen: boolean;
  readonly isBusy: boolean;
  readonly onOpen: (name: string) => void;
  readonly onSwitch: (isEnabled: boolean) => void;
}

function Row({ model, isOpen, isBusy, onOpen, onSwitch }: RowProps) {
  const t = useTranslate();
  const title = `${model.title} (${model.name})`;
  return (
    <tr className={classes(styles.row, isOpen && styles.lit, !model.is_enabled && styles.off)} data-model={model.name}>
      <td>
        <span className={styles.above}>
          <Switch
            label={t("models.switch", { model: model.title })}
            isLabelHidden
            isSelected={model.is_enabled}
            isDisabled={isBusy}
            onChange={onSwitch}
          />
        </span>
      </td>
      <td title={title}>
        <button
          type="button"
          className={styles.open}
          aria-label={t("models.open_card", { model: `${model.title} ${model.name}` })}
          aria-expanded={isOpen}
          onClick={() => onOpen(isOpen ? "" : model.name)}
        >
          {model.title} <span className={styles.name}>{model.name}</span>
        </button>
      </td>
      <td className={styles.inCard}>{model.version}</td>
      <td className={styles.inCard}>{model.is_imported ? model.model_format : t(`models.method_${model.method}`)}</td>
      <td>{model.modalities.join(" ") || t("models.any_input")}</td>
      <td>
        <Backend model={model} />
      </td>
      {model.figures ? <Figures figures={model.figures} /> : null}
    </tr>
  );
}

/** One line a model; the title opens its card beside the table. */
export function ModelTable({ models, openName, onOpen }: ModelTableProps) {
  const t = useTranslate();
  const change = useModelSwitch((error) => notify(sentenceOf(error, t), "danger"));
  return (
    <table className={styles.table} aria-label={t("models.table")}>
      <thead>
        <tr>
          <th style={{ width: 56 }}>{t("models.column_on")}</th>
          <th>{t("models.column_model")}</th>
          <th className={styles.inCard} style={{ width: 72 }}>
            {t("models.column_version")}
          </th>
          <th className={styles.inCard} style={{ width: 116 }}>
            {t("models.column_kind")}
          </th>
          <th style={{ width: 64 }}>{t("models.column_input")}</th>
          <th style={{ width: 124 }}>{t("models.column_backend")}</th>
          <th className={styles.number} style={{ width: 76 }}>
            {t("models.column_median")}
          </th>
          <th className={styles.number} style={{ width: 76 }}>
            {t("models.column_memory")}
          </th>
          <th className={styles.number} style={{ width: 60 }}>
            {t("models.column_runs")}
          </th>
        </tr>
      </thead>
      <tbody>
        {models.map((model) => (
          <Row
            key={model.name}
            model={model}
            isOpen={model.name === openName}
            isBusy={change.isPending}
            onOpen={onOpen}
            onSwitch={(isEnabled) => change.mutate({ name: model.name, isEnabled })}
          />
        ))}
      </tbody>
    </table>
  );
}
