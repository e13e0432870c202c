import { type Column, flexRender, getCoreRowModel, type Row, useReactTable } from "@tanstack/react-table";
import { ArrowDown, ArrowUp } from "lucide-react";
import { useMemo } from "react";

import type { WorklistEntry } from "../../api/records";
import { useLocale, useTranslate } from "../../lib/messages";
import { useNow } from "../../lib/use_now";
import { type Ordering, toggleOrdering } from "../../state/worklist_filters";
import { classes } from "../../ui/classes";
import { buildColumns, type ColumnMeta } from "./columns";
import styles from "./Worklist.module.css";

interface StudyTableProps {
  readonly rows: readonly WorklistEntry[];
  readonly ordering: Ordering;
  readonly onOrder: (ordering: Ordering) => void;
  readonly isStale: boolean;
}

const RENEW_MS = 30_000;

const metaOf = (column: Column<WorklistEntry>): ColumnMeta => column.columnDef.meta as ColumnMeta;

interface HeadProps {
  readonly meta: ColumnMeta;
  readonly ordering: Ordering;
  readonly onOrder: (ordering: Ordering) => void;
}

function Head({ meta, ordering, onOrder }: HeadProps) {
  const t = useTranslate();
  const label = t(meta.label);
  const { sortsBy } = meta;
  const place = { scope: "col", style: { width: meta.width }, className: meta.isNarrowHidden && styles.narrowHidden };
  const className = place.className || undefined;
  if (!sortsBy) {
    return (
      <th scope="col" style={place.style} className={className}>
        {label}
      </th>
    );
  }
  const isFalling = ordering === `-${sortsBy}`;
  const isSorted = isFalling || ordering === sortsBy;
  return (
    <th
      scope="col"
      style={place.style}
      className={className}
      aria-sort={isSorted ? (isFalling ? "descending" : "ascending") : "none"}
    >
      <button
        type="button"
        className={classes(styles.sort, isSorted && styles.sorted)}
        title={t("worklist.sort_by", { column: label })}
        onClick={() => onOrder(toggleOrdering(ordering, sortsBy))}
      >
        {label}
        {isSorted ? isFalling ? <ArrowDown size={12} aria-hidden /> : <ArrowUp size={12} aria-hidden /> : null}
      </button>
    </th>
  );
}

function StudyRow({ row }: { readonly row: Row<WorklistEntry> }) {
  return (
    <tr className={styles.row} data-study={row.id}>
      {row.getVisibleCells().map((cell) => (
        <td key={cell.id} className={metaOf(cell.column).isNarrowHidden ? styles.narrowHidden : undefined}>
          {flexRender(cell.column.columnDef.cell, cell.getContext())}
        </td>
      ))}
    </tr>
  );
}

/** The dense table; the server sorts and pages, so the table only draws. */
export function StudyTable({ rows, ordering, onOrder, isStale }: StudyTableProps) {
  const t = useTranslate();
  const locale = useLocale();
  const now = useNow(RENEW_MS);
  const columns = useMemo(() => buildColumns(now, locale), [now, locale]);
  const data = useMemo(() => [...rows], [rows]);
  // eslint-disable-next-line react-hooks/incompatible-library -- the table's functions stay in this component
  const table = useReactTable({
    data,
    columns,
    getCoreRowModel: getCoreRowModel(),
    getRowId: (entry) => entry.study_id,
    manualSorting: true,
    manualPagination: true,
  });
  return (
    <table className={classes(styles.table, isStale && styles.stale)} aria-label={t("worklist.table")}>
      <thead>
        <tr>
          {table.getAllLeafColumns().map((column) => (
            <Head key={column.id} meta={metaOf(column)} ordering={ordering} onOrder={onOrder} />
          ))}
        </tr>
      </thead>
      <tbody>
        {table.getRowModel().rows.map((row) => (
          <StudyRow key={row.id} row={row} />
        ))}
      </tbody>
    </table>
  );
}
