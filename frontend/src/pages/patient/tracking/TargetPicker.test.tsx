import { QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen } from "@testing-library/react";
import { expect, it } from "vitest";

import { queryClient } from "../../../api/query_client";
import type { Tracking } from "../../../api/records";
import type { TrackingWish } from "../../../api/tracking";
import { TargetPicker } from "./TargetPicker";

const MEASURABLE = { measurability: "measurable", rule_id: "R11", sentence: "" };

function course(targets: readonly string[]): Tracking {
  const lesions = ["L1", "L2"].map((name) => ({
    id: name,
    name,
    role: targets.includes(name) ? "target" : "non_target",
    description: {},
    measurability: MEASURABLE,
  }));
  return { patient_id: "p", lesions } as unknown as Tracking;
}

function shown(tracking: Tracking, wishes: TrackingWish[]) {
  return (
    <QueryClientProvider client={queryClient}>
      <TargetPicker tracking={tracking} onWish={(wish) => wishes.push(wish)} isBusy={false} canEdit />
    </QueryClientProvider>
  );
}

it("says that a colleague chose others meanwhile, and keeps the ticks until they are confirmed or dropped", () => {
  const wishes: TrackingWish[] = [];
  const { rerender } = render(shown(course([]), wishes));
  fireEvent.click(screen.getByRole("checkbox", { name: /L1/ }));
  rerender(shown(course(["L2"]), wishes));
  expect(screen.getByText(/changed the targets since you began: L2 now/)).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Confirm these targets" }));
  expect(wishes).toEqual([{ act: "choose_targets", patientId: "p", lesionIds: ["L1"], seenIds: ["L2"] }]);
  expect(screen.queryByText(/since you began/)).toBeNull();
});
