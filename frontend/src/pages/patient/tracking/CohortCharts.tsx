import { useMemo } from "react";

import type { Criterion } from "../../../api/records";
import { useCohort } from "../../../api/tracking";
import { useTranslate } from "../../../lib/messages";
import { formatPersonName } from "../../../lib/patient_name";
import { swimmersOf, waterfallOf } from "../../../state/charts/from_record";
import { ErrorState, LoadingState } from "../../../ui/States";
import { SwimmerPlot } from "../charts/SwimmerPlot";
import { WaterfallPlot } from "../charts/WaterfallPlot";
import styles from "./Verdict.module.css";

/** This patient among all whose lesions one follows. */
export default function CohortCharts({ criterion }: { readonly criterion: Criterion }) {
  const t = useTranslate();
  const cohort = useCohort(criterion);
  const entries = useMemo(() => (cohort.data ? waterfallOf(cohort.data, formatPersonName) : []), [cohort.data]);
  const courses = useMemo(() => (cohort.data ? swimmersOf(cohort.data, formatPersonName) : []), [cohort.data]);
  if (cohort.isError) return <ErrorState error={cohort.error} onRetry={() => void cohort.refetch()} />;
  if (!cohort.data) return <LoadingState label={t("verdict.loading")} />;
  return (
    <div className={styles.charts}>
      <WaterfallPlot entries={entries} subject={t("verdict.tab_cohort")} />
      <SwimmerPlot courses={courses} subject={t("verdict.tab_cohort")} />
    </div>
  );
}
