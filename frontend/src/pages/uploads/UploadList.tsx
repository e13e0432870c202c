import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef } from "react";

import { useTranslate } from "../../lib/messages";
import { sortedItems, type UploadItem, type UploadQueue } from "../../state/upload_queue";
import { UploadRow } from "./UploadRow";
import styles from "./Uploads.module.css";

const ROW_PX = 32;

interface UploadListProps {
  readonly queue: UploadQueue;
  readonly onDetails: (item: UploadItem) => void;
}

/** Every file of the queue; only those in sight are drawn, so thousands scroll like ten. */
export function UploadList({ queue, onDetails }: UploadListProps) {
  const t = useTranslate();
  const scroller = useRef<HTMLDivElement>(null);
  const items = useMemo(() => sortedItems(queue), [queue]);
  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualiser's functions stay in this component
  const virtualizer = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 6,
  });
  return (
    // Keyboard users scroll it, so it takes the focus.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div ref={scroller} className={styles.list} tabIndex={0} role="group" aria-label={t("uploads.region")}>
      <ul className={styles.sheet} style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map((row) => {
          const item = items[row.index];
          return item ? (
            <li
              key={item.key}
              className={styles.row}
              style={{ height: row.size, transform: `translateY(${String(row.start)}px)` }}
              aria-posinset={row.index + 1}
              aria-setsize={items.length}
            >
              <UploadRow item={item} onDetails={onDetails} />
            </li>
          ) : null;
        })}
      </ul>
    </div>
  );
}
