import { ChevronLeft, ChevronRight } from "lucide-react";

import type { WorklistPage } from "../../api/records";
import { useTranslate } from "../../lib/messages";
import { useStore } from "../../lib/store";
import { PAGE_SIZE } from "../../state/worklist_filters";
import { Button, IconButton } from "../../ui/Button";
import { classes } from "../../ui/classes";
import { connectionStore } from "../shell/use_worklist_socket";
import styles from "./Worklist.module.css";

/** How much there is: of very many studies the server says how many there are at least. */
type Extent = Pick<WorklistPage, "count" | "is_count_exact" | "has_next">;

interface FootProps {
  /** Undefined while the server has not said. */
  readonly answer: Extent | undefined;
  readonly page: number;
  readonly onPage: (page: number) => void;
  readonly hasChanged: boolean;
  readonly onShowChanges: () => void;
  readonly onKeys: () => void;
  readonly canDrop: boolean;
}

/** Whether changes by others arrive at once. */
function Lamp() {
  const t = useTranslate();
  const state = useStore(connectionStore, (current) => current);
  const isOpen = state === "open";
  const isWaiting = state === "waiting" || state === "refused";
  const words = isOpen ? "state.connected" : isWaiting ? "state.offline_short" : "state.connecting";
  return (
    <span
      role="status"
      className={classes(styles.lamp, isOpen && styles.lampOpen, isWaiting && styles.lampWaiting)}
      title={t(isOpen ? "state.connected_hint" : "state.offline_hint")}
    >
      {t(words)}
    </span>
  );
}

/** How many studies there are, and the way to the others. */
function Pages({ answer, page, onPage }: { readonly answer: Extent } & Pick<FootProps, "page" | "onPage">) {
  const t = useTranslate();
  const { count, is_count_exact: isExact, has_next: hasNext } = answer;
  const from = (page - 1) * PAGE_SIZE + 1;
  const to = Math.min(page * PAGE_SIZE, count);
  if (page === 1 && !hasNext) return <span role="status">{t("worklist.count", { count })}</span>;
  return (
    <>
      <span role="status">{t(isExact ? "worklist.range" : "worklist.range_of_more", { from, to, count })}</span>
      <nav className={styles.pages} aria-label={t("worklist.pages")}>
        <IconButton
          icon={ChevronLeft}
          label={t("worklist.previous_page")}
          isDisabled={page <= 1}
          onPress={() => onPage(page - 1)}
        />
        <IconButton
          icon={ChevronRight}
          label={t("worklist.next_page")}
          isDisabled={!hasNext}
          onPress={() => onPage(page + 1)}
        />
      </nav>
    </>
  );
}

export function Foot({ answer, page, onPage, hasChanged, onShowChanges, onKeys, canDrop }: FootProps) {
  const t = useTranslate();
  return (
    <div className={styles.foot}>
      {answer ? <Pages answer={answer} page={page} onPage={onPage} /> : null}
      {hasChanged ? (
        <span className={styles.changed} role="status">
          {t("worklist.changed")}
          <Button shortcut="r" onPress={onShowChanges}>
            {t("worklist.show_changes")}
          </Button>
        </span>
      ) : null}
      <div className={styles.right}>
        {canDrop ? <span>{t("worklist.drop_hint")}</span> : null}
        <Lamp />
        <Button variant="quiet" shortcut="?" onPress={onKeys}>
          {t("nav.keys")}
        </Button>
      </div>
    </div>
  );
}
