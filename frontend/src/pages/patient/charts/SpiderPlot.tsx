import { useCallback, useMemo, useState } from "react";
import { ToggleButton, ToggleButtonGroup } from "react-aria-components";

import { useLocale, useTranslate } from "../../../lib/messages";
import { type LesionCourse, shapeSpider, SPIDER_MEASURES, type SpiderMeasure } from "../../../state/charts/spider";
import { ChartFrame } from "./ChartFrame";
import type { TableColumn, TableRow } from "./ChartTable";
import styles from "./Charts.module.css";
import { drawSpider, SPIDER_UNITS } from "./draw_spider";

interface MeasureToggleProps {
  readonly measure: SpiderMeasure;
  readonly onChange: (measure: SpiderMeasure) => void;
}

function MeasureToggle({ measure, onChange }: MeasureToggleProps) {
  const t = useTranslate();
  return (
    <ToggleButtonGroup
      aria-label={t("chart.measure")}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[measure]}
      onSelectionChange={(keys) => {
        const chosen = SPIDER_MEASURES.find((each) => keys.has(each));
        if (chosen) onChange(chosen);
      }}
      className={styles.segments ?? ""}
    >
      {SPIDER_MEASURES.map((each) => (
        <ToggleButton key={each} id={each} className={styles.segment ?? ""} aria-label={t(`chart.axis_${each}`)}>
          {SPIDER_UNITS[each]}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}

const CSV_UNITS: Readonly<Record<SpiderMeasure, string>> = {
  percent: "change_percent",
  diameter: "diameter_mm",
  volume: "volume_ml",
};

export interface SpiderPlotProps {
  readonly lesions: readonly LesionCourse[];
  readonly baselineDate: string;
  readonly subject: string;
}

/** What each lesion did: mixed responses are seen at once. */
export function SpiderPlot({ lesions, baselineDate, subject }: SpiderPlotProps) {
  const t = useTranslate();
  const locale = useLocale();
  const [measure, setMeasure] = useState<SpiderMeasure>("percent");
  const chart = useMemo(() => shapeSpider(lesions, baselineDate, measure), [lesions, baselineDate, measure]);
  const draw = useCallback(
    (width: number) => drawSpider({ chart, measure, width, t, locale }),
    [chart, measure, t, locale],
  );
  const unit = SPIDER_UNITS[measure];
  const name = CSV_UNITS[measure];
  const columns: TableColumn[] = [
    { header: t("chart.lesion"), csvHeader: "lesion", kind: "text" },
    { header: t("chart.date"), csvHeader: "date", kind: "date" },
    { header: t("chart.axis_days"), csvHeader: "days_from_baseline", kind: "text" },
    { header: t(`chart.axis_${measure}`), csvHeader: name, kind: "number" },
    { header: t("chart.low", { unit }), csvHeader: `${name}_low`, kind: "number" },
    { header: t("chart.high", { unit }), csvHeader: `${name}_high`, kind: "number" },
    { header: t("chart.new_column"), csvHeader: "is_new", kind: "flag" },
    { header: t("chart.provisional_column"), csvHeader: "is_provisional", kind: "flag" },
  ];
  const rows: TableRow[] = chart.points.map(({ lesion, sighting, days, estimate }) => ({
    key: `${lesion.id} ${sighting.studyId}`,
    href: `/studies/${sighting.studyId}`,
    cells: [
      ...[lesion.name, sighting.date, days, estimate.value, estimate.low, estimate.high],
      ...[lesion.isNew, sighting.isProvisional],
    ],
  }));
  return (
    <ChartFrame
      title={t("chart.spider_title")}
      subject={subject}
      draw={draw}
      columns={columns}
      rows={rows}
      tools={<MeasureToggle measure={measure} onChange={setMeasure} />}
      legend={t("chart.spider_legend")}
    />
  );
}
