import type { EvaluationReport } from "../../api/evaluations";
import { useLocale, useTranslate } from "../../lib/messages";
import { MEASURE_WORDS, MEASURES, measureText, numberText } from "./figures";
import styles from "./Evaluations.module.css";

/** More rows than anybody reads are in the table to save. */
const SHOWN = 200;

/** Every case, the worst first. */
export function CaseTable({ report }: { readonly report: EvaluationReport }) {
  const t = useTranslate();
  const locale = useLocale();
  const ranked = [...report.cases].sort((one, other) => (one.agreement.dice ?? 2) - (other.agreement.dice ?? 2));
  const hasBaseline = ranked.some(({ baseline }) => baseline !== null);
  return (
    <section aria-label={t("evaluations.every_case")}>
      <h3>{t("evaluations.every_case")}</h3>
      {ranked.length > SHOWN ? <p className={styles.quiet}>{t("evaluations.shown_cases", { shown: SHOWN })}</p> : null}
      <div className={styles.scroller}>
        <table className={styles.table}>
          <thead>
            <tr>
              <th scope="col">{t("evaluations.case")}</th>
              <th scope="col">{t("evaluations.segment")}</th>
              {MEASURES.map((measure) => (
                <th key={measure} scope="col" className={styles.number} title={t(MEASURE_WORDS[measure][1])}>
                  {t(MEASURE_WORDS[measure][0])}
                </th>
              ))}
              {hasBaseline ? (
                <th scope="col" className={styles.number}>
                  {t("evaluations.baseline_dice")}
                </th>
              ) : null}
              <th scope="col" className={styles.number}>
                {t("evaluations.seconds")}
              </th>
            </tr>
          </thead>
          <tbody>
            {ranked.slice(0, SHOWN).map((score) => (
              <tr key={`${score.case} ${score.segment_label}`}>
                <th scope="row">{score.case}</th>
                <td>{score.segment_label}</td>
                {MEASURES.map((measure) => (
                  <td key={measure} className={styles.number}>
                    {measureText(score.agreement[measure], measure, locale)}
                  </td>
                ))}
                {hasBaseline ? (
                  <td className={styles.number}>{measureText(score.baseline?.dice ?? null, "dice", locale)}</td>
                ) : null}
                <td className={styles.number}>{numberText(score.seconds, locale, 1)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
