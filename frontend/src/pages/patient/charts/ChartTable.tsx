import { Link } from "react-router";

import type { CsvCell } from "../../../lib/csv";
import { formatDate } from "../../../lib/dates";
import { type Locale, useLocale, useTranslate } from "../../../lib/messages";
import patientStyles from "../Patient.module.css";
import styles from "./Charts.module.css";

export interface TableColumn {
  readonly header: string;
  /** English, with the unit, the same in every language: programs read it. */
  readonly csvHeader: string;
  readonly kind: "date" | "number" | "text" | "flag";
}

export interface TableRow {
  readonly key: string;
  /** The images behind the row. */
  readonly href: string;
  readonly cells: readonly CsvCell[];
}

function writeNumber(value: CsvCell, locale: Locale): string {
  return typeof value === "number"
    ? value.toLocaleString(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 })
    : "";
}

function Cell({ cell, kind }: { readonly cell: CsvCell; readonly kind: TableColumn["kind"] }) {
  const t = useTranslate();
  const locale = useLocale();
  if (kind === "number") return <>{writeNumber(cell, locale)}</>;
  if (kind === "flag") return <>{cell === true ? t("chart.yes") : ""}</>;
  if (kind === "date" && typeof cell === "string") return <>{formatDate(cell, locale)}</>;
  return <>{cell}</>;
}

interface ChartTableProps {
  readonly title: string;
  readonly columns: readonly TableColumn[];
  readonly rows: readonly TableRow[];
}

/** The chart's numbers as a table; the first cell of a row leads to its images. */
export function ChartTable({ title, columns, rows }: ChartTableProps) {
  return (
    <div className={styles.tableBox}>
      <table className={patientStyles.table} aria-label={title}>
        <thead>
          <tr>
            {columns.map(({ header, csvHeader, kind }) => (
              <th key={csvHeader} scope="col" className={kind === "number" ? patientStyles.number : undefined}>
                {header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key}>
              {columns.map(({ csvHeader, kind }, place) => {
                const cell = <Cell cell={row.cells[place] ?? null} kind={kind} />;
                return (
                  <td key={csvHeader} className={kind === "number" ? patientStyles.number : undefined}>
                    {place === 0 ? <Link to={row.href}>{cell}</Link> : cell}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
