import { ChevronDown, ChevronUp } from "lucide-react";
import { useMemo } from "react";

import { cancelUploadAct } from "../../actions/cancel_upload";
import { clearUploadsAct } from "../../actions/clear_uploads";
import { retryUploadAct } from "../../actions/retry_upload";
import { formatBytes } from "../../lib/bytes";
import { type Locale, type Translate, useLocale, useTranslate } from "../../lib/messages";
import { totalsOf, type UploadItem, type UploadQueue, type UploadTotals } from "../../state/upload_queue";
import { Button } from "../../ui/Button";
import { ProgressLine } from "../../ui/ProgressLine";
import styles from "./Uploads.module.css";

interface UploadSummaryProps {
  readonly queue: UploadQueue;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
  readonly onDetails: (item: UploadItem) => void;
}

/** The sentences of the line, with how each is coloured. */
function sentencesOf(queue: UploadQueue, totals: UploadTotals, t: Translate, locale: Locale) {
  const { waiting, sending, received, ingested, duplicate, failed, needs_details } = totals.byPhase;
  const isSending = waiting + sending > 0;
  const sizes = { bytes: formatBytes(totals.sentBytes, locale), total: formatBytes(totals.bytes, locale) };
  const done = ingested + duplicate;
  const sentences = [
    {
      isSaid: isSending,
      text: t("uploads.sending", { done: totals.sentFiles, count: totals.files, ...sizes }),
      tone: "",
    },
    { isSaid: !isSending && received > 0, text: t("uploads.reading", { count: received }), tone: "" },
    { isSaid: !isSending && done > 0, text: t("uploads.finished", { count: done }), tone: "" },
    { isSaid: needs_details > 0, text: t("uploads.need_details", { count: needs_details }), tone: styles.asks },
    { isSaid: failed > 0, text: t("uploads.failed", { count: failed }), tone: styles.failed },
    { isSaid: queue.isPaused && isSending, text: t("uploads.paused"), tone: styles.asks },
  ];
  return sentences.filter((sentence) => sentence.isSaid);
}

function Counts({ queue }: { readonly queue: UploadQueue }) {
  const t = useTranslate();
  const locale = useLocale();
  const totals = useMemo(() => totalsOf(queue), [queue]);
  const { waiting, sending, received } = totals.byPhase;
  const isSending = waiting + sending > 0;
  return (
    <>
      <p className={styles.counts} role="status">
        {sentencesOf(queue, totals, t, locale).map(({ text, tone }) => (
          <span key={text} className={tone}>
            {text}
          </span>
        ))}
      </p>
      {isSending || received > 0 ? (
        <div className={styles.bar}>
          <ProgressLine
            label={t("uploads.region")}
            {...(isSending ? { share: totals.sentBytes / Math.max(1, totals.bytes) } : {})}
          />
        </div>
      ) : null}
    </>
  );
}

/** The strip's one line: how much in all, what failed, what asks for something. */
export function UploadSummary({ queue, isOpen, onToggle, onDetails }: UploadSummaryProps) {
  const t = useTranslate();
  const items = useMemo(() => [...queue.items.values()], [queue]);
  const cancellable = items.filter((item) => cancelUploadAct.can(item));
  const retryable = items.filter((item) => item.phase === "failed" && retryUploadAct.can(item));
  const asking = items.find((item) => item.phase === "needs_details");
  return (
    <div className={styles.line}>
      <Counts queue={queue} />
      <div className={styles.acts}>
        {asking ? (
          <Button variant="primary" onPress={() => onDetails(asking)}>
            {t("uploads.give_details")}
          </Button>
        ) : null}
        {retryable.length > 1 ? (
          <Button onPress={() => retryable.forEach((item) => void retryUploadAct.run(item))}>
            {t("uploads.retry_all")}
          </Button>
        ) : null}
        {cancellable.length > 0 ? (
          <Button variant="quiet" onPress={() => cancellable.forEach((item) => void cancelUploadAct.run(item))}>
            {t("uploads.cancel_all")}
          </Button>
        ) : null}
        {cancellable.length === 0 && clearUploadsAct.can(items) ? (
          <Button variant="quiet" onPress={() => void clearUploadsAct.run(items)}>
            {t("uploads.clear")}
          </Button>
        ) : null}
        <Button icon={isOpen ? ChevronDown : ChevronUp} aria-expanded={isOpen} onPress={onToggle}>
          {t(isOpen ? "uploads.hide_files" : "uploads.show_files")}
        </Button>
      </div>
    </div>
  );
}
