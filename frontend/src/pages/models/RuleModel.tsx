import type { CatalogueModel } from "../../api/models";
import { useTranslate } from "../../lib/messages";
import { Checkbox } from "../../ui/Checkbox";
import { Select } from "../../ui/Select";
import { NumberField } from "../../ui/TextField";
import styles from "./Models.module.css";
import type { WishProps } from "./RuleConditions";

/** Nobody is there to pick a point. */
const canRunAlone = ({ parameters }: CatalogueModel): boolean => parameters.every(({ kind }) => kind !== "point");

const suits = ({ modalities }: CatalogueModel, modality: string): boolean =>
  modality === "" || modalities.length === 0 || modalities.includes(modality);

function Parameters({ wish, change, model }: WishProps & { readonly model: CatalogueModel }) {
  const values = wish.parameters ?? {};
  return (
    <>
      {model.parameters.map(({ name, label, unit, minimum, maximum, default: preset }) => {
        const value = values[name] ?? preset;
        return (
          <NumberField
            key={name}
            label={unit ? `${label}, ${unit}` : label}
            value={typeof value === "number" ? value : NaN}
            {...(minimum === null ? {} : { minValue: minimum })}
            {...(maximum === null ? {} : { maxValue: maximum })}
            formatOptions={{ maximumFractionDigits: 4, useGrouping: false }}
            onChange={(entered) => {
              const others = Object.fromEntries(Object.entries(values).filter(([other]) => other !== name));
              change({ parameters: Number.isNaN(entered) ? others : { ...others, [name]: entered } });
            }}
          />
        );
      })}
    </>
  );
}

interface RuleModelProps extends WishProps {
  readonly models: readonly CatalogueModel[];
}

/** What a rule runs. */
export function RuleModel({ wish, change, models }: RuleModelProps) {
  const t = useTranslate();
  const chosen = models.find(({ name }) => name === wish.model_name);
  const fitting = models.filter((model) => model === chosen || (canRunAlone(model) && suits(model, wish.modality)));
  const labelOf = ({ title, is_enabled }: CatalogueModel) => (is_enabled ? title : `${title} (${t("routing.is_off")})`);
  const gone = wish.model_name && !chosen ? [{ value: wish.model_name, label: wish.model_name }] : [];
  return (
    <>
      <div className={styles.wide}>
        <Select<string>
          label={t("routing.field_model")}
          choices={[
            { value: "", label: t("routing.choose_model") },
            ...gone,
            ...fitting.map((model) => ({ value: model.name, label: labelOf(model) })),
          ]}
          value={wish.model_name}
          onChange={(model_name) => change({ model_name, parameters: {} })}
        />
      </div>
      {chosen ? <Parameters wish={wish} change={change} model={chosen} /> : null}
      <div className={styles.wide}>
        <Checkbox
          label={t("routing.field_enabled")}
          isSelected={wish.is_enabled}
          onChange={(is_enabled) => change({ is_enabled })}
        />
      </div>
    </>
  );
}
