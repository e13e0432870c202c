import { useCallback, useMemo } from "react";

import { useLocale, useTranslate } from "../../../lib/messages";
import { shapeWaterfall, type WaterfallEntry } from "../../../state/charts/cohort";
import { ChartFrame } from "./ChartFrame";
import type { TableColumn } from "./ChartTable";
import { drawWaterfall } from "./draw_cohort";

export interface WaterfallPlotProps {
  readonly entries: readonly WaterfallEntry[];
  readonly subject: string;
}

/** The best change of each patient, largest growth first. */
export function WaterfallPlot({ entries, subject }: WaterfallPlotProps) {
  const t = useTranslate();
  const locale = useLocale();
  const { bars, leftOut } = useMemo(() => shapeWaterfall(entries), [entries]);
  const draw = useCallback((width: number) => drawWaterfall({ bars, width, t, locale }), [bars, t, locale]);
  const columns: TableColumn[] = [
    { header: t("chart.patient"), csvHeader: "patient", kind: "text" },
    { header: t("chart.date"), csvHeader: "date", kind: "date" },
    { header: t("chart.axis_best"), csvHeader: "best_change_percent", kind: "number" },
    { header: t("chart.low", { unit: "%" }), csvHeader: "best_change_low_percent", kind: "number" },
    { header: t("chart.high", { unit: "%" }), csvHeader: "best_change_high_percent", kind: "number" },
    { header: t("chart.response"), csvHeader: "response", kind: "text" },
    { header: t("chart.provisional_column"), csvHeader: "is_provisional", kind: "flag" },
  ];
  const rows = bars.map((bar) => ({
    key: bar.patientId,
    href: `/studies/${bar.studyId}`,
    cells: [bar.name, bar.date, bar.bestPercent, bar.low, bar.high, bar.response, bar.isProvisional],
  }));
  const legend = leftOut > 0 ? t("chart.left_out", { count: leftOut }) : t("chart.waterfall_legend");
  return (
    <ChartFrame
      title={t("chart.waterfall_title")}
      subject={subject}
      draw={draw}
      columns={columns}
      rows={rows}
      legend={legend}
    />
  );
}
