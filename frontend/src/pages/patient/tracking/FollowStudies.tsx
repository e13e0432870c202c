import { Link } from "react-router";

import type { Tracking } from "../../../api/records";
import type { TrackingWish } from "../../../api/tracking";
import { formatDate } from "../../../lib/dates";
import { type Translate, useLocale, useTranslate } from "../../../lib/messages";
import { Select } from "../../../ui/Select";
import patientStyles from "../Patient.module.css";

type FollowedStudy = Tracking["studies"][number];
type Timepoint = Tracking["timepoints"][number];

interface FollowStudiesProps {
  readonly tracking: Tracking;
  readonly onWish: (wish: TrackingWish) => void;
  readonly isBusy: boolean;
  readonly canEdit: boolean;
}

/** A study without a choice, so that the list has a place to say so. */
const NOTHING = "";

function choicesOf(study: FollowedStudy) {
  return study.series.flatMap((series) =>
    series.segmentations.map((segmentation) => ({
      value: segmentation.id,
      label: [series.modality, series.series_description, segmentation.name].filter(Boolean).join(" - "),
    })),
  );
}

function WhatCounts({ study, followed, props }: StudyRowProps) {
  const t = useTranslate();
  const choices = choicesOf(study);
  const chosen = followed?.segmentation_id ?? NOTHING;
  if (choices.length === 0) return <>{t("follow.no_segmentation")}</>;
  if (!props.canEdit) return <>{choices.find((each) => each.value === chosen)?.label ?? t("tracked.not_followed")}</>;
  return (
    <Select
      label={t("follow.choose")}
      labelPlace="hidden"
      choices={chosen === NOTHING ? [{ value: NOTHING, label: t("follow.not_followed") }, ...choices] : choices}
      value={chosen}
      isDisabled={props.isBusy}
      onChange={(segmentationId) => {
        if (segmentationId !== NOTHING) props.onWish({ act: "follow", studyId: study.id, segmentationId });
      }}
    />
  );
}

interface StudyRowProps {
  readonly study: FollowedStudy;
  readonly followed: Timepoint | undefined;
  readonly props: FollowStudiesProps;
}

function partOf(followed: Timepoint | undefined, t: Translate): string {
  if (!followed || followed.day === null) return "";
  return followed.is_baseline ? t("chart.baseline") : t("chart.day", { day: followed.day });
}

function stateOf(followed: Timepoint | undefined, t: Translate): string {
  if (followed?.problem) return followed.problem;
  return followed?.matching_state === "waiting" ? t("follow.waiting") : "";
}

function StudyRow({ study, followed, props }: StudyRowProps) {
  const t = useTranslate();
  const locale = useLocale();
  return (
    <tr>
      <td>
        <Link to={`/studies/${study.id}`}>
          {study.study_date ? formatDate(study.study_date, locale) : t("time.unknown")}
        </Link>
      </td>
      <td>{study.study_description || t("worklist.unnamed_study")}</td>
      <td>
        <WhatCounts study={study} followed={followed} props={props} />
      </td>
      <td>{partOf(followed, t)}</td>
      <td>{stateOf(followed, t)}</td>
    </tr>
  );
}

/** Which segmentation counts for each date: nothing is measured or judged before that is said. */
export function FollowStudies(props: FollowStudiesProps) {
  const t = useTranslate();
  const { timepoints, studies } = props.tracking;
  if (studies.every((study) => choicesOf(study).length === 0)) return <p>{t("tracked.dates_none")}</p>;
  return (
    <div className={patientStyles.scroller}>
      <table className={patientStyles.table} aria-label={t("follow.title")}>
        <thead>
          <tr>
            <th scope="col">{t("worklist.column_date")}</th>
            <th scope="col">{t("worklist.column_study")}</th>
            <th scope="col">{t("follow.choose")}</th>
            <th scope="col">{t("follow.part")}</th>
            <th scope="col">{t("follow.state")}</th>
          </tr>
        </thead>
        <tbody>
          {studies.map((study) => (
            <StudyRow
              key={study.id}
              study={study}
              followed={timepoints.find((each) => each.study_id === study.id)}
              props={props}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}
