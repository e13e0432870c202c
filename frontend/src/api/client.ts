import createClient, { type Middleware } from "openapi-fetch";

import type { paths } from "../contract/api";
import { ApiProblem, OfflineError } from "../lib/problem";
import { noteActivity } from "../lib/activity";

const CHANGING = new Set(["POST", "PUT", "PATCH", "DELETE"]);

/** Marks a request the page makes by itself: it does not put off the automatic sign-out. */
export const BACKGROUND = { "X-SegWeb-Background": "1" } as const;

export const CSRF_HEADER = "X-CSRFToken";

export function csrfToken(): string {
  const match = /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie);
  return match?.[1] ?? "";
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** Reads an answer that is not a success as RFC 9457 problem JSON; an answer in another form keeps its status. */
export async function readProblem(response: Response): Promise<ApiProblem> {
  const isProblem = (response.headers.get("Content-Type") ?? "").includes("json");
  const body: unknown = isProblem ? await response.json().catch(() => null) : null;
  const fields: Record<string, unknown> = typeof body === "object" && body !== null ? { ...body } : {};
  const sentence = text(fields["detail"]) || text(fields["title"]);
  return new ApiProblem(response.status, text(fields["code"]) || `http.${response.status}`, sentence, fields);
}

const refusalListeners = new Set<(problem: ApiProblem) => void>();

/** Calls `listener` whenever the server says that nobody is signed in; returns how to stop. */
export function onSignedOut(listener: (problem: ApiProblem) => void): () => void {
  refusalListeners.add(listener);
  return () => refusalListeners.delete(listener);
}

/** Tells the page that the session is over, whichever door said so (HTTP 401, WebSocket 4401). */
export function announceSignedOut(problem: ApiProblem): void {
  refusalListeners.forEach((listener) => listener(problem));
}

const isSignIn = (request: Request): boolean =>
  request.method === "POST" && new URL(request.url).pathname === "/api/session";

const conventions: Middleware = {
  onRequest({ request }) {
    if (CHANGING.has(request.method)) request.headers.set(CSRF_HEADER, csrfToken());
    request.headers.set("Accept", "application/json, application/problem+json");
    return request;
  },
  async onResponse({ request, response }) {
    if (response.status !== 401 && !request.headers.has("X-SegWeb-Background")) noteActivity();
    if (response.ok) return;
    const problem = await readProblem(response);
    if (problem.status === 401 && !isSignIn(request)) announceSignedOut(problem);
    throw problem;
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === "AbortError") return error;
    return new OfflineError("The server could not be reached.");
  },
};

/** The typed client: an answer that is not a success is thrown as ApiProblem, no answer as OfflineError. */
export const client = createClient<paths>({
  baseUrl: window.location.origin,
  credentials: "same-origin",
  fetch: (request) => globalThis.fetch(request),
});
client.use(conventions);

/** The body of a successful answer; errors have been thrown before. */
export async function expectData<Data>(answer: Promise<{ data?: Data }>): Promise<Data> {
  const { data } = await answer;
  if (data === undefined) throw new ApiProblem(500, "answer.empty", "");
  return data;
}
