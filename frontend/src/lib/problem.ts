/** A refusal by the server: a stable code for the program, a sentence for the person. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";

  constructor(
    readonly status: number,
    readonly code: string,
    readonly sentence: string,
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(sentence);
  }
}

/** The server could not be reached: no network, or it is down. */
export class OfflineError extends Error {
  override readonly name = "OfflineError";
}

/** Whether asking again could help: the network or the server was at fault, not the question. */
export function isPassing(error: unknown): boolean {
  return error instanceof OfflineError || (error instanceof ApiProblem && [502, 503, 504].includes(error.status));
}
