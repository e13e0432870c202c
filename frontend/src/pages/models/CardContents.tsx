import type { ModelCard } from "../../api/models";
import { type Translate, useLocale, useTranslate } from "../../lib/messages";
import { CardSection, Facts } from "./CardParts";
import styles from "./Card.module.css";

type Network = NonNullable<ModelCard["network"]>;

function networkFacts(network: Network, t: Translate, locale: string): readonly (readonly [string, string])[] {
  const spacing = network.spacing_mm?.map((step) => step.toLocaleString(locale)).join(" x ");
  const overlap = network.overlap.toLocaleString(locale, { style: "percent" });
  return [
    [
      t("models.fact_channels"),
      network.channels.map(({ name, normalisation }) => `${name} (${normalisation})`).join("; "),
    ],
    [t("models.fact_orientation"), network.orientation],
    [t("models.fact_spacing"), spacing ? t("models.spacing", { spacing }) : t("models.own_spacing")],
    [t("models.fact_window"), t("models.window", { window: network.window.join(" x "), overlap })],
    [t("models.fact_network"), network.architecture],
  ];
}

/** What the model must be given. */
export function Input({ card }: { readonly card: ModelCard }) {
  const t = useTranslate();
  const locale = useLocale();
  const parameters = card.parameters.map(({ label, unit }) => (unit ? `${label}, ${unit}` : label)).join("; ");
  return (
    <CardSection title={t("models.section_input")}>
      <Facts
        facts={[
          [t("models.fact_modality"), card.modalities.join(", ") || t("models.any_input")],
          [t("models.fact_images"), t(card.needs_volume ? "models.one_volume" : "models.any_stack")],
          ...(card.network ? networkFacts(card.network, t, locale) : []),
          ...(parameters ? [[t("models.fact_parameters"), parameters] as const] : []),
        ]}
      />
    </CardSection>
  );
}

interface CodeProps {
  readonly code: ModelCard["segments"][number]["type"];
}

function Code({ code }: CodeProps) {
  return (
    <>
      {code.meaning}{" "}
      <span className={styles.code}>
        {code.scheme} {code.value}
      </span>
    </>
  );
}

/** What it marks, with the codes that its DICOM objects carry. */
export function Segments({ card }: { readonly card: ModelCard }) {
  const t = useTranslate();
  return (
    <CardSection title={t("models.section_segments")}>
      <table className={styles.small}>
        <thead>
          <tr>
            <th>{t("models.segment_number")}</th>
            <th>{t("models.segment_name")}</th>
            <th>{t("models.segment_category")}</th>
            <th>{t("models.segment_type")}</th>
          </tr>
        </thead>
        <tbody>
          {card.segments.map((segment) => (
            <tr key={segment.segment_number}>
              <td>{segment.segment_number}</td>
              <td className={styles.together}>
                <span className={styles.swatch} style={{ background: segment.colour }} aria-hidden />
                {segment.segment_label}
              </td>
              <td>
                <Code code={segment.category} />
              </td>
              <td>
                <Code code={segment.type} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </CardSection>
  );
}
