import { useQuery } from "@tanstack/react-query";

import { BACKGROUND, client, expectData } from "./client";
import { isBackgroundFetch, queryClient } from "./query_client";
import type { Patient } from "./records";

const PATIENT_KEY = "patient";

export function usePatient(id: string) {
  const queryKey = [PATIENT_KEY, id] as const;
  return useQuery({
    queryKey,
    queryFn: ({ signal }): Promise<Patient> =>
      expectData(
        client.GET("/api/patients/{patient_id}", {
          params: { path: { patient_id: id } },
          headers: isBackgroundFetch(queryKey) ? BACKGROUND : {},
          signal,
        }),
      ),
  });
}

export function refetchPatients(): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: [PATIENT_KEY] });
}
