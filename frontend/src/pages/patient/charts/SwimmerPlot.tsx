import { useCallback, useMemo } from "react";

import { useLocale, useTranslate } from "../../../lib/messages";
import { shapeSwimmer, type SwimmerCourse } from "../../../state/charts/cohort";
import { ChartFrame } from "./ChartFrame";
import type { TableColumn } from "./ChartTable";
import { drawSwimmer } from "./draw_cohort";

export interface SwimmerPlotProps {
  readonly courses: readonly SwimmerCourse[];
  readonly subject: string;
}

/** How long, under what, and with what response. */
export function SwimmerPlot({ courses, subject }: SwimmerPlotProps) {
  const t = useTranslate();
  const locale = useLocale();
  const lanes = useMemo(() => shapeSwimmer(courses), [courses]);
  const draw = useCallback((width: number) => drawSwimmer({ lanes, width, t, locale }), [lanes, t, locale]);
  const columns: TableColumn[] = [
    { header: t("chart.patient"), csvHeader: "patient", kind: "text" },
    { header: t("chart.date"), csvHeader: "date", kind: "date" },
    { header: t("chart.axis_days"), csvHeader: "days_from_baseline", kind: "text" },
    { header: t("chart.response"), csvHeader: "response", kind: "text" },
    { header: t("chart.therapy"), csvHeader: "therapy", kind: "text" },
    { header: t("chart.provisional_column"), csvHeader: "is_provisional", kind: "flag" },
  ];
  const rows = lanes.flatMap((lane) =>
    lane.marks.map((mark) => {
      const under = lane.therapies.filter(({ fromDay, toDay }) => fromDay <= mark.day && mark.day <= toDay);
      const therapy = under.map((segment) => segment.therapy.name).join("; ");
      return {
        key: `${lane.patientId} ${mark.studyId}`,
        href: `/studies/${mark.studyId}`,
        cells: [lane.name, mark.date, mark.day, mark.response, therapy, mark.isProvisional],
      };
    }),
  );
  return (
    <ChartFrame
      title={t("chart.swimmer_title")}
      subject={subject}
      draw={draw}
      columns={columns}
      rows={rows}
      legend={t("chart.swimmer_legend")}
    />
  );
}
