import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { encodeBrick } from "../../live/brick";
import { digestVoxels } from "../../live/digest";
import { LabelMap } from "../../state/label_map";
import type { Job, Revision, Study } from "../../state/records";

/** The server, as far as this page hears of it. */
const server = vi.hoisted(() => {
  const state = { answers: {} as Record<string, unknown>, sockets: [] as { onmessage?: (event: object) => void }[] };
  class Line {
    readyState = 1;
    onopen?: () => void;
    onmessage?: (event: object) => void;
    onclose?: (event: object) => void;
    constructor() {
      state.sockets.push(this);
    }
    send(): void {}
    close(): void {}
  }
  vi.stubGlobal("WebSocket", Line);
  vi.stubGlobal("fetch", (asked: string | Request) => {
    const path = typeof asked === "string" ? asked : new URL(asked.url).pathname;
    const answer = state.answers[path];
    if (answer === undefined) return Promise.reject(new TypeError(`No answer to ${path}.`));
    if (answer instanceof Uint8Array) return Promise.resolve(new Response(answer as Uint8Array<ArrayBuffer>));
    return Promise.resolve(Response.json(answer));
  });
  return state;
});

const { ReadingSession } = await import("./session");

const SHAPE = [2, 2, 2] as const;
const computed = Uint8Array.of(0, 1, 1, 0, 0, 0, 1, 1);
const earlier = Uint8Array.of(2, 2, 0, 0, 0, 0, 0, 0);
const job = { id: "j", series_id: "s", model_name: "otsu", state: "running", attempt: 1 } as unknown as Job;

function revision(id: string): Revision {
  return {
    id,
    segmentation_id: id,
    number: 1,
    base_id: null,
    digest: "",
    algorithm_type: "AUTOMATIC",
    provenance: {},
    created_by: null,
    created_at: "2026-11-01T12:00:00Z",
    segments: [],
  };
}

function list(...ids: string[]): void {
  server.answers["/api/series/s/segmentations"] = {
    results: ids.map((id) => ({
      id,
      series_id: "s",
      name: id,
      created_at: "",
      created_by: null,
      revisions: [revision(id)],
    })),
  };
}

/** A session that shows the earlier label map and then runs a model. */
async function startRun() {
  const session = new ReadingSession({ id: "x", series: [] } as unknown as Study, "s", { userId: "1", canEdit: true });
  session.labelMap = new LabelMap([...SHAPE]);
  session.set({ models: [], chosenModel: "otsu" });
  await session.labels.openFirst();
  expect(session.state.shown).toMatchObject({ kind: "revision", revision: { id: "earlier" } });
  await session.jobs.run();
  const socket = server.sockets.at(-1);
  const say = (message: object) => socket?.onmessage?.({ data: JSON.stringify(message) });
  say({ type: "attempt.started", attempt: 1 });
  const brick = encodeBrick(computed, 0, 2, 2);
  new DataView(brick.buffer).setUint32(8, 1, true);
  socket?.onmessage?.({ data: brick.buffer });
  const end = (revisionId: string | null, digest: string | null, state = "succeeded") => {
    say({ type: "stream.ended", attempt: 1, last_sequence: 1, state, revision_id: revisionId, digest });
  };
  const tell = (now: Partial<Job>) => say({ type: "job.progressed", job: { ...job, ...now } });
  return { session, tell, end, voxels: () => [...(session.labelMap?.voxels ?? [])] };
}

const shown = (id: string) => ({ kind: "revision", revision: { id } });

describe("JobDesk", () => {
  beforeEach(() => {
    server.answers = {
      "/api/jobs": job,
      "/api/revisions/earlier/label-map": encodeBrick(earlier, 0, 2, 2),
      "/api/revisions/result/label-map": encodeBrick(computed, 0, 2, 2),
    };
    list("earlier");
  });
  afterEach(() => {
    server.sockets = [];
  });

  it("calls what was streamed the stored label map where both are the same bit for bit", async () => {
    const { session, end, voxels } = await startRun();
    list("earlier", "result");
    delete server.answers["/api/revisions/result/label-map"]; // there is no need to fetch it
    end("result", (await digestVoxels(computed, SHAPE)) ?? null);
    await vi.waitFor(() => expect(session.state.shown).toMatchObject(shown("result")));
    expect(voxels()).toEqual([...computed]);
  });

  it("fetches the stored label map where they differ", async () => {
    const { session, end, voxels } = await startRun();
    const stored = computed.map((label) => 1 - label);
    list("earlier", "result");
    server.answers["/api/revisions/result/label-map"] = encodeBrick(stored, 0, 2, 2);
    end("result", (await digestVoxels(stored, SHAPE)) ?? null);
    await vi.waitFor(() => expect(session.state.shown).toMatchObject(shown("result")));
    expect(voxels()).toEqual([...stored]);
  });

  it.each(["cancelled", "failed"])("shows the earlier label map again after a run that was %s", async (state) => {
    const { session, end, voxels } = await startRun();
    end(null, null, state);
    await vi.waitFor(() => expect(session.state.shown).toMatchObject(shown("earlier")));
    expect(voxels()).toEqual([...earlier]);
  });

  it("lets a run's end stand when the answer to the cancelling comes after it", async () => {
    const { session, tell, end } = await startRun();
    server.answers["/api/jobs/j/cancel"] = { ...job, is_cancel_requested: true };
    const asked = session.jobs.cancel();
    tell({ state: "cancelled", is_cancel_requested: true });
    end(null, null, "cancelled");
    await asked;
    expect(session.state.job?.state).toBe("cancelled");
  });

  it("keeps the labels while the list cannot be read, and names them once it can", async () => {
    const { session, end, voxels } = await startRun();
    delete server.answers["/api/series/s/segmentations"];
    end("result", (await digestVoxels(computed, SHAPE)) ?? null);
    await vi.waitFor(() => expect(voxels()).toEqual([...computed]));
    expect(session.state.shown.kind).toBe("live");
    list("earlier", "result");
    await session.labels.refresh();
    await vi.waitFor(() => expect(session.state.shown).toMatchObject(shown("result")));
  });

  it("lets a run go on off the screen when another label map is chosen, and shows it again when asked", async () => {
    const { session, end, voxels } = await startRun();
    await session.labels.show(revision("earlier"));
    list("earlier", "result");
    end("result", (await digestVoxels(computed, SHAPE)) ?? null);
    await Promise.resolve();
    expect(session.state.shown).toMatchObject(shown("earlier"));
    expect(voxels()).toEqual([...earlier]);
    session.jobs.lookBack();
    expect(session.state.shown.kind).toBe("live");
    expect(voxels()).toEqual(new Array(8).fill(0));
  });
});
