import { useQuery } from "@tanstack/react-query";

import { fetchStudiesOf } from "../../api/priors";
import { formatDate } from "../../lib/dates";
import { useLocale, useTranslate } from "../../lib/messages";
import type { Study } from "../../state/records";
import { Select } from "../../ui/Select";
import styles from "./TopBar.module.css";
import { useReadingSession, useReadingState } from "./session_context";

const NONE = "none";

/** The patient's other dates; the series most like the current one opens beside it. */
export function CompareSelect({ study }: { readonly study: Study }) {
  const t = useTranslate();
  const locale = useLocale();
  const session = useReadingSession();
  const { compare } = useReadingState();
  const patientId = study.patient.id;
  const query = useQuery({ queryKey: ["studies-of", patientId], queryFn: () => fetchStudiesOf(patientId) });
  const others = (query.data ?? []).filter((one) => one.id !== study.id && one.series_count > 0);
  if (others.length === 0) return null;
  const choices = others.map((one) => ({
    value: one.id,
    label: t("compare.study_choice", {
      date: one.study_date ? formatDate(one.study_date, locale) : t("compare.undated"),
      description: one.study_description || one.modalities.join(", "),
    }),
  }));
  const shown = compare?.registration?.prior_study.id ?? NONE;
  return (
    <div className={styles.compare}>
      <Select
        label={t("compare.label")}
        labelPlace="hidden"
        choices={[{ value: NONE, label: compare ? t("compare.none") : t("compare.choose") }, ...choices]}
        value={shown}
        isLit={compare !== null}
        onChange={(studyId) => {
          if (studyId === NONE) session.compare.close();
          else void session.compare.openStudy(studyId);
        }}
      />
    </div>
  );
}
