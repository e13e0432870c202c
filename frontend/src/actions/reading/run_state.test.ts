import { describe, expect, it } from "vitest";

import { initialReading, type ReadingState } from "../../state/reading";
import type { Model, ModelInputs } from "../../state/records";
import { canRun, inputOf, isInputRepeated } from "./run_state";

const model = { name: "glioma", is_applicable: true, parameters: [], channels: ["T1", "T1c"] } as unknown as Model;

function inputs(t1: string | null, t1c: string | null): ModelInputs {
  return {
    inputs: [
      { channel: "T1", series_id: t1, note: "" },
      { channel: "T1c", series_id: t1c, note: "" },
    ],
    choices: [],
    problem: "",
  };
}

function state(part: Partial<ReadingState>): ReadingState {
  return { ...initialReading, canEdit: true, models: [model], chosenModel: "glioma", ...part };
}

describe("a model that reads several series", () => {
  it("waits until the server has said which", () => {
    expect(canRun(state({}))).toBe(false);
    expect(canRun(state({ modelInputs: inputs("a", "b") }))).toBe(true);
  });

  it("cannot run while one is missing, and can once the reader has chosen it", () => {
    expect(canRun(state({ modelInputs: inputs("a", null) }))).toBe(false);
    expect(canRun(state({ modelInputs: inputs("a", null), chosenInputs: { T1c: "c" } }))).toBe(true);
  });

  it("takes the reader's choice before the server's, and each series once", () => {
    const chosen = state({ modelInputs: inputs("a", "b"), chosenInputs: { T1c: "a" } });
    expect(inputOf(chosen, "T1c")).toBe("a");
    expect(inputOf(chosen, "T1")).toBe("a");
    expect(isInputRepeated(chosen)).toBe(true);
    expect(canRun(chosen)).toBe(false);
  });
});

describe("a model that reads the open series alone", () => {
  it("asks for no others", () => {
    const alone = { ...model, channels: [] } as unknown as Model;
    expect(canRun(state({ models: [alone] }))).toBe(true);
  });
});
