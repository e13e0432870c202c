import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";

import { BACKGROUND, client, expectData } from "./client";
import { isBackgroundFetch, queryClient } from "./query_client";
import type {
  Assessment,
  Cohort,
  Criterion,
  Insight,
  LesionWish,
  Observation,
  OverrideWish,
  PlanWish,
  StateWish,
  TargetChoice,
  TherapyWish,
  TimepointWish,
  Tracking,
} from "./records";

const TRACKING_KEY = "tracking";
const ASSESSMENT_KEY = "assessment";
const INSIGHT_KEY = "insight";
const COHORT_KEY = "cohort";
const TARGETS_KEY = "target choice";

const by = (criterion: Criterion | undefined) => (criterion ? { criterion } : {});

/** Everything that is followed of a patient. */
export function useTracking(patientId: string) {
  const queryKey = [TRACKING_KEY, patientId] as const;
  return useQuery({
    queryKey,
    queryFn: ({ signal }): Promise<Tracking> =>
      expectData(
        client.GET("/api/patients/{patient_id}/tracking", {
          params: { path: { patient_id: patientId } },
          headers: isBackgroundFetch(queryKey) ? BACKGROUND : {},
          signal,
        }),
      ),
  });
}

/** The verdict by a criterion, the planned one where none is named. */
export function useAssessment(patientId: string, criterion: Criterion | undefined, isWanted: boolean) {
  const queryKey = [ASSESSMENT_KEY, patientId, criterion ?? ""] as const;
  return useQuery({
    queryKey,
    enabled: isWanted,
    queryFn: ({ signal }): Promise<Assessment> =>
      expectData(
        client.GET("/api/patients/{patient_id}/assessment", {
          params: { path: { patient_id: patientId }, query: by(criterion) },
          headers: isBackgroundFetch(queryKey) ? BACKGROUND : {},
          signal,
        }),
      ),
  });
}

/** How sure the verdict is; takes longer than the verdict. */
export function useInsight(patientId: string, criterion: Criterion | undefined, isWanted: boolean) {
  const queryKey = [INSIGHT_KEY, patientId, criterion ?? ""] as const;
  return useQuery({
    queryKey,
    enabled: isWanted,
    queryFn: ({ signal }): Promise<Insight> =>
      expectData(
        client.GET("/api/patients/{patient_id}/assessment/insight", {
          params: { path: { patient_id: patientId }, query: by(criterion) },
          headers: isBackgroundFetch(queryKey) ? BACKGROUND : {},
          signal,
        }),
      ),
  });
}

/** What these lesions would be together as targets; the last answer stands until the next is there. */
export function useTargetChoice({ patient_id, lesions }: Tracking, lesionIds: readonly string[]) {
  return useQuery({
    // Organ and kind decide what a lesion counts for.
    queryKey: [TARGETS_KEY, patient_id, lesionIds, lesions.map((each) => each.description)] as const,
    enabled: lesionIds.length > 0,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }): Promise<TargetChoice> =>
      expectData(
        client.GET("/api/patients/{patient_id}/targets/check", {
          params: { path: { patient_id }, query: { lesion_ids: [...lesionIds] } },
          signal,
        }),
      ),
  });
}

export function useCohort(criterion: Criterion) {
  const queryKey = [COHORT_KEY, criterion] as const;
  return useQuery({
    queryKey,
    queryFn: ({ signal }): Promise<Cohort> =>
      expectData(
        client.GET("/api/cohort", {
          params: { query: { criterion } },
          headers: isBackgroundFetch(queryKey) ? BACKGROUND : {},
          signal,
        }),
      ),
  });
}

/** What a person can say of a patient's course; the server answers each with the whole course. */
export type TrackingWish =
  | { readonly act: "follow"; readonly studyId: string; readonly segmentationId: string }
  | { readonly act: "plan"; readonly patientId: string; readonly body: PlanWish }
  | {
      readonly act: "choose_targets";
      readonly patientId: string;
      readonly lesionIds: string[];
      readonly seenIds: string[];
    }
  | { readonly act: "record"; readonly timepointId: string; readonly body: TimepointWish }
  | { readonly act: "describe"; readonly lesionId: string; readonly body: LesionWish }
  | {
      readonly act: "confirm";
      readonly observationId: string;
      readonly seen: Observation["state"];
      readonly certainty?: "equivocal" | "unequivocal";
    }
  | { readonly act: "state"; readonly lesionId: string; readonly timepointId: string; readonly body: StateWish }
  | {
      readonly act: "assign";
      readonly timepointId: string;
      readonly component: number[];
      readonly lesionId: string | null;
      /** Where the part was on screen. */
      readonly seen: { readonly revision_id: string; readonly lesion_id: string } | undefined;
    }
  | { readonly act: "add_therapy"; readonly patientId: string; readonly body: TherapyWish }
  | { readonly act: "change_therapy"; readonly therapyId: string; readonly body: Partial<TherapyWish> }
  | { readonly act: "remove_therapy"; readonly therapyId: string };

const path = <Ids>(ids: Ids) => ({ path: ids });

function sendAboutLesions(wish: TrackingWish): Promise<Tracking> | undefined {
  switch (wish.act) {
    case "describe":
      return expectData(
        client.PATCH("/api/lesions/{lesion_id}", { params: path({ lesion_id: wish.lesionId }), body: wish.body }),
      );
    case "confirm":
      return expectData(
        client.POST("/api/observations/{observation_id}/confirm", {
          params: path({ observation_id: wish.observationId }),
          body: { seen: wish.seen, ...(wish.certainty ? { certainty: wish.certainty } : {}) },
        }),
      );
    case "state":
      return expectData(
        client.PUT("/api/lesions/{lesion_id}/timepoints/{timepoint_id}", {
          params: path({ lesion_id: wish.lesionId, timepoint_id: wish.timepointId }),
          body: wish.body,
        }),
      );
    case "assign":
      return expectData(
        client.POST("/api/timepoints/{timepoint_id}/assign", {
          params: path({ timepoint_id: wish.timepointId }),
          body: { component: wish.component, lesion_id: wish.lesionId, ...(wish.seen ? { seen: wish.seen } : {}) },
        }),
      );
    default:
      return undefined;
  }
}

function sendAboutDates(wish: TrackingWish): Promise<Tracking> | undefined {
  switch (wish.act) {
    case "follow":
      return expectData(
        client.PUT("/api/studies/{study_id}/timepoint", {
          params: path({ study_id: wish.studyId }),
          body: { segmentation_id: wish.segmentationId },
        }),
      );
    case "plan":
      return expectData(
        client.PATCH("/api/patients/{patient_id}/plan", {
          params: path({ patient_id: wish.patientId }),
          body: wish.body,
        }),
      );
    case "choose_targets":
      return expectData(
        client.PUT("/api/patients/{patient_id}/targets", {
          params: path({ patient_id: wish.patientId }),
          body: { lesion_ids: wish.lesionIds, seen_ids: wish.seenIds },
        }),
      );
    case "record":
      return expectData(
        client.PATCH("/api/timepoints/{timepoint_id}", {
          params: path({ timepoint_id: wish.timepointId }),
          body: wish.body,
        }),
      );
    default:
      return undefined;
  }
}

function sendAboutTherapy(wish: TrackingWish): Promise<Tracking> | undefined {
  switch (wish.act) {
    case "add_therapy":
      return expectData(
        client.POST("/api/patients/{patient_id}/therapies", {
          params: path({ patient_id: wish.patientId }),
          body: wish.body,
        }),
      );
    case "change_therapy":
      return expectData(
        client.PATCH("/api/therapies/{therapy_id}", {
          params: path({ therapy_id: wish.therapyId }),
          body: wish.body,
        }),
      );
    case "remove_therapy":
      return expectData(client.DELETE("/api/therapies/{therapy_id}", { params: path({ therapy_id: wish.therapyId }) }));
    default:
      return undefined;
  }
}

async function send(wish: TrackingWish): Promise<Tracking> {
  const answer = sendAboutLesions(wish) ?? sendAboutDates(wish) ?? sendAboutTherapy(wish);
  if (!answer) throw new Error(`There is no act ${wish.act}.`);
  return answer;
}

function take(tracking: Tracking): void {
  queryClient.setQueryData([TRACKING_KEY, tracking.patient_id], tracking);
  void queryClient.invalidateQueries({ queryKey: [ASSESSMENT_KEY, tracking.patient_id] });
  void queryClient.invalidateQueries({ queryKey: [INSIGHT_KEY, tracking.patient_id] });
  void queryClient.invalidateQueries({ queryKey: [COHORT_KEY] });
}

/** Sends what a person says; the page shows what the server then knows. `onProblem` is told what was refused. */
export function useTrackingAct(onProblem: (error: unknown) => void) {
  const refuse = (error: unknown) => {
    onProblem(error);
    refetchTracking(); // what was refused may rest on what is not so any more
  };
  return useMutation({ mutationFn: send, onSuccess: take, onError: refuse });
}

/** Records a reader's verdict beside the computed one. */
export function useOverride(patientId: string, onProblem: (error: unknown) => void) {
  return useMutation({
    mutationFn: (body: OverrideWish): Promise<Assessment> =>
      expectData(
        client.POST("/api/patients/{patient_id}/assessment/override", {
          params: { path: { patient_id: patientId } },
          body,
        }),
      ),
    onSuccess: () => void queryClient.invalidateQueries({ queryKey: [ASSESSMENT_KEY, patientId] }),
    onError: onProblem,
  });
}

/** What is followed of a patient changed somewhere: ask again. */
export function refetchTracking(patientId?: string): void {
  const rest = patientId ? [patientId] : [];
  for (const key of [TRACKING_KEY, ASSESSMENT_KEY, INSIGHT_KEY]) {
    void queryClient.invalidateQueries({ queryKey: [key, ...rest] });
  }
  void queryClient.invalidateQueries({ queryKey: [COHORT_KEY] });
}
