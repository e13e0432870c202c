import styles from "./Badge.module.css";
import { classes } from "./classes";

export interface BadgeProps {
  readonly children: string;
  readonly tone?: "quiet" | "caution" | "accent";
  readonly hint?: string;
}

export function Badge({ children, tone = "quiet", hint }: BadgeProps) {
  return (
    <span className={classes(styles.badge, tone !== "quiet" && styles[tone])} title={hint}>
      {children}
    </span>
  );
}
