import { CircleCheck, CircleHelp, CircleX } from "lucide-react";

import { type PlainMessageKey, useTranslate } from "../../lib/messages";
import { classes } from "../../ui/classes";
import styles from "./Evaluations.module.css";

interface Mark {
  readonly Icon: typeof CircleCheck;
  readonly words: PlainMessageKey;
  readonly tone: string | undefined;
}

const MARKS: Readonly<Record<string, Mark>> = {
  accepted: { Icon: CircleCheck, words: "evaluations.verdict_accepted", tone: styles.accepted },
  not_accepted: { Icon: CircleX, words: "evaluations.verdict_not_accepted", tone: styles.refused },
  cannot_tell: { Icon: CircleHelp, words: "evaluations.verdict_cannot_tell", tone: styles.caution },
};

/** A verdict as a sign and a word: colour never stands alone. */
export function VerdictMark({ verdict }: { readonly verdict: string }) {
  const t = useTranslate();
  const mark = MARKS[verdict];
  if (!mark) return null;
  return (
    <span className={classes(styles.verdict, mark.tone)}>
      <mark.Icon size={14} aria-hidden />
      {t(mark.words)}
    </span>
  );
}
