import { Link } from "react-router";

import type { StudyBrief } from "../../api/records";
import { dayNumber, formatDate } from "../../lib/dates";
import { useLocale, useTranslate } from "../../lib/messages";
import { classes } from "../../ui/classes";
import { StateMark } from "../worklist/StateMark";
import styles from "./Patient.module.css";

interface StudyListProps {
  /** Newest first, as the server lists them. */
  readonly studies: readonly StudyBrief[];
  readonly litId: string | undefined;
  readonly onLight: (id: string | undefined) => void;
}

/** Days since the study before, for each study that has a date. */
function intervalsOf(studies: readonly StudyBrief[]): ReadonlyMap<string, number | undefined> {
  const dated = studies
    .flatMap((study) => (study.study_date ? [{ id: study.id, day: dayNumber(study.study_date) }] : []))
    .sort((one, other) => one.day - other.day);
  return new Map(
    dated.map(({ id, day }, index) => {
      const before = dated[index - 1];
      return [id, before ? day - before.day : undefined];
    }),
  );
}

interface StudyLineProps {
  readonly study: StudyBrief;
  readonly interval: string;
  readonly isLit: boolean;
  readonly onLight: (id: string | undefined) => void;
}

function StudyLine({ study, interval, isLit, onLight }: StudyLineProps) {
  const t = useTranslate();
  const locale = useLocale();
  const count = study.segmentation_count;
  return (
    <tr
      className={classes(styles.row, isLit && styles.litRow)}
      onMouseEnter={() => onLight(study.id)}
      onMouseLeave={() => onLight(undefined)}
    >
      <td>
        <Link to={`/studies/${study.id}`} className={styles.link ?? ""}>
          {study.study_date ? formatDate(study.study_date, locale) : t("time.unknown")}
        </Link>
      </td>
      <td className={styles.number}>{interval}</td>
      <td>{study.modalities.join(" ")}</td>
      <td>{study.study_description || t("worklist.unnamed_study")}</td>
      <td>
        {t("worklist.series_count", { count: study.series_count })},{" "}
        {t("worklist.image_count", { count: study.instance_count })}
      </td>
      <td>
        {count > 0 ? t("worklist.segmentation_count", { count }) : <StateMark state={study.segmentation_state} />}
      </td>
    </tr>
  );
}

export function StudyList({ studies, litId, onLight }: StudyListProps) {
  const t = useTranslate();
  const intervals = intervalsOf(studies);
  const intervalInWords = (id: string): string => {
    if (!intervals.has(id)) return "";
    const days = intervals.get(id);
    return days === undefined ? t("patient.interval_first") : t("patient.interval_days", { count: days });
  };
  return (
    <div className={styles.scroller}>
      <table className={styles.table} aria-label={t("patient.studies")}>
        <thead>
          <tr>
            <th scope="col">{t("worklist.column_date")}</th>
            <th scope="col" className={styles.number}>
              {t("patient.column_interval")}
            </th>
            <th scope="col">{t("worklist.column_modality")}</th>
            <th scope="col">{t("worklist.column_study")}</th>
            <th scope="col">{t("worklist.column_images")}</th>
            <th scope="col">{t("worklist.column_segmentation")}</th>
          </tr>
        </thead>
        <tbody>
          {studies.map((study) => (
            <StudyLine
              key={study.id}
              study={study}
              interval={intervalInWords(study.id)}
              isLit={study.id === litId}
              onLight={onLight}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}
