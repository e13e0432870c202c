import type { components } from "../contract/api";
import { OfflineError } from "../lib/problem";
import { announceSignedOut, BACKGROUND, client, CSRF_HEADER, csrfToken, expectData, readProblem } from "./client";

type Schemas = components["schemas"];
type Revision = Schemas["Revision"];
type Segmentation = Schemas["Segmentation"];
type Job = Schemas["Job"];

/** Whether the page asks by itself, which does not put off the automatic sign-out. */
interface Asked {
  readonly isBackground?: boolean;
}

const headersFor = ({ isBackground }: Asked): Record<string, string> => (isBackground ? BACKGROUND : {});

export function fetchStudy(id: string, asked: Asked = {}): Promise<Schemas["Study"]> {
  return expectData(
    client.GET("/api/studies/{study_id}", { params: { path: { study_id: id } }, headers: headersFor(asked) }),
  );
}

export function fetchFrames(seriesId: string, asked: Asked = {}): Promise<Schemas["SeriesFrames"]> {
  const params = { path: { series_id: seriesId } };
  return expectData(client.GET("/api/series/{series_id}/frames", { params, headers: headersFor(asked) }));
}

export async function fetchSegmentations(seriesId: string, asked: Asked = {}): Promise<Segmentation[]> {
  const answer = client.GET("/api/series/{series_id}/segmentations", {
    params: { path: { series_id: seriesId } },
    headers: headersFor(asked),
  });
  return (await expectData(answer)).results;
}

export async function fetchModels(seriesId: string): Promise<Schemas["Model"][]> {
  return (await expectData(client.GET("/api/models", { params: { query: { series: seriesId } } }))).results;
}

export function fetchModelInputs(seriesId: string, model: string): Promise<Schemas["ModelInputs"]> {
  const params = { path: { series_id: seriesId }, query: { model } };
  return expectData(client.GET("/api/series/{series_id}/model-inputs", { params }));
}

export async function fetchActiveJobs(seriesId: string, asked: Asked = {}): Promise<Job[]> {
  const query = { series: seriesId, active: true };
  return (await expectData(client.GET("/api/jobs", { params: { query }, headers: headersFor(asked) }))).results;
}

export function fetchJob(id: string, asked: Asked = {}): Promise<Job> {
  return expectData(client.GET("/api/jobs/{job_id}", { params: { path: { job_id: id } }, headers: headersFor(asked) }));
}

export function requestJob(body: Schemas["NewJobRequest"]): Promise<Job> {
  return expectData(client.POST("/api/jobs", { body }));
}

/** Questions about a revision, the newest first. */
export async function fetchExplanations(revisionId: string): Promise<Job[]> {
  const query = { explains: revisionId };
  return (await expectData(client.GET("/api/jobs", { params: { query }, headers: BACKGROUND }))).results;
}

export function requestExplanation(revisionId: string, body: Schemas["NewExplanationRequest"]): Promise<Job> {
  const params = { path: { revision_id: revisionId } };
  return expectData(client.POST("/api/revisions/{revision_id}/explanations", { params, body }));
}

export function cancelJob(id: string): Promise<Job> {
  return expectData(client.POST("/api/jobs/{job_id}/cancel", { params: { path: { job_id: id } } }));
}

export function retryJob(id: string): Promise<Job> {
  return expectData(client.POST("/api/jobs/{job_id}/retry", { params: { path: { job_id: id } } }));
}

/** Bytes go round the typed client, which speaks JSON; problems are read the same way. */
async function exchange(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { ...init.headers, Accept: "*/*", ...(init.method ? { [CSRF_HEADER]: csrfToken() } : {}) };
  const response = await fetch(path, { ...init, headers, credentials: "same-origin" }).catch(() => {
    throw new OfflineError("The server could not be reached.");
  });
  if (!response.ok) {
    const problem = await readProblem(response);
    if (problem.status === 401) announceSignedOut(problem);
    throw problem;
  }
  return response;
}

/** The whole label map as one brick. */
export async function fetchLabelMap(revisionId: string): Promise<ArrayBuffer> {
  return (await exchange(`/api/revisions/${revisionId}/label-map`)).arrayBuffer();
}

/** A byte for every voxel of a series, as a run found it. */
export async function fetchJobMap(id: string): Promise<Uint8Array<ArrayBuffer>> {
  const { body } = await exchange(`/api/job-maps/${id}`);
  if (!body) throw new Error("The map is empty.");
  return new Uint8Array(await new Response(body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

/** Start a segmentation whose first revision is empty. */
export function createSegmentation(seriesId: string, body: Schemas["NewSegmentationRequest"]): Promise<Segmentation> {
  return expectData(
    client.POST("/api/series/{series_id}/segmentations", { params: { path: { series_id: seriesId } }, body }),
  );
}

/** Save changed slices on a stated base; another base is refused with `revision.stale_base`. */
export async function saveRevision(
  segmentationId: string,
  baseId: string,
  bricks: readonly Uint8Array<ArrayBuffer>[],
): Promise<Revision> {
  const response = await exchange(`/api/segmentations/${segmentationId}/revisions?base=${baseId}`, {
    method: "POST",
    headers: { "Content-Type": "application/octet-stream" },
    body: new Blob([...bricks]),
  });
  return (await response.json()) as Revision;
}

/** Vouch for a segmentation as it is. */
export function acceptSegmentation(id: string): Promise<Segmentation> {
  return expectData(
    client.POST("/api/segmentations/{segmentation_id}/accept", { params: { path: { segmentation_id: id } } }),
  );
}

/** Part the lesion that a line crosses; the smaller part becomes a segment of its own in the next revision. */
export function cutLesion(revisionId: string, body: Schemas["CutRequest"]): Promise<Revision> {
  return expectData(
    client.POST("/api/revisions/{revision_id}/cut", { params: { path: { revision_id: revisionId } }, body }),
  );
}

export function exportAddress(revisionId: string, format: "dicom-seg" | "nifti"): string {
  return `/api/revisions/${revisionId}/export?format=${format}`;
}
