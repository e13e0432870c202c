import type { Act } from "../act";
import type { ReadingSession } from "./session";

/** One thing a reader can do on the reading page. */
export type ReadingAct = Act<ReadingSession>;
