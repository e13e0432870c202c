import { useEffect, useRef } from "react";

import type { ReadingSession } from "../../actions/reading/session";
import { formatDate } from "../../lib/dates";
import { useLocale, useTranslate, type Translate } from "../../lib/messages";
import type { CompareState } from "../../state/compare";
import { PLANE_IDS, planeOf, type Plane, type PlaneId } from "../../state/planes";
import { lockedSegment, type ReadingState } from "../../state/reading";
import type { SeriesBrief } from "../../state/records";
import { ErrorState, sentenceOf } from "../../ui/States";
import { ProgressLine } from "../../ui/ProgressLine";
import type { Viewer } from "../../viewer/viewer";
import { CompareBar } from "./CompareBar";
import { useReadingSession, useWholeReading } from "./session_context";
import styles from "./Stage.module.css";

/** The images. */
export function Stage({ series }: { readonly series: SeriesBrief }) {
  const t = useTranslate();
  const session = useReadingSession();
  const state = useWholeReading();
  const { images } = state;
  if (images.status === "failed" && !session.viewer)
    return (
      <section className={styles.stage} aria-label={t("reading.images")}>
        <ErrorState error={images.error} onRetry={() => void session.open()} />
      </section>
    );
  return (
    <section className={styles.stage} aria-label={t("reading.images")} aria-busy={images.status === "opening"}>
      {state.compare ? <CompareBar compare={state.compare} /> : null}
      <Panes state={state} />
      <StageNotes series={series} state={state} />
    </section>
  );
}

function Panes({ state }: { readonly state: ReadingState }) {
  const session = useReadingSession();
  const { compare, layout } = state;
  if (!compare) {
    const planes: readonly PlaneId[] = layout === "all" ? PLANE_IDS : [layout];
    return (
      <div className={layout === "all" ? styles.all : styles.one}>
        {planes.map((plane) => (
          <Pane key={plane} plane={plane} state={state} />
        ))}
      </div>
    );
  }
  const { plane } = session.compare;
  return (
    <div className={compare.mode === "side" ? styles.pair : styles.one}>
      {compare.mode === "side" ? <PriorPane compare={compare} /> : null}
      <Pane key={plane} plane={plane} state={state} />
    </div>
  );
}

/** What has to be said about the images, over them but out of their way. */
function StageNotes({ series, state }: { readonly series: SeriesBrief; readonly state: ReadingState }) {
  const t = useTranslate();
  const notes: string[] = [];
  const explanation = geometryNote(series, state);
  if (explanation) notes.push(explanation);
  if (state.images.status === "failed") notes.push(t("reading.images_incomplete"));
  if (state.isOutdated) notes.push(t("reading.images_outdated"));
  const locked = lockedSegment(state);
  if (locked) notes.push(t("reading.locked_hint", { segment: locked.label }));
  if (state.picking) notes.push(t("reading.pick_point_hint"));
  if (state.tool === "cut") notes.push(cutNote(state, t));
  if (notes.length === 0) return null;
  return (
    <div className={styles.notes} role="status">
      {notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
    </div>
  );
}

/** Why the images make no volume. The record says so from before they were asked for: what they make by now counts. */
function geometryNote(series: SeriesBrief, { images, hasVolume, isOutdated }: ReadingState): string {
  if (series.is_volume || images.status === "opening") return "";
  return hasVolume || isOutdated ? "" : series.geometry_explanation;
}

/** What to do with the line, or why it cut nothing. */
function cutNote({ cutProblem }: ReadingState, t: Translate): string {
  if (!cutProblem) return t("reading.cut_hint");
  if (cutProblem.kind === "locked") return t("reading.cut_locked", { segment: cutProblem.segment });
  return sentenceOf(cutProblem.error, t);
}

interface PaneProps {
  readonly plane: PlaneId;
  readonly state: ReadingState;
}

/** One plane, or what it waits for. */
function Pane({ plane, state }: PaneProps) {
  const t = useTranslate();
  const session = useReadingSession();
  const described = describePlane(session, plane);
  const name = described?.name ?? t("reading.image");
  if (!session.viewer || !canShow(plane, state))
    return (
      <figure className={styles.pane}>
        <Waiting name={name} share={state.images.share} status={state.images.status} />
      </figure>
    );
  return (
    <figure className={styles.pane} onPointerEnter={() => session.compare.lead("current")}>
      <Canvas viewer={session.viewer} plane={plane} name={name} />
      <figcaption className={styles.caption}>
        <PaneDate state={state} />
        <span>{name}</span>
        <Position index={state.cursor[described?.through ?? 0]} count={described?.count ?? state.frameCount} />
      </figcaption>
    </figure>
  );
}

/** Which date is on screen, while there is another. */
function PaneDate({ state: { compare } }: { readonly state: ReadingState }) {
  const t = useTranslate();
  const locale = useLocale();
  const { study } = useReadingSession();
  if (!compare) return null;
  const name = (date: string | null | undefined) => (date ? formatDate(date, locale) : t("compare.undated"));
  const prior = { date: name(compare.registration?.prior_study.study_date) };
  if (compare.mode === "difference")
    return <strong className={styles.other}>{t("compare.difference_of", prior)}</strong>;
  if (compare.mode === "flicker" && compare.showsPrior)
    return <strong className={styles.other}>{t("compare.flicker_prior", prior)}</strong>;
  return <strong>{t("compare.current_of", { date: name(study.study_date) })}</strong>;
}

/** The prior as it was acquired. */
function PriorPane({ compare }: { readonly compare: CompareState }) {
  const t = useTranslate();
  const locale = useLocale();
  const { compare: desk } = useReadingSession();
  const { viewer, priorPlane: plane } = desk;
  const date = compare.registration?.prior_study.study_date;
  const title = t("compare.prior_of", { date: date ? formatDate(date, locale) : t("compare.undated") });
  if (!viewer || !canShowPrior(compare, plane))
    return (
      <figure className={styles.pane}>
        {compare.images === "failed" ? null : <Waiting name={title} share={0} status="opening" />}
      </figure>
    );
  return (
    <figure className={styles.pane} onPointerEnter={() => desk.lead("prior")}>
      <Canvas key={`${compare.priorSeriesId} ${plane}`} viewer={viewer} plane={plane} name={title} />
      <PriorCaption title={title} viewer={viewer} plane={plane} compare={compare} />
    </figure>
  );
}

function canShowPrior({ images }: CompareState, plane: PlaneId): boolean {
  return plane === "acquired" ? images !== "failed" : images === "complete";
}

interface PriorCaptionProps {
  readonly title: string;
  readonly viewer: Viewer;
  readonly plane: PlaneId;
  readonly compare: CompareState;
}

function PriorCaption({ title, viewer, plane, compare }: PriorCaptionProps) {
  const t = useTranslate();
  const shown = viewer.grid && viewer.description.is_volume ? planeOf(viewer.grid, plane) : undefined;
  const count = shown?.count ?? viewer.description.frames.length;
  return (
    <figcaption className={styles.caption}>
      <strong className={styles.other}>{title}</strong>
      <span>{shown?.name}</span>
      <Position index={compare.cursor[shown?.through ?? 0]} count={count} />
      {compare.hasLabelsFailed ? <span role="status">{t("compare.labels_failed")}</span> : null}
    </figcaption>
  );
}

/** The plane by its place in the patient; undefined where the images are no volume. */
function describePlane(session: ReadingSession, plane: PlaneId): Plane | undefined {
  const grid = session.viewer?.grid;
  return grid && session.state.hasVolume ? planeOf(grid, plane) : undefined;
}

/** The acquired images show as they arrive; the planes across them need all. */
function canShow(plane: PlaneId, state: ReadingState): boolean {
  return plane === "acquired" || state.images.status === "complete";
}

function Position({ index, count }: { readonly index: number; readonly count: number }) {
  return count > 1 ? <span className={styles.count}>{`${String(index + 1)} / ${String(count)}`}</span> : null;
}

function Waiting({ name, share, status }: { name: string; share: number; status: ReadingState["images"]["status"] }) {
  const t = useTranslate();
  const label = status === "opening" ? t("reading.opening_images") : t("reading.building", { plane: name });
  return (
    <div className={styles.waiting}>
      <p>{label}</p>
      <div className={styles.waitingLine}>
        <ProgressLine label={label} {...(status === "streaming" ? { share } : {})} />
      </div>
    </div>
  );
}

interface CanvasProps {
  readonly viewer: Viewer;
  readonly plane: PlaneId;
  readonly name: string;
}

function Canvas({ viewer, plane, name }: CanvasProps) {
  const t = useTranslate();
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    return element.current ? viewer.attach(element.current, plane) : undefined;
  }, [viewer, plane]);
  return (
    <div
      ref={element}
      className={styles.canvas}
      data-plane={plane}
      role="img"
      aria-label={t("reading.image_label", { plane: name })}
      onContextMenu={(event) => event.preventDefault()}
    />
  );
}
