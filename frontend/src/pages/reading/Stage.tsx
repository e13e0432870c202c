import { useEffect, useRef } from "react";

import type { ReadingSession } from "../../actions/reading/session";
import { useTranslate } from "../../lib/messages";
import { PLANE_IDS, planeOf, type Plane, type PlaneId } from "../../state/planes";
import { lockedSegment, type ReadingState } from "../../state/reading";
import type { SeriesBrief } from "../../state/records";
import { ErrorState } from "../../ui/States";
import { ProgressLine } from "../../ui/ProgressLine";
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
  const planes: readonly PlaneId[] = state.layout === "all" ? PLANE_IDS : [state.layout];
  return (
    <section className={styles.stage} aria-label={t("reading.images")} aria-busy={images.status === "opening"}>
      <div className={state.layout === "all" ? styles.all : styles.one}>
        {planes.map((plane) => (
          <Pane key={plane} plane={plane} state={state} />
        ))}
      </div>
      <StageNotes series={series} state={state} />
    </section>
  );
}

/** What has to be said about the images, over them but out of their way. */
function StageNotes({ series, state }: { readonly series: SeriesBrief; readonly state: ReadingState }) {
  const t = useTranslate();
  const notes: string[] = [];
  if (state.images.status !== "opening" && !series.is_volume && series.geometry_explanation)
    notes.push(series.geometry_explanation);
  if (state.images.status === "failed") notes.push(t("reading.images_incomplete"));
  if (state.isOutdated) notes.push(t("reading.images_outdated"));
  const locked = lockedSegment(state);
  if (locked) notes.push(t("reading.locked_hint", { segment: locked.label }));
  if (state.picking) notes.push(t("reading.pick_point_hint"));
  if (notes.length === 0) return null;
  return (
    <div className={styles.notes} role="status">
      {notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
    </div>
  );
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
    <figure className={styles.pane}>
      <Canvas plane={plane} name={name} />
      <figcaption className={styles.caption}>
        <span>{name}</span>
        <Position index={state.cursor[described?.through ?? 0]} count={described?.count ?? state.frameCount} />
      </figcaption>
    </figure>
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

function Canvas({ plane, name }: { readonly plane: PlaneId; readonly name: string }) {
  const t = useTranslate();
  const session = useReadingSession();
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!element.current || !session.viewer) return undefined;
    return session.viewer.attach(element.current, plane);
  }, [session, plane]);
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
