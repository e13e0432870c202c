import { isUnderWay, type ModelEvaluation } from "../../api/evaluations";
import { formatMoment, formatSince } from "../../lib/dates";
import { useLocale, useTranslate } from "../../lib/messages";
import { useNow } from "../../lib/use_now";
import { classes } from "../../ui/classes";
import { ProgressLine } from "../../ui/ProgressLine";
import { VerdictMark } from "./VerdictMark";
import styles from "./Evaluations.module.css";

const RENEW_MS = 30_000;

const shareOf = ({ cases_done, cases_total }: ModelEvaluation): number => cases_done / Math.max(cases_total, 1);

function State({ found }: { readonly found: ModelEvaluation }) {
  const t = useTranslate();
  if (isUnderWay(found)) {
    const words = t(`evaluations.state_${found.state}`);
    return (
      <span className={styles.underWay}>
        {words}
        <ProgressLine label={words} share={shareOf(found)} />
      </span>
    );
  }
  if (found.verdict) return <VerdictMark verdict={found.verdict} />;
  return (
    <span className={classes(found.state === "refused" && styles.refused)}>
      {t(`evaluations.state_${found.state}`)}
    </span>
  );
}

interface EvaluationListProps {
  readonly rows: readonly ModelEvaluation[];
  readonly openId: string;
  readonly onOpen: (id: string) => void;
}

/** What was asked, newest first. */
export function EvaluationList({ rows, openId, onOpen }: EvaluationListProps) {
  const t = useTranslate();
  const locale = useLocale();
  const now = useNow(RENEW_MS);
  return (
    <nav className={styles.list} aria-label={t("evaluations.list")}>
      <ul>
        {rows.map((found) => (
          <li key={found.id}>
            <button
              type="button"
              className={classes(styles.one, found.id === openId && styles.lit)}
              aria-current={found.id === openId ? "true" : undefined}
              data-evaluation={found.state}
              onClick={() => onOpen(found.id)}
            >
              <span className={styles.oneHead}>
                <strong>
                  {found.model_name} {found.model_version}
                </strong>
                <span title={formatMoment(found.created_at, locale)}>{formatSince(found.created_at, now, locale)}</span>
              </span>
              <span className={styles.oneFile}>
                {found.cases_from === "archive" ? t("evaluations.from_archive") : found.file_name}
              </span>
              <State found={found} />
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}
