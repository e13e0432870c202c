import { useState } from "react";
import { Link } from "react-router";

import { cropAddress, readingAddress } from "../../api/priors";
import { formatDate } from "../../lib/dates";
import { useLocale, useTranslate } from "../../lib/messages";
import type { Vector3 } from "../../lib/vectors";
import styles from "./Filmstrip.module.css";

export interface FilmstripItem {
  readonly seriesId: string;
  readonly studyId: string;
  /** ISO; null where the study has none. */
  readonly date: string | null;
  /** Where the lesion lies in this series, patient LPS mm. */
  readonly at: Vector3;
  /** Whether the lesion is marked on this date. */
  readonly isMarked: boolean;
}

export interface FilmstripProps {
  readonly items: readonly FilmstripItem[];
  /** Of the plane that every picture shows; axial unless stated. */
  readonly normal?: Vector3;
  readonly sizeMm?: number;
}

/** One lesion on each date: the same place, plane and size, each a way into its images. */
export function Filmstrip({ items, normal = [0, 0, 1], sizeMm = 60 }: FilmstripProps) {
  const t = useTranslate();
  return (
    <ol className={styles.strip} aria-label={t("filmstrip.label")}>
      {items.map((item) => (
        <Picture key={`${item.seriesId} ${item.at.join()}`} item={item} normal={normal} sizeMm={sizeMm} />
      ))}
    </ol>
  );
}

interface PictureProps {
  readonly item: FilmstripItem;
  readonly normal: Vector3;
  readonly sizeMm: number;
}

function Picture({ item, normal, sizeMm }: PictureProps) {
  const t = useTranslate();
  const locale = useLocale();
  const [hasFailed, setHasFailed] = useState(false);
  const date = item.date ? formatDate(item.date, locale) : t("filmstrip.undated");
  const label = t("filmstrip.open", { date });
  return (
    <li className={styles.frame}>
      <Link
        to={readingAddress(item.studyId, item.seriesId, item.at)}
        className={styles.link ?? ""}
        aria-label={item.isMarked ? label : `${label} (${t("filmstrip.unmarked")})`}
        data-marked={item.isMarked || undefined}
      >
        {hasFailed ? (
          <span className={styles.none}>{t("filmstrip.no_picture")}</span>
        ) : (
          <img
            src={cropAddress(item.seriesId, item.at, normal, sizeMm)}
            alt=""
            width={96}
            height={96}
            loading="lazy"
            onError={() => setHasFailed(true)}
          />
        )}
        <span className={styles.date}>{date}</span>
        <span className={styles.mark}>{item.isMarked ? "" : t("filmstrip.unmarked")}</span>
      </Link>
    </li>
  );
}
