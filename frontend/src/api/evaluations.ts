import { useMutation, useQuery } from "@tanstack/react-query";

import type { components } from "../contract/api";
import type { EvaluationStatus } from "../contract/events";
import type { EvaluationWish } from "../state/evaluation";
import { BACKGROUND, client, expectData } from "./client";
import { isBackgroundFetch, queryClient } from "./query_client";
import { sendBody, type Sending } from "./sending";

type Schemas = components["schemas"];
export type ModelEvaluation = Schemas["ModelEvaluation"];
export type ModelEvaluations = Schemas["ModelEvaluationList"];
export type EvaluationDetail = Schemas["ModelEvaluationDetail"];
export type EvaluationReport = Schemas["EvaluationReport"];
export type EvaluationInterval = Schemas["EvaluationInterval"];
export type EvaluationSummary = Schemas["EvaluationSummary"];

const LIST_KEY = "evaluations";
const ONE_KEY = "evaluation";
const WATCH_MS = 5_000;

const background = (queryKey: readonly unknown[]) => (isBackgroundFetch(queryKey) ? BACKGROUND : {});

export const isUnderWay = ({ state }: Pick<ModelEvaluation, "state">): boolean =>
  state === "queued" || state === "running";

/** The newest evaluations of the person's teams; asked again while one is under way. */
export function useEvaluations() {
  const queryKey = [LIST_KEY] as const;
  return useQuery({
    queryKey,
    queryFn: ({ signal }): Promise<ModelEvaluations> =>
      expectData(client.GET("/api/evaluations", { headers: background(queryKey), signal })),
    refetchInterval: ({ state }) => (state.data?.results.some(isUnderWay) ? WATCH_MS : false),
  });
}

export function useEvaluation(id: string) {
  const queryKey = [ONE_KEY, id] as const;
  return useQuery({
    queryKey,
    queryFn: ({ signal }): Promise<EvaluationDetail> =>
      expectData(
        client.GET("/api/evaluations/{evaluation_id}", {
          params: { path: { evaluation_id: id } },
          headers: background(queryKey),
          signal,
        }),
      ),
  });
}

export function refetchEvaluations(): void {
  void queryClient.invalidateQueries({ queryKey: [LIST_KEY] });
}

export function refetchEvaluation(id: string): void {
  void queryClient.invalidateQueries({ queryKey: [ONE_KEY, id] });
  refetchEvaluations();
}

/** Takes what the socket tells; when it is over, what was found is fetched. */
export function takeStatus(status: EvaluationStatus): void {
  const renew = <Row extends ModelEvaluation>(row: Row): Row => (row.id === status.id ? { ...row, ...status } : row);
  queryClient.setQueryData<EvaluationDetail>([ONE_KEY, status.id], (known) => known && renew(known));
  queryClient.setQueryData<ModelEvaluations>(
    [LIST_KEY],
    (known) => known && { ...known, results: known.results.map(renew) },
  );
  if (!isUnderWay(status)) refetchEvaluation(status.id);
}

/** Asks for an evaluation; `body` is the zip of cases, empty for cases in the archive. */
export function sendEvaluation(wish: EvaluationWish, body: Blob, onShare: (share: number) => void): Sending {
  return sendBody(`/api/evaluations?wish=${encodeURIComponent(JSON.stringify(wish))}`, body, onShare);
}

export function useCancellation(onProblem: (error: unknown) => void) {
  return useMutation({
    mutationFn: (id: string) =>
      expectData(client.POST("/api/evaluations/{evaluation_id}/cancel", { params: { path: { evaluation_id: id } } })),
    onSettled: (_data, _error, id) => refetchEvaluation(id),
    onError: onProblem,
  });
}

export const fileUrl = (id: string, name: string): string => `/api/evaluations/${id}/files/${name}`;
