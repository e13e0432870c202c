import type { Catalogue } from "./catalogue";
import { compare } from "./de/compare";
import { charts } from "./de/charts";
import { figures } from "./de/figures";
import { evaluations } from "./de/evaluations";
import { gate } from "./de/gate";
import { explanation } from "./de/explanation";
import { lesions } from "./de/lesions";
import { models } from "./de/models";
import { patient } from "./de/patient";
import { people } from "./de/people";
import { reading } from "./de/reading";
import { records } from "./de/records";
import { routing } from "./de/routing";
import { shell } from "./de/shell";
import { uploads } from "./de/uploads";
import { verdict } from "./de/verdict";
import { worklist } from "./de/worklist";

/** Every text in German; a key too many or too few does not compile. */
export const de = {
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
} satisfies Catalogue;
