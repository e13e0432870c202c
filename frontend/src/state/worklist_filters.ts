/** What the worklist is narrowed to and sorted by, as the address bar holds it. */
export interface WorklistFilters {
  readonly search: string;
  readonly modality: string;
  readonly team: string;
  readonly state: string;
  readonly dateFrom: string;
  readonly dateTo: string;
  readonly ordering: Ordering;
  readonly page: number;
}

export const SORTABLE = [
  "study_date",
  "received_at",
  "patient_name",
  "study_description",
  "segmentation_state",
] as const;
export type Sortable = (typeof SORTABLE)[number];
export type Ordering = Sortable | `-${Sortable}`;

export const SEGMENTATION_STATES = ["none", "queued", "running", "segmented", "needs_eyes", "failed"] as const;
type SegmentationState = (typeof SEGMENTATION_STATES)[number];

export const PAGE_SIZE = 50;
const FIRST_ORDERING: Ordering = "-received_at";

export const NO_FILTERS: WorklistFilters = {
  search: "",
  modality: "",
  team: "",
  state: "",
  dateFrom: "",
  dateTo: "",
  ordering: FIRST_ORDERING,
  page: 1,
};

function parseOrdering(raw: string | null): Ordering {
  const column = SORTABLE.find((name) => name === raw?.replace(/^-/, ""));
  if (!column) return FIRST_ORDERING;
  return raw?.startsWith("-") ? `-${column}` : column;
}

function parseDate(raw: string | null): string {
  return raw && /^\d{4}-\d{2}-\d{2}$/.test(raw) && !Number.isNaN(Date.parse(raw)) ? raw : "";
}

/** Reads the filters from an address; what makes no sense there is left at its default. */
export function parseFilters(address: URLSearchParams): WorklistFilters {
  const page = Number(address.get("page"));
  return {
    search: address.get("search") ?? "",
    modality: address.get("modality") ?? "",
    team: address.get("team") ?? "",
    state: SEGMENTATION_STATES.find((state) => state === address.get("state")) ?? "",
    dateFrom: parseDate(address.get("from")),
    dateTo: parseDate(address.get("to")),
    ordering: parseOrdering(address.get("ordering")),
    page: Number.isInteger(page) && page > 0 ? page : 1,
  };
}

/** Writes the filters for the address bar: only what differs from the default. */
export function writeFilters(filters: WorklistFilters): URLSearchParams {
  const address = new URLSearchParams();
  const put = (name: string, value: string, silent: string) => {
    if (value !== silent) address.set(name, value);
  };
  put("search", filters.search, "");
  put("modality", filters.modality, "");
  put("team", filters.team, "");
  put("state", filters.state, "");
  put("from", filters.dateFrom, "");
  put("to", filters.dateTo, "");
  put("ordering", filters.ordering, FIRST_ORDERING);
  put("page", String(filters.page), "1");
  return address;
}

/** Changes filters; any change but turning the page starts at the first page again. */
export function changeFilters(filters: WorklistFilters, change: Partial<WorklistFilters>): WorklistFilters {
  return { ...filters, page: 1, ...change };
}

/** Whether anything narrows the list (sorting and paging do not). */
export function isNarrowed(filters: WorklistFilters): boolean {
  const { search, modality, team, state, dateFrom, dateTo } = filters;
  return [search, modality, team, state, dateFrom, dateTo].some((value) => value !== "");
}

/** The ordering after a press on a column's head: names rise first, dates fall first, a second press turns round. */
export function toggleOrdering(current: Ordering, column: Sortable): Ordering {
  if (current === column) return `-${column}`;
  if (current === `-${column}`) return column;
  return column === "study_date" || column === "received_at" ? `-${column}` : column;
}

export interface WorklistQueryFields {
  page: number;
  page_size: number;
  ordering: Ordering;
  search?: string;
  modality?: string;
  team?: string;
  state?: SegmentationState;
  date_from?: string;
  date_to?: string;
}

/** The server's question for these filters. */
export function queryOf(filters: WorklistFilters): WorklistQueryFields {
  const state = SEGMENTATION_STATES.find((known) => known === filters.state);
  return {
    page: filters.page,
    page_size: PAGE_SIZE,
    ordering: filters.ordering,
    ...(filters.search ? { search: filters.search } : {}),
    ...(filters.modality ? { modality: filters.modality } : {}),
    ...(filters.team ? { team: filters.team } : {}),
    ...(state ? { state } : {}),
    ...(filters.dateFrom ? { date_from: filters.dateFrom } : {}),
    ...(filters.dateTo ? { date_to: filters.dateTo } : {}),
  };
}
