import type { ReactNode } from "react";

import styles from "./Toolbar.module.css";

export interface ToolbarProps {
  readonly children: ReactNode;
  /** Given where the bar searches and filters: it becomes a landmark of that name. */
  readonly searchLabel?: string;
}

/** The line above a page's list: search, filters, and at the end what adds to it. */
export function Toolbar({ children, searchLabel }: ToolbarProps) {
  return searchLabel === undefined ? (
    <div className={styles.bar}>{children}</div>
  ) : (
    <div className={styles.bar} role="search" aria-label={searchLabel}>
      {children}
    </div>
  );
}

/** The search field's place in the bar. */
export function ToolbarSearch({ children }: { readonly children: ReactNode }) {
  return <div className={styles.search}>{children}</div>;
}

/** What stands at the end of the bar. */
export function ToolbarEnd({ children }: { readonly children: ReactNode }) {
  return <div className={styles.end}>{children}</div>;
}
