import { ExternalLink, RotateCw, Trash2, X } from "lucide-react";
import { memo } from "react";
import { useNavigate } from "react-router";

import { cancelUploadAct } from "../../actions/cancel_upload";
import { removeUploadAct } from "../../actions/remove_upload";
import { retryUploadAct } from "../../actions/retry_upload";
import { formatBytes } from "../../lib/bytes";
import { useLocale, useTranslate } from "../../lib/messages";
import type { UploadItem } from "../../state/upload_queue";
import { Button, IconButton } from "../../ui/Button";
import { classes } from "../../ui/classes";
import { notify } from "../../ui/notice_queue";
import { ProgressLine } from "../../ui/ProgressLine";
import { sentenceOf } from "../../ui/States";
import { describeItem } from "./upload_words";
import styles from "./Uploads.module.css";

interface UploadRowProps {
  readonly item: UploadItem;
  readonly onDetails: (item: UploadItem) => void;
}

function RowActs({ item, onDetails }: UploadRowProps) {
  const t = useTranslate();
  const navigate = useNavigate();
  const [studyId] = item.studyIds;
  const retry = async () => {
    try {
      await retryUploadAct.run(item);
    } catch (error) {
      notify(sentenceOf(error, t), "danger");
    }
  };
  return (
    <div className={styles.rowActs}>
      {item.phase === "needs_details" ? (
        <Button onPress={() => onDetails(item)}>{t("uploads.give_details")}</Button>
      ) : null}
      {studyId ? (
        <IconButton
          icon={ExternalLink}
          label={t("uploads.open_study")}
          onPress={() => void navigate(`/studies/${studyId}`)}
        />
      ) : null}
      {retryUploadAct.can(item) ? (
        <IconButton icon={RotateCw} label={t("uploads.retry")} onPress={() => void retry()} />
      ) : null}
      {removeUploadAct.can(item) ? (
        <IconButton icon={Trash2} label={t("uploads.remove")} onPress={() => void removeUploadAct.run(item)} />
      ) : null}
      {cancelUploadAct.can(item) ? (
        <IconButton icon={X} label={t("uploads.cancel")} onPress={() => void cancelUploadAct.run(item)} />
      ) : null}
    </div>
  );
}

/** What was left out of a file that was otherwise taken, in one line; all of it on hover. */
function problemsInWords(item: UploadItem, words: string, count: string): { text: string; full: string } {
  const isSaid = item.problems.length === 1 && item.problems[0]?.reason === words;
  if (item.problems.length === 0 || isSaid) return { text: words, full: words };
  const lines = item.problems.map((problem) => `${problem.path}: ${problem.reason}`);
  return { text: `${words.replace(/\.$/, "")}. ${count}: ${lines[0] ?? ""}`, full: [words, ...lines].join("\n") };
}

function share(item: UploadItem): number | undefined {
  if (item.phase === "received") return undefined;
  return item.sizeBytes === 0 ? 1 : item.sentBytes / item.sizeBytes;
}

const DONE = new Set(["ingested", "duplicate", "needs_details"]);

/** One file; drawn again only when it moved. */
export const UploadRow = memo(function UploadRow({ item, onDetails }: UploadRowProps) {
  const t = useTranslate();
  const locale = useLocale();
  const isFailed = item.phase === "failed";
  const count = t("uploads.problems", { count: item.problems.length });
  const { text, full } = problemsInWords(item, describeItem(item, t), count);
  const known = share(item);
  return (
    <>
      <span className={styles.path} title={item.path}>
        {item.path}
      </span>
      <span className={styles.size}>{formatBytes(item.sizeBytes, locale)}</span>
      <ProgressLine
        label={item.name}
        tone={isFailed ? "failed" : DONE.has(item.phase) ? "done" : "running"}
        {...(known === undefined ? {} : { share: known })}
      />
      <span
        className={classes(
          styles.words,
          isFailed && styles.failed,
          (item.phase === "needs_details" || item.problems.length > 0) && !isFailed && styles.asks,
        )}
        title={full}
      >
        {text}
      </span>
      <RowActs item={item} onDetails={onDetails} />
    </>
  );
});
