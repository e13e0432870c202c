import { useMemo } from "react";

import type { Assessment, Insight, Tracking } from "../../../api/records";
import { type PlainMessageKey, useTranslate } from "../../../lib/messages";
import { lesionCoursesOf, sumPointsOf, therapySpansOf } from "../../../state/charts/from_record";
import type { TherapySpan } from "../../../state/charts/course";
import { shapeSumCourse } from "../../../state/charts/sum_course";
import { SpiderPlot } from "../charts/SpiderPlot";
import { SumPlot } from "../charts/SumPlot";
import styles from "./Verdict.module.css";

/** What criteria sum, in the reader's language; the server names it in English. */
const QUANTITIES: Readonly<Record<string, PlainMessageKey>> = {
  "sum of diameters": "chart.sum_of_diameters",
  "sum of products": "chart.sum_of_products",
  volume: "chart.sum_of_volumes",
};

interface CourseChartsProps {
  readonly tracking: Tracking;
  readonly assessment: Assessment | undefined;
  readonly insight: Insight | undefined;
  readonly subject: string;
}

interface SumProps extends Pick<CourseChartsProps, "subject"> {
  readonly assessment: Assessment;
  readonly insight: Insight | undefined;
  readonly therapies: readonly TherapySpan[];
}

function Sums({ assessment, insight, therapies, subject }: SumProps) {
  const t = useTranslate();
  const course = useMemo(() => shapeSumCourse(sumPointsOf(assessment, insight)), [assessment, insight]);
  const numbers = assessment.timepoints.at(-1)?.numbers;
  if (!numbers) return null;
  const known = QUANTITIES[numbers.quantity];
  const quantity = known ? t(known) : numbers.quantity;
  return <SumPlot course={course} therapies={therapies} quantity={quantity} unit={numbers.unit} subject={subject} />;
}

/** What the verdict rests on as pictures: the sum with its lines, and each lesion. */
export default function CourseCharts({ tracking, assessment, insight, subject }: CourseChartsProps) {
  const lesions = useMemo(() => lesionCoursesOf(tracking, insight), [tracking, insight]);
  const therapies = useMemo(() => therapySpansOf(tracking.therapy), [tracking]);
  const baseline = tracking.timepoints.find((each) => each.is_baseline)?.study_date;
  const isCourse = tracking.timepoints.filter((each) => each.day !== null).length > 1;
  return (
    <div className={styles.charts}>
      {assessment ? <Sums assessment={assessment} insight={insight} therapies={therapies} subject={subject} /> : null}
      {baseline && isCourse && lesions.length > 0 ? (
        <SpiderPlot lesions={lesions} baselineDate={baseline} subject={subject} />
      ) : null}
    </div>
  );
}
