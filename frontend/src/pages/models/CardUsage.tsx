import type { ModelCard } from "../../api/models";
import { formatBytes } from "../../lib/bytes";
import { formatMoment } from "../../lib/dates";
import { useLocale, useTranslate } from "../../lib/messages";
import { CardSection, Facts } from "./CardParts";
import { durationText } from "./figures";
import styles from "./Card.module.css";

/** What finished runs on this installation have needed. */
export function Usage({ figures }: { readonly figures: ModelCard["figures"] }) {
  const t = useTranslate();
  const locale = useLocale();
  const title = t("models.section_speed");
  if (!figures || figures.median_s === null || figures.shortest_s === null || figures.longest_s === null)
    return (
      <CardSection title={title}>
        <p>{t("models.usage_none")}</p>
      </CardSection>
    );
  const { median_s, shortest_s, longest_s, peak_memory_bytes, last_finished_at } = figures;
  const duration = t("models.duration", {
    median: durationText(median_s, t, locale),
    shortest: durationText(shortest_s, t, locale),
    longest: durationText(longest_s, t, locale),
  });
  const memory = peak_memory_bytes === null ? t("models.not_measured") : formatBytes(peak_memory_bytes, locale);
  return (
    <CardSection title={title}>
      <Facts
        facts={[
          [t("models.fact_duration"), duration],
          [t("models.fact_memory"), memory],
          [t("models.fact_runs"), t("models.runs", { count: figures.run_count, failed: figures.failed_count })],
          [t("models.fact_last_run"), last_finished_at ? formatMoment(last_finished_at, locale) : ""],
        ]}
      />
      <p className={styles.explained}>{t("models.usage", { count: figures.measured_count })}</p>
    </CardSection>
  );
}
