import { describe, expect, it } from "vitest";

import type { Job, Model, Revision, Segmentation } from "./records";
import { canDraw, initialReading, lockedSegment, reduceReading, type ReadingState } from "./reading";

function revision(number: number, segmentationId = "s1"): Revision {
  return {
    id: `${segmentationId}r${String(number)}`,
    segmentation_id: segmentationId,
    number,
    base_id: null,
    digest: "",
    algorithm_type: "MANUAL",
    provenance: {},
    created_by: "ida",
    created_at: "2026-11-01T12:00:00Z",
    segments: [],
  };
}

function segmentation(...revisions: Revision[]): Segmentation {
  const unjudged = { accepted_at: null, accepted_by: null, gate: null, model_version: "", needs_eyes: false };
  return { id: "s1", series_id: "x", name: "Tumour", created_at: "", created_by: "ida", ...unjudged, revisions };
}

const regionGrowing = {
  name: "grow",
  parameters: [
    { name: "seed", label: "Point", kind: "point", unit: "", default: null, minimum: null, maximum: null },
    { name: "tolerance", label: "Tolerance", kind: "number", unit: "", default: 2, minimum: 0, maximum: 9 },
  ],
} as unknown as Model;

const editing: ReadingState = { ...initialReading, canEdit: true, hasVolume: true };

describe("reading state", () => {
  it("knows the latest revision, also when another one is saved meanwhile", () => {
    let state = reduceReading(editing, {
      type: "segmentations.read",
      segmentations: [segmentation(revision(1), revision(2))],
    });
    state = reduceReading(state, { type: "revision.shown", revision: revision(2) });
    expect(state.shown).toMatchObject({ kind: "revision", isLatest: true });
    state = reduceReading(state, {
      type: "segmentations.read",
      segmentations: [segmentation(revision(3), revision(1), revision(2))],
    });
    expect(state.shown).toMatchObject({ kind: "revision", isLatest: false, revision: { number: 2 } });
  });

  it("lays the brush down where nothing can be drawn upon, and keeps it while saving", () => {
    let state = reduceReading(editing, { type: "revision.shown", revision: revision(1) });
    state = reduceReading(state, { type: "tool.chosen", tool: "brush" });
    state = reduceReading(state, { type: "changed", part: { save: { kind: "saving" } } });
    expect([state.tool, canDraw(state)]).toEqual(["brush", false]);
    state = reduceReading(state, { type: "changed", part: { shown: { kind: "live", jobId: "j" } } });
    expect(state.tool).toBe("crosshair");
  });

  it("lets nobody draw who may not edit", () => {
    const state = reduceReading(initialReading, { type: "revision.shown", revision: revision(1) });
    expect(canDraw(state)).toBe(false);
  });

  it("keeps eye and lock of segments that stay", () => {
    const rows = [
      { number: 1, label: "Core", colour: "#e69f00" },
      { number: 2, label: "Oedema", colour: "#0072b2" },
    ];
    let state = reduceReading(editing, { type: "segments.described", segments: rows });
    expect(state.activeSegment).toBe(1);
    state = reduceReading(state, { type: "segment.changed", number: 2, part: { isVisible: false, isLocked: true } });
    state = reduceReading(state, { type: "changed", part: { activeSegment: 2 } });
    state = reduceReading(state, { type: "segments.described", segments: rows.slice(1) });
    expect(state.segments).toEqual([
      { number: 2, label: "Oedema", colour: "#0072b2", isVisible: false, isLocked: true, volumeMl: undefined },
    ]);
    expect(state.activeSegment).toBe(2);
  });

  it("names the locked segment that the brush would draw with; the eraser spares it by itself", () => {
    const rows = [
      { number: 1, label: "Core", colour: "#e69f00" },
      { number: 2, label: "Oedema", colour: "#0072b2" },
    ];
    let state = reduceReading(editing, { type: "revision.shown", revision: revision(1) });
    state = reduceReading(state, { type: "segments.described", segments: rows });
    state = reduceReading(state, { type: "tool.chosen", tool: "brush" });
    state = reduceReading(state, { type: "segment.changed", number: 2, part: { isLocked: true } });
    expect(lockedSegment(state)).toBeUndefined();
    state = reduceReading(state, { type: "changed", part: { activeSegment: 2 } });
    expect(lockedSegment(state)?.label).toBe("Oedema");
    state = reduceReading(state, { type: "tool.chosen", tool: "eraser" });
    expect(lockedSegment(state)).toBeUndefined();
  });

  it("says 0 mL of a segment that has no voxel left", () => {
    let state = reduceReading(editing, {
      type: "segments.described",
      segments: [{ number: 1, label: "a", colour: "#fff" }],
    });
    state = reduceReading(state, { type: "volumes.counted", volumesMl: new Map([[2, 4]]) });
    expect(state.segments[0]?.volumeMl).toBe(0);
  });

  it("fills in defaults of a model and asks for its point", () => {
    let state = reduceReading({ ...editing, models: [regionGrowing] }, { type: "model.chosen", name: "grow" });
    expect(state.parameters).toEqual({ seed: undefined, tolerance: 2 });
    state = reduceReading(state, { type: "changed", part: { picking: "seed", tool: "point" } });
    state = reduceReading(state, { type: "point.picked", voxel: [3, 4, 5] });
    expect(state).toMatchObject({ parameters: { seed: [3, 4, 5], tolerance: 2 }, picking: null, tool: "crosshair" });
    expect(reduceReading(state, { type: "point.picked", voxel: [0, 0, 0] })).toBe(state);
  });

  it("drops what an earlier attempt still says", () => {
    const job = (attempt: number) => ({ id: "j", attempt }) as Job;
    const state = reduceReading(editing, { type: "job.read", job: job(2) });
    expect(reduceReading(state, { type: "job.read", job: job(1) })).toBe(state);
    expect(reduceReading(state, { type: "job.read", job: job(3) }).job?.attempt).toBe(3);
  });
});
