import {
  type EvaluationDetail,
  type EvaluationInterval,
  type EvaluationReport as Report,
  fileUrl,
} from "../../api/evaluations";
import { useLocale, useTranslate } from "../../lib/messages";
import { Facts } from "../models/CardParts";
import { baselineName } from "../models/CardEvidence";
import { CaseTable } from "./CaseTable";
import { intervalText, type Measure, MEASURE_WORDS, MEASURES, measureText } from "./figures";
import { GroupTables } from "./GroupTables";
import { VerdictMark } from "./VerdictMark";
import styles from "./Evaluations.module.css";

interface ReportProps {
  readonly found: EvaluationDetail;
  readonly report: Report;
}

function Judgement({ judgement }: { readonly judgement: NonNullable<Report["judgement"]> }) {
  const t = useTranslate();
  const locale = useLocale();
  return (
    <section className={styles.judgement} aria-label={t("evaluations.verdict")}>
      <p className={styles.large}>
        <VerdictMark verdict={judgement.verdict} />
      </p>
      <ul>
        {judgement.segments.map((segment) => (
          <li key={segment.segment_label}>
            <VerdictMark verdict={segment.verdict} /> <strong>{segment.segment_label}</strong>:{" "}
            {segment.dice
              ? t("evaluations.judged", {
                  dice: intervalText(segment.dice, "dice", t, locale),
                  count: segment.dice.count,
                })
              : ""}{" "}
            {t(`evaluations.ground_${segment.ground}`)}
          </li>
        ))}
      </ul>
    </section>
  );
}

interface MeanProps {
  readonly interval: EvaluationInterval | null;
  readonly measure: Measure;
}

/** A mean with its interval below it: side by side five measures are wider than a small screen. */
function MeanWithInterval({ interval, measure }: MeanProps) {
  const t = useTranslate();
  const locale = useLocale();
  if (!interval) return "–";
  const write = (value: number) => measureText(value, measure, locale);
  return (
    <>
      {write(interval.mean)}
      <span className={styles.interval}>
        {t("models.range", { shortest: write(interval.low), longest: write(interval.high) })}
      </span>
    </>
  );
}

function Measured({ measures }: { readonly measures: Report["summaries"][number]["model"] }) {
  return MEASURES.map((measure) => (
    <td key={measure} className={styles.number}>
      <MeanWithInterval interval={measures[measure]} measure={measure} />
    </td>
  ));
}

/** Each structure: the model, the simple method, and what its makers measured, one under the other. */
function Figures({ found, report }: ReportProps) {
  const t = useTranslate();
  return (
    <table className={styles.table}>
      <caption>{t("evaluations.figures")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("evaluations.segment")}</th>
          <th scope="col">{t("evaluations.method")}</th>
          <th scope="col" className={styles.number}>
            {t("evaluations.cases")}
          </th>
          {MEASURES.map((measure) => (
            <th key={measure} scope="col" className={styles.number} title={t(MEASURE_WORDS[measure][1])}>
              {t(MEASURE_WORDS[measure][0])}
            </th>
          ))}
        </tr>
      </thead>
      {report.summaries.map((summary) => {
        const makers = report.makers?.find(({ segment_label }) => segment_label === summary.segment_label);
        return (
          <tbody key={summary.segment_label}>
            <tr className={styles.own}>
              <th scope="rowgroup" rowSpan={1 + Number(summary.baseline !== null) + Number(makers !== undefined)}>
                {summary.segment_label}
              </th>
              <td className={styles.method}>{t("evaluations.model_here")}</td>
              <td className={styles.number}>{summary.model.dice?.count ?? 0}</td>
              <Measured measures={summary.model} />
            </tr>
            {makers ? (
              <tr>
                <td>{t("evaluations.makers")}</td>
                <td className={styles.number}>{makers.dice?.count ?? 0}</td>
                <td className={styles.number}>
                  <MeanWithInterval interval={makers.dice} measure="dice" />
                </td>
                <td colSpan={MEASURES.length - 1} />
              </tr>
            ) : null}
            {summary.baseline ? (
              <tr>
                <td>{baselineName(found.baseline, t)}</td>
                <td className={styles.number}>{summary.baseline.dice?.count ?? 0}</td>
                <Measured measures={summary.baseline} />
              </tr>
            ) : null}
          </tbody>
        );
      })}
    </table>
  );
}

function Remarks({ report }: { readonly report: Report }) {
  const t = useTranslate();
  const nothing = report.summaries.reduce((sum, { marked_where_nothing_is }) => sum + marked_where_nothing_is, 0);
  return (
    <>
      {nothing > 0 ? <p className={styles.caution}>{t("evaluations.marked_nothing", { count: nothing })}</p> : null}
      {report.remarks.map(({ number, cases }) => (
        <p key={number} className={styles.caution}>
          {t("evaluations.not_compared", { number: String(number), count: cases })}
        </p>
      ))}
    </>
  );
}

function Worst({ found, report }: ReportProps) {
  const t = useTranslate();
  const locale = useLocale();
  if (report.worst.length === 0) return null;
  return (
    <section aria-label={t("models.worst_cases")}>
      <h3>{t("models.worst_cases")}</h3>
      <ul className={styles.worst}>
        {report.worst.map(({ case: name, dice }, index) => {
          const words = Object.entries(dice)
            .map(([segment, value]) => t("models.worst_dice", { segment, dice: measureText(value, "dice", locale) }))
            .join("; ");
          return (
            <li key={name}>
              <img
                src={fileUrl(found.id, `worst-${String(index + 1)}.webp`)}
                alt={t("models.worst_picture", { name, found: words })}
              />
              <p>
                <strong>{name}</strong> {words}
              </p>
            </li>
          );
        })}
      </ul>
      <p className={styles.quiet}>{t("models.worst_legend")}</p>
    </section>
  );
}

function LeftOut({ report }: { readonly report: Report }) {
  const t = useTranslate();
  if (report.left_out.length === 0) return <p className={styles.quiet}>{t("evaluations.none_left_out")}</p>;
  return (
    <section>
      <h3>{t("evaluations.left_out", { count: report.left_out.length })}</h3>
      <ul className={styles.leftOut}>
        {report.left_out.map(({ name, reason, code }) => (
          <li key={`${name} ${code}`}>
            <strong>{name}</strong>: {reason} <span className={styles.code}>{code}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What was found, the verdict first. */
export function EvaluationReport({ found, report }: ReportProps) {
  const t = useTranslate();
  return (
    <>
      {report.judgement ? <Judgement judgement={report.judgement} /> : null}
      <div className={styles.scroller}>
        <Figures found={found} report={report} />
      </div>
      <p className={styles.quiet}>
        {t("models.interval_hint")} {t("evaluations.hd95_defined")}
      </p>
      <Remarks report={report} />
      <Worst found={found} report={report} />
      <GroupTables report={report} />
      <CaseTable report={report} />
      <LeftOut report={report} />
      <section>
        <h3>{t("evaluations.record")}</h3>
        <Facts
          facts={[
            [t("evaluations.weights"), report.weights_sha256 || t("evaluations.no_weights")],
            [t("evaluations.software"), `SegWeb ${report.software_version}`],
            [t("evaluations.file_digest"), found.sha256 || t("evaluations.from_archive")],
            [t("evaluations.number"), found.id],
          ]}
        />
      </section>
    </>
  );
}
