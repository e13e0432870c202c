import { lazy, type ReactNode, Suspense, useState } from "react";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";

import type { Criterion, Tracking } from "../../../api/records";
import { useAssessment, useInsight, useTrackingAct } from "../../../api/tracking";
import { type PlainMessageKey, useTranslate } from "../../../lib/messages";
import { ApiProblem } from "../../../lib/problem";
import { notify } from "../../../ui/notice_queue";
import { EmptyState, LoadingState } from "../../../ui/States";
import { DateRecords } from "./DateRecords";
import { FollowStudies } from "./FollowStudies";
import { LesionPictures } from "./LesionPictures";
import { LesionTable } from "./LesionTable";
import { TargetPicker } from "./TargetPicker";
import { TherapyLines } from "./TherapyLines";
import { TumourComponents } from "./TumourComponents";
import styles from "./Verdict.module.css";
import { VerdictPanel } from "./VerdictPanel";

// The plots bring a drawing library with them: it is fetched when there is something to draw.
const CourseCharts = lazy(() => import("./CourseCharts"));
const CohortCharts = lazy(() => import("./CohortCharts"));

type TabId = "lesions" | "targets" | "pictures" | "dates" | "therapy" | "cohort";

const TABS: readonly { readonly id: TabId; readonly label: PlainMessageKey }[] = [
  { id: "lesions", label: "verdict.tab_lesions" },
  { id: "targets", label: "verdict.tab_targets" },
  { id: "pictures", label: "verdict.tab_pictures" },
  { id: "dates", label: "verdict.tab_dates" },
  { id: "therapy", label: "verdict.tab_therapy" },
  { id: "cohort", label: "verdict.tab_cohort" },
];

interface TrackingSectionProps {
  readonly tracking: Tracking;
  readonly subject: string;
  readonly canEdit: boolean;
}

const sayProblem = (error: unknown) =>
  notify(error instanceof ApiProblem && error.sentence ? error.sentence : String(error), "danger");

interface FollowedTabsProps {
  readonly first: TabId;
  readonly panels: Readonly<Record<TabId, () => ReactNode>>;
}

function FollowedTabs({ first, panels }: FollowedTabsProps) {
  const t = useTranslate();
  const [tab, setTab] = useState(first);
  return (
    <Tabs
      className={styles.tabs ?? ""}
      selectedKey={tab}
      onSelectionChange={(key) => setTab(TABS.find((each) => each.id === key)?.id ?? "lesions")}
    >
      <TabList aria-label={t("verdict.tabs")} className={styles.tabList ?? ""}>
        {TABS.map(({ id, label }) => (
          <Tab key={id} id={id} className={styles.tab ?? ""}>
            {t(label)}
          </Tab>
        ))}
      </TabList>
      {TABS.map(({ id }) => (
        <TabPanel key={id} id={id} className={styles.tabPanel ?? ""}>
          <Suspense fallback={<LoadingState />}>{panels[id]()}</Suspense>
        </TabPanel>
      ))}
    </Tabs>
  );
}

/** Is it getting worse, and are we sure: the plots, the verdict, and what both rest on. */
export function TrackingSection({ tracking, subject, canEdit }: TrackingSectionProps) {
  const t = useTranslate();
  const [asked, setAsked] = useState<Criterion>();
  const isFollowed = tracking.timepoints.length > 0;
  const criterion = asked ?? (tracking.plan.criterion as Criterion);
  const assessment = useAssessment(tracking.patient_id, criterion, isFollowed);
  const insight = useInsight(tracking.patient_id, criterion, isFollowed && assessment.isSuccess);
  const act = useTrackingAct(sayProblem);
  const parts = { tracking, onWish: act.mutate, isBusy: act.isPending, canEdit };
  const panels: Readonly<Record<TabId, () => ReactNode>> = {
    lesions: () => <LesionTable {...parts} insight={insight.data} />,
    targets: () => (
      <>
        <TargetPicker {...parts} />
        <TumourComponents {...parts} criterion={criterion} />
      </>
    ),
    pictures: () => <LesionPictures tracking={tracking} />,
    dates: () => (
      <>
        <FollowStudies {...parts} />
        {canEdit ? <DateRecords {...parts} /> : null}
      </>
    ),
    therapy: () => <TherapyLines {...parts} />,
    cohort: () => <CohortCharts criterion={criterion} />,
  };
  return (
    <>
      {isFollowed ? (
        <div className={styles.top}>
          <Suspense fallback={<LoadingState />}>
            <CourseCharts tracking={tracking} assessment={assessment.data} insight={insight.data} subject={subject} />
          </Suspense>
          <VerdictPanel
            tracking={tracking}
            criterion={criterion}
            onCriterion={setAsked}
            assessment={assessment.data}
            error={assessment.error}
            insight={insight.data}
            onWish={act.mutate}
            canEdit={canEdit}
          />
        </div>
      ) : (
        <EmptyState title={t("verdict.not_followed_title")} sentence={t("verdict.not_followed")} />
      )}
      <FollowedTabs first={isFollowed ? "lesions" : "dates"} panels={panels} />
    </>
  );
}
