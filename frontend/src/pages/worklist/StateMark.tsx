import { CircleAlert, CircleCheck, CircleDashed, CircleDot, Clock, Eye, type LucideIcon } from "lucide-react";

import type { SegmentationState } from "../../api/records";
import { useTranslate } from "../../lib/messages";
import { ProgressLine } from "../../ui/ProgressLine";
import styles from "./Worklist.module.css";

const marks: Readonly<Record<SegmentationState, { icon: LucideIcon; tone: string | undefined }>> = {
  none: { icon: CircleDashed, tone: styles.idle },
  queued: { icon: Clock, tone: styles.idle },
  running: { icon: CircleDot, tone: styles.running },
  segmented: { icon: CircleCheck, tone: styles.good },
  needs_eyes: { icon: Eye, tone: styles.eyes },
  failed: { icon: CircleAlert, tone: styles.failed },
};

/** States whose words have their mark's tone. */
const LOUD: ReadonlySet<SegmentationState> = new Set(["none", "needs_eyes", "failed"]);

interface StateMarkProps {
  readonly state: SegmentationState;
  /** Share of the running job that is done, 0 to 1. */
  readonly progress?: number;
}

/** What the machines have done with a study: mark and word, a bar while they work. */
export function StateMark({ state, progress = 0 }: StateMarkProps) {
  const t = useTranslate();
  const { icon: Icon, tone } = marks[state];
  const words = t(`segmentation_state.${state}`);
  return (
    <span className={styles.state}>
      <Icon size={14} aria-hidden className={tone} />
      {state === "running" ? (
        <>
          <span className={styles.bar}>
            <ProgressLine label={words} share={progress} />
          </span>
          <span>{`${String(Math.round(progress * 100))} %`}</span>
        </>
      ) : (
        <span className={LOUD.has(state) ? tone : undefined}>{words}</span>
      )}
    </span>
  );
}
