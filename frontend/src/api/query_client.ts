import { QueryClient } from "@tanstack/react-query";

import { ApiProblem, isPassing } from "../lib/problem";

const STALE_AFTER_MS = 10_000;
const MOST_RETRIES = 3;
export const ASK_AGAIN_MS = 5_000;

function shouldRetry(failures: number, error: unknown): boolean {
  return failures < MOST_RETRIES && (isPassing(error) || !(error instanceof ApiProblem));
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: STALE_AFTER_MS,
      retry: shouldRetry,
      retryDelay: (attempt) => Math.min(500 * 2 ** attempt, 8_000),
      // A page that could not be filled for want of a connection fills itself when there is one again.
      refetchInterval: ({ state }) => (state.data === undefined && isPassing(state.error) ? ASK_AGAIN_MS : false),
      // Asked even without a network: the answer "offline" is what the page shows.
      networkMode: "always",
      refetchOnReconnect: true,
      refetchOnWindowFocus: false,
    },
    mutations: { networkMode: "always", retry: false },
  },
});

/** Whether a query asks again by itself (a refetch of data it already has), as opposed to for a person who waits. */
export function isBackgroundFetch(queryKey: readonly unknown[]): boolean {
  return queryClient.getQueryData(queryKey) !== undefined;
}
