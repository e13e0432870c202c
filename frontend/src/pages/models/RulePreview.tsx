import { useEffect, useState } from "react";
import { Link } from "react-router";

import { type RulePreview as Preview, usePreview } from "../../api/routing";
import { formatDate } from "../../lib/dates";
import { useLocale, useTranslate } from "../../lib/messages";
import { formatPersonName } from "../../lib/patient_name";
import { canPreview, type RuleWish } from "../../state/routing_rule";
import { ErrorState } from "../../ui/States";
import { CardSection } from "./CardParts";
import styles from "./Card.module.css";

const TYPING_MS = 300;

/** A wish once nobody has changed it for a moment. */
function useSettled(wish: RuleWish): RuleWish {
  const [settled, setSettled] = useState(wish);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(wish), TYPING_MS);
    return () => clearTimeout(timer);
  }, [wish]);
  return settled;
}

function Examples({ preview }: { readonly preview: Preview }) {
  const t = useTranslate();
  const locale = useLocale();
  if (preview.matching === 0) return <p className={styles.explained}>{t("routing.preview_none")}</p>;
  return (
    <table className={styles.small} aria-label={t("routing.preview")}>
      <thead>
        <tr>
          <th>{t("routing.preview_patient")}</th>
          <th>{t("routing.preview_series")}</th>
          <th>{t("routing.preview_date")}</th>
        </tr>
      </thead>
      <tbody>
        {preview.examples.map((example) => (
          <tr key={example.series_id}>
            <td>
              <Link to={`/studies/${example.study_id}`}>
                {formatPersonName(example.patient.patient_name) || t("patient.unnamed")}
              </Link>
            </td>
            <td>{example.series_description || t("routing.unnamed_series")}</td>
            <td>{example.study_date ? formatDate(example.study_date, locale) : t("time.unknown")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** For which of the newest series a rule would have held, while it is being written. */
export function RulePreview({ wish }: { readonly wish: RuleWish }) {
  const t = useTranslate();
  const settled = useSettled(wish);
  const isWanted = canPreview(settled);
  const answer = usePreview(settled, isWanted);
  return (
    <CardSection title={t("routing.preview")}>
      {isWanted ? null : <p className={styles.explained}>{t("routing.preview_incomplete")}</p>}
      {isWanted && answer.isPending ? <p className={styles.explained}>{t("state.loading")}</p> : null}
      {isWanted && answer.isError ? <ErrorState error={answer.error} onRetry={() => void answer.refetch()} /> : null}
      {isWanted && answer.data ? (
        <>
          <p role="status">
            {t("routing.preview_counts", { matching: answer.data.matching, count: answer.data.considered })}
          </p>
          <Examples preview={answer.data} />
        </>
      ) : null}
    </CardSection>
  );
}
