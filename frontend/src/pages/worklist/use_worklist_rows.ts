import { useState } from "react";

import type { WorklistEntry, WorklistPage } from "../../api/records";
import { showWaiting, type SteadyRows, takeAnswer } from "../../state/steady_rows";

interface WorklistRows {
  readonly rows: readonly WorklistEntry[];
  readonly hasChanged: boolean;
  readonly showChanges: () => void;
}

/** The rows to show for the latest answer: live values, steady order. */
export function useWorklistRows(page: WorklistPage | undefined, question: string, isAwaited: boolean): WorklistRows {
  const [taken, setTaken] = useState<{ page: WorklistPage; question: string }>();
  const [steady, setSteady] = useState<SteadyRows<WorklistEntry>>();
  if (page && (taken?.page !== page || taken.question !== question)) {
    // Derived from the answer while rendering: an effect would show one frame of the old rows under the new head.
    setTaken({ page, question });
    setSteady(takeAnswer(steady, { question, rows: page.results, isAwaited }, (entry) => entry.study_id));
  }
  return {
    rows: steady?.shown ?? [],
    hasChanged: steady?.waiting !== undefined,
    showChanges: () => setSteady((current) => current && showWaiting(current)),
  };
}
