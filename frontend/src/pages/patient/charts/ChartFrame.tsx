import { Download, Table } from "lucide-react";
import { type ReactNode, useCallback, useId, useRef, useState } from "react";

import { formatDate, today } from "../../../lib/dates";
import { type CsvCell, writeCsv } from "../../../lib/csv";
import { useLocale, useTranslate } from "../../../lib/messages";
import { fileNameOf, saveTextFile } from "../../../lib/save_file";
import { Button, ToggleIconButton } from "../../../ui/Button";
import { ChartTable, type TableColumn, type TableRow } from "./ChartTable";
import styles from "./Charts.module.css";
import { PlotCanvas } from "./PlotCanvas";
import { standaloneSvg } from "./saved_svg";

export interface ChartFrameProps {
  readonly title: string;
  /** Who the chart is about: in the saved files, not on the page, which says it already. */
  readonly subject: string;
  /** Draws into the width there is; a new function is drawn anew. */
  readonly draw: (width: number) => Element;
  readonly columns: readonly TableColumn[];
  readonly rows: readonly TableRow[];
  /** What is chosen about this chart. */
  readonly tools?: ReactNode;
  /** What the marks mean. */
  readonly legend?: string;
}

const csvOf = (columns: readonly TableColumn[], rows: readonly TableRow[]): CsvCell[][] => [
  columns.map((column) => column.csvHeader),
  ...rows.map((row) => [...row.cells]),
];

/** A chart with its title, its table, and what can be saved of it. */
export function ChartFrame({ title, subject, draw, columns, rows, tools, legend }: ChartFrameProps) {
  const t = useTranslate();
  const locale = useLocale();
  const titleId = useId();
  const [isTable, setIsTable] = useState(false);
  const drawn = useRef<SVGSVGElement>(null);
  const keepDrawn = useCallback((svg: SVGSVGElement) => {
    drawn.current = svg;
  }, []);
  const name = fileNameOf(title, subject, today());
  const saveCsv = () => saveTextFile(`${name}.csv`, "text/csv", writeCsv(csvOf(columns, rows)));
  const saveSvg = () => {
    if (!drawn.current) return;
    const subtitle = [subject, formatDate(today(), locale)].filter(Boolean).join(", ");
    const words = { title, subtitle, foot: `SegWeb. ${t("app.research_use_only_long")}` };
    saveTextFile(`${name}.svg`, "image/svg+xml", standaloneSvg(drawn.current, words));
  };
  return (
    <section className={styles.chart} aria-labelledby={titleId}>
      <div className={styles.head}>
        <h2 id={titleId}>{title}</h2>
        <div className={styles.tools}>
          {tools}
          <ToggleIconButton icon={Table} label={t("chart.table_view")} isSelected={isTable} onChange={setIsTable} />
          <Button
            variant="quiet"
            icon={Download}
            isDisabled={isTable}
            onPress={saveSvg}
            aria-label={t("chart.save_svg")}
          >
            SVG
          </Button>
          <Button variant="quiet" icon={Download} onPress={saveCsv} aria-label={t("chart.save_csv")}>
            CSV
          </Button>
        </div>
      </div>
      {isTable ? (
        <ChartTable title={title} columns={columns} rows={rows} />
      ) : (
        <PlotCanvas title={title} draw={draw} onDrawn={keepDrawn} legend={legend ?? ""} />
      )}
    </section>
  );
}
