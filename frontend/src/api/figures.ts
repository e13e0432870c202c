import { useQuery } from "@tanstack/react-query";

import type { components } from "../contract/api";
import { BACKGROUND, client, expectData } from "./client";
import { isBackgroundFetch } from "./query_client";

type Schemas = components["schemas"];
export type Figure = Schemas["Figure"];
export type RevisionFigures = Schemas["RevisionFigures"];
export type VolumeInterval = Schemas["VolumeInterval"];
export type VolumeIntervals = Schemas["VolumeIntervals"];
export type StructureDate = Schemas["StructureDate"];

const background = (queryKey: readonly unknown[]) => (isBackgroundFetch(queryKey) ? BACKGROUND : {});

/** What never changes needs asking once. */
const FOR_EVER = { staleTime: Infinity } as const;

/** The volumes of a revision's segments and what its structures are measured by besides. */
export function useFigures(revisionId: string) {
  const queryKey = ["figures", revisionId] as const;
  return useQuery({
    ...FOR_EVER,
    queryKey,
    queryFn: ({ signal }): Promise<RevisionFigures> => {
      const params = { path: { revision_id: revisionId } };
      const headers = background(queryKey);
      return expectData(client.GET("/api/revisions/{revision_id}/figures", { params, headers, signal }));
    },
  });
}

/** What the network's probabilities say of the volumes in a revision. */
export function useVolumeIntervals(revisionId: string) {
  const queryKey = ["volume intervals", revisionId] as const;
  return useQuery({
    ...FOR_EVER,
    queryKey,
    queryFn: ({ signal }): Promise<VolumeIntervals> => {
      const params = { path: { revision_id: revisionId } };
      const headers = background(queryKey);
      return expectData(client.GET("/api/revisions/{revision_id}/volume-intervals", { params, headers, signal }));
    },
  });
}

/** A structure on each of the patient's dates, the oldest first. */
export function useStructureCourse(revisionId: string, number: number) {
  const queryKey = ["structure course", revisionId, number] as const;
  return useQuery({
    queryKey,
    queryFn: async ({ signal }): Promise<readonly StructureDate[]> => {
      const params = { path: { revision_id: revisionId, number } };
      const answer = client.GET("/api/revisions/{revision_id}/segments/{number}/course", {
        params,
        headers: background(queryKey),
        signal,
      });
      return (await expectData(answer)).results;
    },
  });
}
