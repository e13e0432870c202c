/** One thing with a date on the axis. */
export interface Dated {
  readonly id: string;
  /** Days since 1970-01-01. */
  readonly day: number;
}

export interface AxisMark {
  readonly id: string;
  readonly x: number;
  /** 0 on the axis; higher where marks would lie on each other. */
  readonly lane: number;
  /** There is room for the mark's date under it. */
  readonly hasLabel: boolean;
}

/** A stretch of time on the axis; without an end it goes on. */
export interface AxisSpan {
  readonly id: string;
  readonly fromDay: number;
  readonly toDay: number | null;
}

export interface PlacedSpan {
  readonly id: string;
  readonly x: number;
  readonly width: number;
  /** 0 nearest to the axis; spans that overlap lie above each other. */
  readonly lane: number;
}

export interface AxisTick {
  readonly x: number;
  readonly day: number;
  readonly isYear: boolean;
}

export interface TimeAxis {
  readonly marks: readonly AxisMark[];
  readonly spans: readonly PlacedSpan[];
  readonly ticks: readonly AxisTick[];
  readonly lanes: number;
}

export interface AxisRoom {
  readonly width: number;
  readonly padding: number;
  /** Marks nearer than this lie on each other. */
  readonly markGap: number;
  /** Labels nearer than this do. */
  readonly labelGap: number;
}

const DAY_MS = 86_400_000;
const SHORTEST_SPAN_DAYS = 28;

const dayOf = (year: number, month: number): number => Date.UTC(year, month, 1) / DAY_MS;

/** Firsts of months between two days, every `step` months counted from January. */
function monthStarts(first: number, last: number, step: number): number[] {
  const start = new Date(first * DAY_MS);
  const days: number[] = [];
  let month = start.getUTCFullYear() * 12 + Math.ceil(start.getUTCMonth() / step) * step;
  for (let day = dayOf(0, 0); ; month += step) {
    day = dayOf(Math.floor(month / 12), month % 12);
    if (day > last) return days;
    if (day >= first) days.push(day);
  }
}

const STEPS_MONTHS = [1, 2, 3, 6, 12, 24, 60, 120];

/** Places marks at their true dates: equal times are equal lengths, nothing is squeezed. */
export function layOutAxis(items: readonly Dated[], room: AxisRoom, spans: readonly AxisSpan[] = []): TimeAxis {
  if (items.length === 0) return { marks: [], spans: [], ticks: [], lanes: 0 };
  const days = items.map((item) => item.day);
  const middle = (Math.min(...days) + Math.max(...days)) / 2;
  const span = Math.max(Math.max(...days) - Math.min(...days), SHORTEST_SPAN_DAYS);
  const first = middle - span / 2;
  const inner = Math.max(1, room.width - 2 * room.padding);
  const place = (day: number): number => room.padding + ((day - first) / span) * inner;
  const marks = placeMarks(items, place, room);
  return {
    marks,
    spans: placeSpans(spans, place, room),
    ticks: placeTicks(first, first + span, place, room),
    lanes: Math.max(...marks.map((mark) => mark.lane)) + 1,
  };
}

function placeMarks(items: readonly Dated[], place: (day: number) => number, room: AxisRoom): AxisMark[] {
  const lastInLane: number[] = [];
  let lastLabel = Number.NEGATIVE_INFINITY;
  const sorted = [...items].sort((one, other) => one.day - other.day);
  return sorted.map((item) => {
    const x = place(item.day);
    const free = lastInLane.findIndex((taken) => x - taken >= room.markGap);
    const lane = free < 0 ? lastInLane.length : free;
    lastInLane[lane] = x;
    const hasLabel = x - lastLabel >= room.labelGap;
    if (hasLabel) lastLabel = x;
    return { id: item.id, x, lane, hasLabel };
  });
}

function placeTicks(first: number, last: number, place: (day: number) => number, room: AxisRoom): AxisTick[] {
  const most = Math.max(2, Math.floor(room.width / room.labelGap));
  const candidates = STEPS_MONTHS.map((step) => monthStarts(first, last, step));
  const days = candidates.find((starts) => starts.length <= most) ?? [];
  return days.map((day) => ({ x: place(day), day, isYear: new Date(day * DAY_MS).getUTCMonth() === 0 }));
}

const LEAST_SPAN_PX = 4;

/** Spans are cut to the axis; each lies in the lowest lane that is free. */
function placeSpans(spans: readonly AxisSpan[], place: (day: number) => number, room: AxisRoom): PlacedSpan[] {
  const left = room.padding / 2;
  const right = room.width - room.padding / 2;
  const lastInLane: number[] = [];
  return [...spans]
    .sort((one, other) => one.fromDay - other.fromDay)
    .flatMap(({ id, fromDay, toDay }) => {
      const from = Math.max(left, place(fromDay));
      const to = Math.min(right, toDay === null ? right : place(toDay));
      if (to < left || from > right) return [];
      const width = Math.max(LEAST_SPAN_PX, to - from);
      const free = lastInLane.findIndex((taken) => from >= taken);
      const lane = free < 0 ? lastInLane.length : free;
      lastInLane[lane] = from + width;
      return [{ id, x: from, width, lane }];
    });
}
