import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";

import { changeFilters, parseFilters, type WorklistFilters, writeFilters } from "../../state/worklist_filters";

interface FiltersInAddress {
  readonly filters: WorklistFilters;
  readonly change: (change: Partial<WorklistFilters>) => void;
}

/** The filters, kept in the address: a link or a reload shows the same list. */
export function useFilters(): FiltersInAddress {
  const [address, setAddress] = useSearchParams();
  const filters = useMemo(() => parseFilters(address), [address]);
  const change = useCallback(
    (fields: Partial<WorklistFilters>) =>
      setAddress((current) => writeFilters(changeFilters(parseFilters(current), fields)), { replace: true }),
    [setAddress],
  );
  return { filters, change };
}
