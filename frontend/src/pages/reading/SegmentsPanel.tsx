import { Download, Eye, EyeOff, LockKeyhole, LockKeyholeOpen, Plus } from "lucide-react";

import { exportAddress } from "../../api/reading";
import { acceptSegmentationAct } from "../../actions/reading/accept_segmentation";
import { startSegmentationAct } from "../../actions/reading/start_segmentation";
import { perform } from "../../actions/reading/reading_acts";
import { useTranslate, type Translate } from "../../lib/messages";
import { canHoldLesions } from "../../state/lesions";
import { type ReadingState, type SegmentRow, shownSegmentation } from "../../state/reading";
import type { Revision } from "../../state/records";
import { Button, ToggleIconButton } from "../../ui/Button";
import { Slider } from "../../ui/Slider";
import { LoadingState, sentenceOf } from "../../ui/States";
import { CourseLine } from "./CourseLine";
import { GateNotice } from "./GateNotice";
import { ExplanationPanel } from "./ExplanationPanel";
import { HeatLegend } from "./HeatLegend";
import { LesionList, MeasuredLine } from "./LesionList";
import { SegmentFigures } from "./SegmentFigures";
import styles from "./SidePanel.module.css";
import { sourceOf, volumeText } from "./source";
import { useReadingSession, useReadingState } from "./session_context";

/** What is drawn on the images: colour, name, volume, eye, lock, and where it comes from. */
export function SegmentsPanel() {
  const t = useTranslate();
  const session = useReadingSession();
  const state = useReadingState();
  const { shown } = state;
  if (!state.hasGrid && state.images.status !== "opening") return <p className={styles.note}>{t("reading.no_grid")}</p>;
  return (
    <>
      {state.shownError ? (
        <p className={styles.problem} role="alert">
          {sentenceOf(state.shownError, t)}
        </p>
      ) : null}
      {shown.kind === "loading" ? <LoadingState label={t("reading.loading_labels")} /> : null}
      {shown.kind === "nothing" && !state.shownError ? <p className={styles.note}>{t("reading.no_labels")}</p> : null}
      {shown.kind === "live" || shown.kind === "revision" ? <Segments state={state} /> : null}
      {state.canEdit ? (
        <Button
          icon={Plus}
          isDisabled={!startSegmentationAct.can(session)}
          onPress={() => perform(startSegmentationAct, session)}
        >
          {t("reading.start_segmentation")}
        </Button>
      ) : null}
    </>
  );
}

function Segments({ state }: { readonly state: ReadingState }) {
  const t = useTranslate();
  const session = useReadingSession();
  const { shown, overlay } = state;
  const isProvisional = shown.kind === "live" || (state.save.kind !== "clean" && state.save.kind !== "saved");
  return (
    <>
      <p className={styles.source}>{sourceLine(state, t)}</p>
      <GateOfShown state={state} />
      <CourseLine state={state} />
      <MeasuredLine state={state} />
      <ul className={styles.segments} aria-label={t("reading.panel_segments")}>
        {state.segments.map((segment) => (
          <SegmentLine key={segment.number} segment={segment} state={state} isProvisional={isProvisional} />
        ))}
      </ul>
      <Slider
        label={t("reading.opacity")}
        value={overlay.opacity}
        minimum={0}
        maximum={1}
        step={0.05}
        formatOptions={{ style: "percent" }}
        isDisabled={!overlay.isFilled}
        onChange={(opacity) => session.set({ overlay: { ...overlay, opacity } })}
      />
      <HeatLegend state={state} />
      <ExplanationPanel state={state} />
      {shown.kind === "revision" ? <Exports revision={shown.revision} /> : null}
    </>
  );
}

/** What the quality gate said of the run that the label map on screen began with. */
function GateOfShown({ state }: { readonly state: ReadingState }) {
  const session = useReadingSession();
  const segmentation = shownSegmentation(state);
  if (!segmentation) return null;
  const onAccept = acceptSegmentationAct.can(session) ? () => perform(acceptSegmentationAct, session) : undefined;
  return <GateNotice gate={segmentation.gate} segmentation={segmentation} onAccept={onAccept} />;
}

function sourceLine(state: ReadingState, t: Translate): string {
  const { shown, job } = state;
  if (shown.kind === "live") return t("reading.source_live", { model: job?.model_title ?? "" });
  if (shown.kind !== "revision") return "";
  const name = state.segmentations?.find((one) => one.id === shown.revision.segmentation_id)?.name ?? "";
  const line = t("reading.source_revision", {
    name,
    number: shown.revision.number,
    source: sourceOf(shown.revision, t),
  });
  return shown.isLatest ? line : `${line}. ${t("reading.not_latest")}`;
}

interface LineProps {
  readonly segment: SegmentRow;
  readonly state: ReadingState;
  readonly isProvisional: boolean;
}

function SegmentLine({ segment, state, isProvisional }: LineProps) {
  const t = useTranslate();
  const session = useReadingSession();
  const change = (part: Partial<Pick<SegmentRow, "isVisible" | "isLocked">>) =>
    session.store.dispatch({ type: "segment.changed", number: segment.number, part });
  const isActive = state.activeSegment === segment.number;
  const { label } = segment;
  return (
    <li>
      <div
        className={styles.segment}
        data-active={isActive || undefined}
        data-empty={segment.volumeMl === 0 || undefined}
      >
        <button
          type="button"
          className={styles.choose}
          aria-pressed={isActive}
          title={t("reading.draw_with", { segment: label })}
          onClick={() => session.set({ activeSegment: segment.number })}
        >
          <span className={styles.swatch} style={{ background: segment.colour }} aria-hidden />
          <span className={styles.label}>{label}</span>
          <span className={isProvisional ? styles.provisional : styles.volume}>{volumeText(segment.volumeMl)}</span>
        </button>
        <ToggleIconButton
          icon={segment.isVisible ? Eye : EyeOff}
          label={t(segment.isVisible ? "reading.hide_segment" : "reading.show_segment", { segment: label })}
          isSelected={!segment.isVisible}
          onChange={() => change({ isVisible: !segment.isVisible })}
        />
        <ToggleIconButton
          icon={segment.isLocked ? LockKeyhole : LockKeyholeOpen}
          label={t(segment.isLocked ? "reading.unlock_segment" : "reading.lock_segment", { segment: label })}
          isSelected={segment.isLocked}
          isDisabled={!state.canEdit}
          onChange={() => change({ isLocked: !segment.isLocked })}
        />
      </div>
      {isProvisional ? null : <Measured segment={segment} state={state} />}
    </li>
  );
}

/** The numbers of a segment and of its parts. */
function Measured({ segment, state }: Pick<LineProps, "segment" | "state">) {
  const { shown } = state;
  if (shown.kind !== "revision") return null;
  return (
    <>
      <SegmentFigures segment={segment} revisionId={shown.revision.id} />
      {canHoldLesions(shown.revision, segment.number) ? <LesionList segment={segment} state={state} /> : null}
    </>
  );
}

function Exports({ revision }: { readonly revision: Revision }) {
  const t = useTranslate();
  return (
    <p className={styles.exports}>
      <Download size={14} aria-hidden />
      <span>{t("reading.export")}</span>
      <a href={exportAddress(revision.id, "dicom-seg")} download>
        DICOM SEG
      </a>
      <a href={exportAddress(revision.id, "nifti")} download>
        NIfTI
      </a>
    </p>
  );
}
