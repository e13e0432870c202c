import { useMemo } from "react";

import type { Assessment, Insight, Tracking } from "../../../api/records";
import { lesionCoursesOf, sumPointsOf, therapySpansOf } from "../../../state/charts/from_record";
import { shapeSumCourse } from "../../../state/charts/sum_course";
import { SpiderPlot } from "../charts/SpiderPlot";
import { SumPlot } from "../charts/SumPlot";
import styles from "./Verdict.module.css";

interface CourseChartsProps {
  readonly tracking: Tracking;
  readonly assessment: Assessment | undefined;
  readonly insight: Insight | undefined;
  readonly subject: string;
}

/** What the verdict rests on as pictures: the sum with its lines, and each lesion. */
export default function CourseCharts({ tracking, assessment, insight, subject }: CourseChartsProps) {
  const lesions = useMemo(() => lesionCoursesOf(tracking, insight), [tracking, insight]);
  const therapies = useMemo(() => therapySpansOf(tracking.therapy), [tracking]);
  const course = useMemo(() => assessment && shapeSumCourse(sumPointsOf(assessment)), [assessment]);
  const numbers = assessment?.timepoints.at(-1)?.numbers;
  const baseline = tracking.timepoints.find((each) => each.is_baseline)?.study_date;
  const isCourse = tracking.timepoints.filter((each) => each.day !== null).length > 1;
  return (
    <div className={styles.charts}>
      {course && numbers ? (
        <SumPlot
          course={course}
          therapies={therapies}
          quantity={numbers.quantity}
          unit={numbers.unit}
          subject={subject}
        />
      ) : null}
      {baseline && isCourse && lesions.length > 0 ? (
        <SpiderPlot lesions={lesions} baselineDate={baseline} subject={subject} />
      ) : null}
    </div>
  );
}
