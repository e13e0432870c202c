import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";

import type { components } from "../contract/api";
import { BACKGROUND, client, expectData } from "./client";
import { isBackgroundFetch, queryClient } from "./query_client";

type Schemas = components["schemas"];
export type Rule = Schemas["Rule"];
export type RuleWish = Schemas["RuleWishRequest"];
export type RulePreview = Schemas["RulePreview"];
export type TeamLimit = Schemas["TeamLimit"];
export type LimitWish = Schemas["LimitWishRequest"];
export type QueueView = Schemas["QueueView"];
export type SeriesRouting = Schemas["SeriesRouting"];
export type RuleVerdict = Schemas["RuleVerdict"];
export type QueuedJob = Schemas["QueuedJob"];

const RULES_KEY = "routing rules";
const PREVIEW_KEY = "routing preview";
const SERIES_KEY = "routing of series";
const LIMITS_KEY = "usage limits";
const QUEUE_KEY = "queue";
const WATCH_MS = 3_000;

const background = (queryKey: readonly unknown[]) => (isBackgroundFetch(queryKey) ? BACKGROUND : {});

export function useRules() {
  const queryKey = [RULES_KEY] as const;
  return useQuery({
    queryKey,
    queryFn: async ({ signal }): Promise<readonly Rule[]> =>
      (await expectData(client.GET("/api/routing-rules", { headers: background(queryKey), signal }))).results,
  });
}

/** For which of the newest series a rule would have held; the last answer stands until the next is there. */
export function usePreview(wish: RuleWish, isWanted: boolean) {
  const body = { ...wish, title: "-", is_enabled: true }; // neither changes the answer
  return useQuery({
    queryKey: [PREVIEW_KEY, body] as const,
    enabled: isWanted,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }): Promise<RulePreview> =>
      expectData(client.POST("/api/routing-rules/preview", { body, signal })),
  });
}

/** What the rules made of a series, and why. */
export function useSeriesRouting(seriesId: string) {
  const queryKey = [SERIES_KEY, seriesId] as const;
  return useQuery({
    queryKey,
    queryFn: ({ signal }): Promise<SeriesRouting> =>
      expectData(
        client.GET("/api/series/{series_id}/routing", {
          params: { path: { series_id: seriesId } },
          headers: background(queryKey),
          signal,
        }),
      ),
  });
}

export interface RuleChange {
  /** Undefined lays down a new one. */
  readonly id: string | undefined;
  readonly wish: RuleWish;
}

const refetchRules = () => void queryClient.invalidateQueries({ queryKey: [RULES_KEY] });

export function useRuleChange(onProblem: (error: unknown) => void) {
  return useMutation({
    mutationFn: ({ id, wish }: RuleChange): Promise<Rule> =>
      expectData(
        id === undefined
          ? client.POST("/api/routing-rules", { body: wish })
          : client.PUT("/api/routing-rules/{rule_id}", { params: { path: { rule_id: id } }, body: wish }),
      ),
    onSettled: refetchRules,
    onError: onProblem,
  });
}

export function useRuleDeletion(onProblem: (error: unknown) => void) {
  return useMutation({
    mutationFn: async (id: string) => {
      await client.DELETE("/api/routing-rules/{rule_id}", { params: { path: { rule_id: id } } });
    },
    onSettled: refetchRules,
    onError: onProblem,
  });
}

export function useLimits() {
  const queryKey = [LIMITS_KEY] as const;
  return useQuery({
    queryKey,
    queryFn: async ({ signal }): Promise<readonly TeamLimit[]> =>
      (await expectData(client.GET("/api/usage-limits", { headers: background(queryKey), signal }))).results,
  });
}

export function useLimitChange(onProblem: (error: unknown) => void) {
  return useMutation({
    mutationFn: (body: LimitWish): Promise<TeamLimit> => expectData(client.PUT("/api/usage-limits", { body })),
    onSettled: () => void queryClient.invalidateQueries({ queryKey: [LIMITS_KEY] }),
    onError: onProblem,
  });
}

/** The queue as it stands, asked again while it is looked at. */
export function useQueue() {
  const queryKey = [QUEUE_KEY] as const;
  return useQuery({
    queryKey,
    refetchInterval: WATCH_MS,
    queryFn: ({ signal }): Promise<QueueView> =>
      expectData(client.GET("/api/queue", { headers: background(queryKey), signal })),
  });
}
