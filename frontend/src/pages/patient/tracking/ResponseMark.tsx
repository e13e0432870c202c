import { toneOf } from "../../../state/charts/course";
import { classes } from "../../../ui/classes";
import styles from "./Verdict.module.css";

const TONES = {
  response: styles.toneResponse,
  stable: styles.toneStable,
  unconfirmed: styles.toneUnconfirmed,
  progression: styles.toneProgression,
  open: styles.toneOpen,
} as const;

interface ResponseMarkProps {
  readonly response: string;
  readonly size?: "large";
  readonly isProvisional?: boolean;
}

/** A response as its criterion writes it: the letters say it, the colour only helps. */
export function ResponseMark({ response, size, isProvisional = false }: ResponseMarkProps) {
  return (
    <span
      className={classes(
        styles.mark,
        TONES[toneOf(response)],
        size === "large" && styles.markLarge,
        isProvisional && styles.markProvisional,
      )}
    >
      {response === "BASELINE" ? "BL" : response}
    </span>
  );
}
