import { ProgressBar } from "react-aria-components";

import { classes } from "./classes";
import styles from "./ProgressLine.module.css";

export interface ProgressLineProps {
  readonly label: string;
  /** Share done, 0 to 1; undefined while nobody knows. */
  readonly share?: number;
  readonly tone?: "running" | "failed" | "done";
}

const toneClass = { running: undefined, failed: styles.failed, done: styles.done };

export function ProgressLine({ label, share, tone = "running" }: ProgressLineProps) {
  const isUnknown = share === undefined;
  return (
    <ProgressBar aria-label={label} value={(share ?? 0) * 100} isIndeterminate={isUnknown}>
      {({ percentage }) => (
        <div className={styles.line}>
          <div
            className={classes(styles.fill, toneClass[tone], isUnknown && styles.unknown)}
            style={isUnknown ? {} : { width: `${String(percentage ?? 0)}%` }}
          />
        </div>
      )}
    </ProgressBar>
  );
}
