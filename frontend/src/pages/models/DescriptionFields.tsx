import { useTranslate } from "../../lib/messages";
import { type DraftField, numbersOf, SCHEMES, type SchemeName } from "../../state/model_import";
import { Select } from "../../ui/Select";
import { TextField } from "../../ui/TextField";
import type { FieldsProps } from "./ImportForm";
import styles from "./Models.module.css";

const ANATOMICAL = ["RAS", "LPS", "LAS", "LIA", "RAI"] as const;

function GridFields({ draft, change, wrong = [] }: FieldsProps) {
  const t = useTranslate();
  const isWrong = (name: DraftField) => wrong.includes(name) && draft[name] !== "";
  const axes = ANATOMICAL.map((value) => ({ value, label: value }));
  return (
    <>
      <TextField
        label={t("models.field_window")}
        hint={t("models.field_window_hint")}
        value={draft.window}
        onChange={(window) => change({ window })}
        isRequired
        {...(isWrong("window") ? { error: t("models.bad_window") } : {})}
      />
      <TextField
        label={t("models.field_spacing")}
        hint={t("models.field_spacing_hint")}
        value={draft.spacing}
        onChange={(spacing) => change({ spacing })}
        {...(isWrong("spacing") ? { error: t("models.bad_spacing") } : {})}
      />
      <Select<string>
        label={t("models.field_axes")}
        choices={[
          { value: "slice row column", label: t("models.axes_series") },
          { value: "column row slice", label: t("models.axes_column") },
          ...axes,
        ]}
        value={draft.axes}
        onChange={(chosen) => change({ axes: chosen })}
      />
    </>
  );
}

function GreyValueFields({ draft, change }: FieldsProps) {
  const t = useTranslate();
  return (
    <>
      <Select<SchemeName>
        label={t("models.field_scheme")}
        choices={SCHEMES.map((value) => ({ value, label: t(`models.scheme_${value}`) }))}
        value={draft.scheme}
        onChange={(scheme) => change({ scheme })}
      />
      {numbersOf(draft.scheme).map((name) => (
        <TextField
          key={name}
          label={t(`models.field_${name}`)}
          inputMode="decimal"
          value={draft[name]}
          onChange={(value) => change({ [name]: value })}
          isRequired
        />
      ))}
    </>
  );
}

/** What a TorchScript or ONNX file does not say of itself. */
export function DescriptionFields(props: FieldsProps) {
  const t = useTranslate();
  const { draft, change } = props;
  return (
    <>
      <div className={styles.wide}>
        <h3>{t("models.describe")}</h3>
        <p className={styles.explained}>{t("models.describe_hint")}</p>
      </div>
      <div className={styles.wide}>
        <TextField
          label={t("models.field_segments")}
          hint={t("models.field_segments_hint")}
          value={draft.segments}
          onChange={(segments) => change({ segments })}
          isRequired
        />
      </div>
      <GridFields {...props} />
      <GreyValueFields {...props} />
      <div className={styles.wide}>
        <TextField
          label={t("models.field_channels")}
          hint={t("models.field_channels_hint")}
          value={draft.channels}
          onChange={(channels) => change({ channels })}
        />
      </div>
      <div className={styles.wide}>
        <TextField
          label={t("models.field_intended_use")}
          hint={t("models.field_intended_use_hint")}
          value={draft.intendedUse}
          onChange={(intendedUse) => change({ intendedUse })}
          maxLength={1000}
        />
      </div>
    </>
  );
}
