import { useCallback } from "react";

import { useLocale, useTranslate } from "../../../lib/messages";
import type { TherapySpan } from "../../../state/charts/course";
import type { SumCourse } from "../../../state/charts/sum_course";
import { ChartFrame } from "./ChartFrame";
import type { TableColumn, TableRow } from "./ChartTable";
import { drawSum } from "./draw_sum";

export interface SumPlotProps {
  readonly course: SumCourse;
  readonly therapies: readonly TherapySpan[];
  readonly quantity: string;
  readonly unit: string;
  readonly subject: string;
}

function rowsOf({ points }: SumCourse): TableRow[] {
  return points.map(({ studyId, date, sum, response, isProvisional }) => ({
    key: studyId,
    href: `/studies/${studyId}`,
    cells: [date, sum?.value ?? null, sum?.low ?? null, sum?.high ?? null, response, isProvisional],
  }));
}

/** Is it getting worse: the sum at every date, with the lines it is judged against. */
export function SumPlot({ course, therapies, quantity, unit, subject }: SumPlotProps) {
  const t = useTranslate();
  const locale = useLocale();
  const draw = useCallback(
    (width: number) => drawSum({ course, therapies, quantity, unit, width, t, locale }),
    [course, therapies, quantity, unit, t, locale],
  );
  const inUnit = unit.toLowerCase();
  const columns: TableColumn[] = [
    { header: t("chart.date"), csvHeader: "date", kind: "date" },
    { header: `${quantity} (${unit})`, csvHeader: `sum_${inUnit}`, kind: "number" },
    { header: t("chart.low", { unit }), csvHeader: `sum_low_${inUnit}`, kind: "number" },
    { header: t("chart.high", { unit }), csvHeader: `sum_high_${inUnit}`, kind: "number" },
    { header: t("chart.response"), csvHeader: "response", kind: "text" },
    { header: t("chart.provisional_column"), csvHeader: "is_provisional", kind: "flag" },
  ];
  const title = t("chart.sum_title", { quantity });
  return (
    <ChartFrame
      title={title}
      subject={subject}
      draw={draw}
      columns={columns}
      rows={rowsOf(course)}
      legend={t("chart.sum_legend")}
    />
  );
}
