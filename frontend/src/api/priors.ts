import type { components } from "../contract/api";
import type { Vector3 } from "../lib/vectors";
import { BACKGROUND, client, expectData } from "./client";

type Schemas = components["schemas"];
type Registration = Schemas["Registration"];

interface Asked {
  readonly isBackground?: boolean;
}

const pathOf = (currentId: string, priorId: string) => ({ path: { series_id: currentId, prior_id: priorId } });
const headersFor = ({ isBackground }: Asked): Record<string, string> => (isBackground ? BACKGROUND : {});

/** What is known of how a prior lies over the current series. */
export function fetchRegistration(currentId: string, priorId: string, asked: Asked = {}): Promise<Registration> {
  return expectData(
    client.GET("/api/series/{series_id}/registrations/{prior_id}", {
      params: pathOf(currentId, priorId),
      headers: headersFor(asked),
    }),
  );
}

/** Have them aligned, again where that failed. */
export function requestRegistration(currentId: string, priorId: string): Promise<Registration> {
  return expectData(
    client.POST("/api/series/{series_id}/registrations/{prior_id}", { params: pathOf(currentId, priorId) }),
  );
}

export function nudgeRegistration(currentId: string, priorId: string, nudgeMm: Vector3): Promise<Registration> {
  return expectData(
    client.PUT("/api/series/{series_id}/registrations/{prior_id}/nudge", {
      params: pathOf(currentId, priorId),
      body: { nudge_mm: [...nudgeMm] },
    }),
  );
}

export async function fetchStudiesOf(patientId: string): Promise<readonly Schemas["StudyBrief"][]> {
  const answer = client.GET("/api/patients/{patient_id}", { params: { path: { patient_id: patientId } } });
  return (await expectData(answer)).studies;
}

export function fetchMeasurements(revisionId: string): Promise<Schemas["RevisionMeasurements"]> {
  return expectData(
    client.GET("/api/revisions/{revision_id}/measurements", { params: { path: { revision_id: revisionId } } }),
  );
}

const written = (vector: Vector3): string => vector.map((value) => value.toFixed(2)).join(",");

/** A small square picture around a place of a series. */
export function cropAddress(seriesId: string, at: Vector3, normal: Vector3, sizeMm: number): string {
  const query = new URLSearchParams({ at: written(at), normal: written(normal), size_mm: String(sizeMm) });
  return `/api/series/${seriesId}/crop?${query.toString()}`;
}

/** The reading page of a series at a place of the patient. */
export function readingAddress(studyId: string, seriesId: string, at: Vector3): string {
  return `/studies/${studyId}?series=${seriesId}&at=${written(at)}`;
}
