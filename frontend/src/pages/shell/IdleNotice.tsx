import { Clock } from "lucide-react";

import { fetchSession } from "../../api/session";
import { useTranslate } from "../../lib/messages";
import { Button } from "../../ui/Button";
import styles from "./IdleNotice.module.css";
import { useIdleClock } from "./use_idle_clock";

/** A quiet countdown before the automatic sign-out; any movement stops it. */
export function IdleNotice({ timeoutS }: { readonly timeoutS: number }) {
  const t = useTranslate();
  const { isWarning, secondsLeft } = useIdleClock(timeoutS);
  if (!isWarning) return null;
  return (
    <div className={styles.notice} role="alert">
      <Clock size={16} aria-hidden />
      {/* Read aloud once, not every second. */}
      <span className="visually-hidden">{t("idle.title")}</span>
      <span aria-hidden>{t("idle.countdown", { count: secondsLeft })}</span>
      <Button onPress={() => void fetchSession({ isBackground: false })}>{t("idle.stay")}</Button>
    </div>
  );
}
