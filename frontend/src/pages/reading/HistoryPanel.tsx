import { useState } from "react";

import { formatMoment, formatSince } from "../../lib/dates";
import { useLocale, useTranslate } from "../../lib/messages";
import type { Revision, Segmentation } from "../../state/records";
import { EmptyState } from "../../ui/States";
import styles from "./SidePanel.module.css";
import { sourceOf, volumeText } from "./source";
import { useReadingSession, useReadingState } from "./session_context";

/** Every label map of the series and its revisions: who, when, on which base. Older ones open to be looked at. */
export function HistoryPanel() {
  const t = useTranslate();
  const { segmentations } = useReadingState();
  if (!segmentations || segmentations.length === 0)
    return <EmptyState title={t("reading.no_history_title")} sentence={t("reading.no_history")} />;
  const newestFirst = [...segmentations].sort((a, b) => b.created_at.localeCompare(a.created_at));
  return (
    <>
      {newestFirst.map((segmentation) => (
        <SegmentationHistory key={segmentation.id} segmentation={segmentation} />
      ))}
    </>
  );
}

function SegmentationHistory({ segmentation }: { readonly segmentation: Segmentation }) {
  const revisions = [...segmentation.revisions].sort((a, b) => b.number - a.number);
  return (
    <section className={styles.history}>
      <h2>{segmentation.name}</h2>
      <ol>
        {revisions.map((revision, index) => (
          <RevisionLine
            key={revision.id}
            revision={revision}
            isLatest={index === 0}
            base={revisions.find((one) => one.id === revision.base_id)}
          />
        ))}
      </ol>
    </section>
  );
}

interface LineProps {
  readonly revision: Revision;
  readonly isLatest: boolean;
  readonly base: Revision | undefined;
}

function RevisionLine({ revision, isLatest, base }: LineProps) {
  const t = useTranslate();
  const locale = useLocale();
  const session = useReadingSession();
  const { shown } = useReadingState();
  const [now] = useState(() => Date.now());
  const isShown = shown.kind === "revision" && shown.revision.id === revision.id;
  const volumeMl = revision.segments.reduce((sum, segment) => sum + (segment.volume_ml ?? 0), 0);
  const isMeasured = revision.segments.some((segment) => segment.volume_ml !== null);
  return (
    <li>
      <button
        type="button"
        className={styles.revision}
        aria-current={isShown || undefined}
        onClick={() => {
          if (!isShown) void session.labels.show(revision);
        }}
      >
        <span className={styles.revisionHead}>
          <span>{t("reading.revision", { number: revision.number })}</span>
          {isLatest ? <span className={styles.latest}>{t("reading.latest")}</span> : null}
          {isMeasured ? <span className={styles.volume}>{volumeText(volumeMl)}</span> : null}
        </span>
        <span className={styles.quietLine}>
          {sourceOf(revision, t)} ·{" "}
          <time dateTime={revision.created_at} title={formatMoment(revision.created_at, locale)}>
            {formatSince(revision.created_at, now, locale)}
          </time>
          {base ? ` · ${t("reading.based_on", { number: base.number })}` : ""}
        </span>
      </button>
    </li>
  );
}
