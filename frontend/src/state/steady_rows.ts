/** Rows on screen that do not jump: fresh values flow in, a fresh order waits until the reader asks for it. */
export interface SteadyRows<Row> {
  /** What was asked (filters, sorting, page): another question shows its answer at once. */
  readonly question: string;
  readonly shown: readonly Row[];
  /** The latest answer, when its rows or their order differ from what is shown. */
  readonly waiting: readonly Row[] | undefined;
}

interface FreshAnswer<Row> {
  readonly question: string;
  readonly rows: readonly Row[];
  /** Show the fresh order at once: the reader waits for it (an upload of their own). */
  readonly isAwaited: boolean;
}

/** Takes in an answer of the server. */
export function takeAnswer<Row>(
  current: SteadyRows<Row> | undefined,
  answer: FreshAnswer<Row>,
  idOf: (row: Row) => string,
): SteadyRows<Row> {
  const { question, rows } = answer;
  const isSameOrder =
    current?.question === question &&
    current.shown.length === rows.length &&
    current.shown.every((row, index) => {
      const fresh = rows[index];
      return fresh !== undefined && idOf(fresh) === idOf(row);
    });
  const canReplace = answer.isAwaited || current?.question !== question || current.shown.length === 0;
  if (!current || isSameOrder || canReplace) return { question, shown: rows, waiting: undefined };
  const fresh = new Map(rows.map((row) => [idOf(row), row]));
  return { question, shown: current.shown.map((row) => fresh.get(idOf(row)) ?? row), waiting: rows };
}

/** Shows what waits. */
export function showWaiting<Row>(rows: SteadyRows<Row>): SteadyRows<Row> {
  return rows.waiting ? { ...rows, shown: rows.waiting, waiting: undefined } : rows;
}
