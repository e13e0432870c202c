import { describe, expect, it } from "vitest";

import { EMPTY_IMPORT, hasModelSuffix, problemsOf, readTriple, wishOf } from "./model_import";

describe("what is said about a model that is imported", () => {
  it("is nothing but the file's name for a zip", () => {
    expect(problemsOf(EMPTY_IMPORT, "bundle.zip")).toEqual([]);
    expect(wishOf(EMPTY_IMPORT, "bundle.zip")).toEqual({ file_name: "bundle.zip" });
  });

  it("asks for segments and a window where a file alone is sent", () => {
    expect(problemsOf(EMPTY_IMPORT, "net.ts")).toEqual(["segments", "window"]);
    expect(problemsOf({ ...EMPTY_IMPORT, scheme: "range" }, "net.onnx")).toEqual(["segments", "window", "low", "high"]);
    const spaced = { ...EMPTY_IMPORT, segments: "Liver", window: "32 x 96 x 96", spacing: "2 x 1" };
    expect(problemsOf(spaced, "net.ts")).toEqual(["spacing"]);
  });

  it("becomes numbers and lists", () => {
    const draft = {
      ...EMPTY_IMPORT,
      title: " Liver ",
      modality: "CT",
      segments: "Liver, Tumour ,",
      window: "32x96 x 96",
      spacing: "2.5 x 0,8 x 0.8",
      scheme: "range" as const,
      low: "-100",
      high: "400",
    };
    expect(problemsOf(draft, "net.ts")).toEqual([]);
    expect(wishOf(draft, "net.ts")).toEqual({
      file_name: "net.ts",
      title: " Liver ",
      modalities: ["CT"],
      description: {
        segments: ["Liver", "Tumour"],
        window: [32, 96, 96],
        spacing_mm: [2.5, 0.8, 0.8],
        orientation: "slice row column",
        scheme: "range",
        intended_use: "",
        low: -100,
        high: 400,
      },
    });
  });

  it("takes three positive numbers and no others", () => {
    expect(readTriple("32 x 96 x 96")).toEqual([32, 96, 96]);
    for (const text of ["", "1 x 2", "1 x 2 x 3 x 4", "1 x 2 x 0", "a x b x c"])
      expect(readTriple(text)).toBeUndefined();
  });

  it("knows the files that hold a model", () => {
    expect(["a.zip", "b.ONNX", "c.pth"].every(hasModelSuffix)).toBe(true);
    expect(["a.tar", "zip", "b.dcm"].some(hasModelSuffix)).toBe(false);
  });
});
