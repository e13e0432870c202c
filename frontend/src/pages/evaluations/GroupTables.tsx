import type { EvaluationReport } from "../../api/evaluations";
import { useLocale, useTranslate } from "../../lib/messages";
import { intervalText, isOfFew } from "./figures";
import styles from "./Evaluations.module.css";

const FACTS = ["scanner", "site", "sequence"] as const;

interface FactProps {
  readonly report: EvaluationReport;
  readonly fact: (typeof FACTS)[number];
}

function FactTable({ report, fact }: FactProps) {
  const t = useTranslate();
  const locale = useLocale();
  const rows = report.by[fact];
  if (rows.length === 0)
    return (
      <p>
        <strong>{t(`evaluations.by_${fact}`)}</strong>: {t("evaluations.not_told")}
      </p>
    );
  return (
    <table className={styles.table}>
      <caption>{t(`evaluations.by_${fact}`)}</caption>
      <thead>
        <tr>
          <th scope="col">{t(`evaluations.${fact}`)}</th>
          <th scope="col">{t("evaluations.segment")}</th>
          <th scope="col" className={styles.number}>
            {t("evaluations.cases")}
          </th>
          <th scope="col" className={styles.number}>
            {t("evaluations.dice")}
          </th>
          <th scope="col" className={styles.number}>
            {t("evaluations.hd95")}
          </th>
          <th scope="col">
            <span className="visually-hidden">{t("evaluations.remark")}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={`${row.group} ${row.segment_label}`}>
            <th scope="row">{row.group || t("evaluations.group_not_told")}</th>
            <td>{row.segment_label}</td>
            <td className={styles.number}>{row.cases}</td>
            <td className={styles.number}>{intervalText(row.model.dice, "dice", t, locale)}</td>
            <td className={styles.number}>{intervalText(row.model.hd95, "hd95", t, locale)}</td>
            <td className={styles.caution}>
              {isOfFew(row, report.few_cases) ? t("evaluations.few", { few: report.few_cases }) : ""}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Does it do worse on one scanner, at one site, with one sequence? */
export function GroupTables({ report }: { readonly report: EvaluationReport }) {
  const t = useTranslate();
  return (
    <section aria-label={t("evaluations.groups")} className={styles.groups}>
      <h3>{t("evaluations.groups")}</h3>
      {FACTS.map((fact) => (
        <FactTable key={fact} report={report} fact={fact} />
      ))}
      {FACTS.every((fact) => report.by[fact].length === 0) ? (
        <p className={styles.quiet}>{t("evaluations.table_hint")}</p>
      ) : null}
    </section>
  );
}
