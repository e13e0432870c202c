import { X } from "lucide-react";

import { useTranslate } from "../lib/messages";
import { useStore } from "../lib/store";
import { IconButton } from "./Button";
import { classes } from "./classes";
import { dismissNotice, noticeStore } from "./notice_queue";
import styles from "./Notices.module.css";

const selectAll = <State,>(state: State): State => state;

/** Where notices stand until they are dismissed. */
export function Notices() {
  const t = useTranslate();
  const notices = useStore(noticeStore, selectAll);
  return (
    <section aria-label={t("notice.region")} aria-live="polite" className={styles.region}>
      {notices.map((notice) => (
        <div key={notice.id} className={classes(styles.notice, notice.tone === "danger" && styles.danger)}>
          <p className={styles.text}>{notice.text}</p>
          <IconButton icon={X} label={t("notice.dismiss")} onPress={() => dismissNotice(notice.id)} />
        </div>
      ))}
    </section>
  );
}
