import { useMutation, useQuery } from "@tanstack/react-query";

import type { components } from "../contract/api";
import type { ImportWish } from "../state/model_import";
import { BACKGROUND, client, expectData } from "./client";
import { isBackgroundFetch, queryClient } from "./query_client";
import { sendBody, type Sending } from "./sending";

type Schemas = components["schemas"];
export type CatalogueModel = Schemas["Model"];
export type ModelCard = Schemas["ModelCard"];
export type ModelImport = Schemas["ModelImport"];
export type ModelImports = Schemas["ModelImportList"];

const MODELS_KEY = "models";
const CARD_KEY = "model card";
const IMPORTS_KEY = "model imports";
const WATCH_MS = 2_000;

const background = (queryKey: readonly unknown[]) => (isBackgroundFetch(queryKey) ? BACKGROUND : {});

/** The catalogue with what finished runs have needed here. */
export function useCatalogue() {
  const queryKey = [MODELS_KEY] as const;
  return useQuery({
    queryKey,
    queryFn: async ({ signal }): Promise<readonly CatalogueModel[]> => {
      const query = { figures: true };
      const headers = background(queryKey);
      return (await expectData(client.GET("/api/models", { params: { query }, headers, signal }))).results;
    },
  });
}

export function useModelCard(name: string) {
  const queryKey = [CARD_KEY, name] as const;
  return useQuery({
    queryKey,
    queryFn: ({ signal }): Promise<ModelCard> =>
      expectData(
        client.GET("/api/models/{name}", { params: { path: { name } }, headers: background(queryKey), signal }),
      ),
  });
}

export const isUnderWay = ({ state }: ModelImport): boolean => state === "received" || state === "checking";

/** Files handed in lately; asked again while one is under way. */
export function useImports() {
  const queryKey = [IMPORTS_KEY] as const;
  return useQuery({
    queryKey,
    queryFn: ({ signal }): Promise<ModelImports> =>
      expectData(client.GET("/api/model-imports", { headers: background(queryKey), signal })),
    refetchInterval: ({ state }) => (state.data?.results.some(isUnderWay) ? WATCH_MS : false),
  });
}

/** The catalogue changed: ask again. */
export function refetchCatalogue(): void {
  void queryClient.invalidateQueries({ queryKey: [MODELS_KEY] });
  void queryClient.invalidateQueries({ queryKey: [CARD_KEY] });
}

export function refetchImports(): void {
  void queryClient.invalidateQueries({ queryKey: [IMPORTS_KEY] });
}

/** Switches a model off or on. */
export function useModelSwitch(onProblem: (error: unknown) => void) {
  return useMutation({
    mutationFn: ({ name, isEnabled }: { name: string; isEnabled: boolean }) =>
      expectData(
        client.PUT("/api/models/{name}/setting", { params: { path: { name } }, body: { is_enabled: isEnabled } }),
      ),
    onSettled: refetchCatalogue,
    onError: onProblem,
  });
}

/** Takes a version of an imported model away. */
export function useVersionRemoval(onProblem: (error: unknown) => void) {
  return useMutation({
    mutationFn: async ({ name, version }: { name: string; version: string }) => {
      await client.DELETE("/api/models/{name}/versions/{version}", { params: { path: { name, version } } });
    },
    onSuccess: refetchCatalogue,
    onError: onProblem,
  });
}

/** Sends a model's file; `onShare` tells how much of it has left, 0 to 1. */
export function sendModel(file: File, wish: ImportWish, onShare: (share: number) => void): Sending {
  return sendBody(`/api/model-imports?wish=${encodeURIComponent(JSON.stringify(wish))}`, file, onShare);
}
