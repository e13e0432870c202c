import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { BACKGROUND, client, expectData } from "./client";
import { ASK_AGAIN_MS, isBackgroundFetch, queryClient } from "./query_client";
import type { WorklistPage, WorklistQuery } from "./records";

const WORKLIST_KEY = "worklist";
/** The backstop for a lost message of the socket. */
const REFETCH_MS = 60_000;

export function useWorklist(query: WorklistQuery) {
  const queryKey = [WORKLIST_KEY, query] as const;
  return useQuery({
    queryKey,
    queryFn: ({ signal }): Promise<WorklistPage> =>
      expectData(
        client.GET("/api/worklist", {
          params: { query },
          headers: isBackgroundFetch(queryKey) ? BACKGROUND : {},
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data ? REFETCH_MS : ASK_AGAIN_MS),
  });
}

export function refetchWorklist(): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: [WORKLIST_KEY] });
}
