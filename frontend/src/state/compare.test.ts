import { describe, expect, it } from "vitest";

import { beginCompare, chooseLikest, linkOf } from "./compare";
import { lesionsOf, middleOf, readLesionKey, readPlace, refusalsOf } from "./lesions";
import { canDraw, initialReading, type ReadingState } from "./reading";
import type { LesionMeasurement, Registration, SeriesBrief } from "./records";

const series = (part: Partial<SeriesBrief>): SeriesBrief =>
  ({
    is_volume: true,
    modality: "MR",
    series_description: "",
    frame_count: 30,
    spacing_mm: [3, 1, 1],
    ...part,
  }) as SeriesBrief;

describe("chooseLikest", () => {
  const current = series({ id: "now", series_description: "T1 post contrast axial" });
  it("prefers the same kind of image by its words", () => {
    const flair = series({ id: "flair", series_description: "FLAIR axial" });
    const t1 = series({ id: "t1", series_description: "T1 axial post contrast" });
    expect(chooseLikest(current, [flair, t1])?.id).toBe("t1");
  });
  it("prefers the modality to the words, and a volume to all else", () => {
    const ct = series({ id: "ct", modality: "CT", series_description: "T1 post contrast axial" });
    const scout = series({ id: "scout", is_volume: false, series_description: "T1 post contrast axial" });
    const mr = series({ id: "mr", series_description: "localizer" });
    expect(chooseLikest(current, [ct, scout, mr])?.id).toBe("mr");
  });
  it("prefers the slice distance that is nearest", () => {
    const thick = series({ id: "thick", spacing_mm: [6, 1, 1] });
    const thin = series({ id: "thin", spacing_mm: [2.5, 1, 1] });
    expect(chooseLikest(series({ spacing_mm: [3, 1, 1] }), [thick, thin])?.id).toBe("thin");
  });
  it("finds nothing where there is nothing to see", () => {
    expect(chooseLikest(current, [series({ frame_count: 0 })])).toBeUndefined();
  });
});

describe("linkOf", () => {
  const matrix = [1, 0, 0, 4, 0, 1, 0, 5, 0, 0, 1, 6, 0, 0, 0, 1];
  const compared = (registration: Partial<Registration>, isLinkedAnyway = false) => ({
    ...beginCompare("prior"),
    registration: registration as Registration,
    isLinkedAnyway,
  });
  it("links by what is trusted", () => {
    expect(linkOf(compared({ state: "done", is_trusted: true, prior_to_current_mm: matrix }))).toEqual(
      matrix.slice(0, 12),
    );
  });
  it("links by what is in doubt only when a person says so", () => {
    const doubtful = { state: "done", is_trusted: false, prior_to_current_mm: matrix } as const;
    expect(linkOf(compared(doubtful))).toBeUndefined();
    expect(linkOf(compared(doubtful, true))).toBeDefined();
  });
  it("never links what failed or runs", () => {
    expect(linkOf(compared({ state: "failed", is_trusted: false, prior_to_current_mm: null }, true))).toBeUndefined();
    expect(linkOf(compared({ state: "pending", is_trusted: false, prior_to_current_mm: null }, true))).toBeUndefined();
    expect(linkOf(null)).toBeUndefined();
  });
});

describe("drawing", () => {
  const drawable = {
    ...initialReading,
    canEdit: true,
    shown: { kind: "revision", revision: {}, isLatest: true },
  } as ReadingState;
  it("is for the current images, never for a prior in their place", () => {
    const compare = beginCompare("prior");
    expect(canDraw({ ...drawable, compare })).toBe(true);
    expect(canDraw({ ...drawable, compare: { ...compare, mode: "flicker", showsPrior: false } })).toBe(true);
    expect(canDraw({ ...drawable, compare: { ...compare, mode: "flicker", showsPrior: true } })).toBe(false);
    expect(canDraw({ ...drawable, compare: { ...compare, mode: "difference" } })).toBe(false);
  });
});

describe("lesions", () => {
  const lesion = (number: number, mm: number): LesionMeasurement =>
    ({
      segment_number: 2,
      lesion_number: number,
      longest_diameter: { value: mm },
      in_plane: {
        slice_index: 7,
        longest: {
          ends_index: [
            [7, 10, 20],
            [7, 14, 30],
          ],
        },
      },
    }) as unknown as LesionMeasurement;
  it("come largest first", () => {
    const measured = {
      kind: "done",
      revisionId: "r",
      lesions: [lesion(1, 4), lesion(2, 9), lesion(3, 6)],
      refusals: [],
    } as const;
    expect(lesionsOf(measured, 2).map((one) => one.lesion_number)).toEqual([2, 3, 1]);
    expect(lesionsOf(measured, 1)).toEqual([]);
  });
  it("are looked at in the middle of their longest diameter", () => {
    expect(middleOf(lesion(1, 4))).toEqual([7, 12, 25]);
  });
});

describe("uptake", () => {
  it("says once why there is no SUV, and nothing where there is", () => {
    const scale = (refusal: string) => ({ unit: "SUVbw g/mL", refusal, refusal_code: "", basis: "" });
    expect(refusalsOf([scale("Patient's weight is missing."), scale("Patient's weight is missing.")])).toEqual([
      "Patient's weight is missing.",
    ]);
    expect(refusalsOf([scale("")])).toEqual([]);
  });
});

describe("the address", () => {
  it("names a lesion and a place", () => {
    expect(readLesionKey("2.5")).toEqual({ segment: 2, number: 5 });
    expect(readPlace("1.5,-20,33")).toEqual([1.5, -20, 33]);
  });
  it("is ignored where it makes no sense", () => {
    expect(readLesionKey("x")).toBeNull();
    expect(readPlace("1,2")).toBeNull();
    expect(readPlace("1,,3")).toBeNull();
    expect(readPlace(null)).toBeNull();
  });
});
