import { compare } from "./en/compare";
import { charts } from "./en/charts";
import { figures } from "./en/figures";
import { evaluations } from "./en/evaluations";
import { gate } from "./en/gate";
import { explanation } from "./en/explanation";
import { lesions } from "./en/lesions";
import { models } from "./en/models";
import { patient } from "./en/patient";
import { people } from "./en/people";
import { reading } from "./en/reading";
import { records } from "./en/records";
import { routing } from "./en/routing";
import { shell } from "./en/shell";
import { uploads } from "./en/uploads";
import { verdict } from "./en/verdict";
import { worklist } from "./en/worklist";

/** Every text SegWeb shows, in English; the other languages have exactly these keys. */
export const en = {
  ...shell,
  ...people,
  ...worklist,
  ...uploads,
  ...patient,
  ...charts,
  ...reading,
  ...compare,
  ...verdict,
  ...lesions,
  ...figures,
  ...evaluations,
  ...explanation,
  ...records,
  ...models,
  ...routing,
  ...gate,
} as const;
