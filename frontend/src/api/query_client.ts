import { QueryClient } from "@tanstack/react-query";

import { ApiProblem, isPassing } from "../lib/problem";

const STALE_AFTER_MS = 10_000;
const MOST_RETRIES = 3;

function shouldRetry(failures: number, error: unknown): boolean {
  return failures < MOST_RETRIES && (isPassing(error) || !(error instanceof ApiProblem));
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: STALE_AFTER_MS,
      retry: shouldRetry,
      retryDelay: (attempt) => Math.min(500 * 2 ** attempt, 8_000),
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
