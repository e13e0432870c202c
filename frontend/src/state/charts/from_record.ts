import type { components } from "../../contract/api";
import { dayNumber } from "../../lib/dates";
import type { SwimmerCourse, WaterfallEntry } from "./cohort";
import type { Estimate, TherapySpan } from "./course";
import type { LesionCourse, LesionSighting } from "./spider";
import type { SumPoint } from "./sum_course";

type Schemas = components["schemas"];

const DAY_MS = 86_400_000;

const dateAfter = (date: string, days: number): string =>
  new Date((dayNumber(date) + days) * DAY_MS).toISOString().slice(0, 10);

/** Tenths of a millimetre are what a verdict is given in; the simulation adds up binary fractions. */
const isSame = (first: number | null, second: number | null) =>
  first !== null && second !== null && Math.abs(first - second) < 0.05;

/** Of a sum's changes, the one that ends in this verdict's value. */
export function sumChangeOf(
  { numbers, day }: Pick<Schemas["TimepointVerdict"], "numbers" | "day">,
  reference: "baseline" | "nadir",
  insight: Schemas["Insight"] | undefined,
) {
  if (numbers.unit !== "mm") return undefined;
  const isIt = (each: Schemas["SumChange"]) =>
    each.reference === reference && each.to_day === day && isSame(each.change.new, numbers.value);
  return insight?.sum_changes.find(isIt)?.change;
}

/** A sum with the 95 % interval of its change from baseline, in its own unit; no interval where that is unknown. */
function sumOf(verdict: Schemas["TimepointVerdict"], insight: Schemas["Insight"] | undefined): Estimate | null {
  const { value } = verdict.numbers;
  if (value === null) return null;
  const found = sumChangeOf(verdict, "baseline", insight);
  const at = (percent: number | null | undefined) =>
    found && percent !== null && percent !== undefined ? found.old * (1 + percent / 100) : null;
  return { value, low: at(found?.low_percent), high: at(found?.high_percent) };
}

/** The sums of a verdict, provisional while a person has been asked something. */
export function sumPointsOf(assessment: Schemas["Assessment"], insight: Schemas["Insight"] | undefined): SumPoint[] {
  return assessment.timepoints.map((verdict, place) => ({
    studyId: verdict.study_id,
    date: verdict.study_date,
    sum: sumOf(verdict, insight),
    response: verdict.overall_response,
    isProvisional: assessment.questions.length > 0,
    isBaseline: place === 0,
    linesAfter: verdict.bands_after && {
      partial: verdict.bands_after.partial_at,
      progression: verdict.bands_after.progression_at,
    },
  }));
}

type Measurement = Schemas["FollowedPart"];
type Quantity = Schemas["Quantity"];

/** Fragments count together. */
function addUp(quantities: readonly Quantity[]): Estimate | null {
  if (quantities.length === 0) return null;
  const highs = quantities.map((each) => each.interval.high);
  return {
    value: quantities.reduce((sum, each) => sum + each.value, 0),
    low: quantities.reduce((sum, each) => sum + each.interval.low, 0),
    high: highs.some((high) => high === null) ? null : highs.reduce<number>((sum, high) => sum + (high ?? 0), 0),
  };
}

/** What a lesion counts with on a date: the short axis of a node, the longest diameter of anything else, mm. */
export function lengthOf(measurements: readonly Measurement[], isNode: boolean): Estimate | null {
  return addUp(measurements.map((each) => (isNode ? each.perpendicular_diameter : each.longest_diameter)));
}

export function volumeOf(measurements: readonly Measurement[]): Estimate | null {
  return addUp(measurements.map((each) => each.volume));
}

/** The changes of every lesion's diameter from its first measurement, by lesion and day: the server knows the error. */
function changesOf(insight: Schemas["Insight"] | undefined): ReadonlyMap<string, Estimate> {
  const fromFirst = insight?.lesion_changes.filter((each) => each.reference === "baseline") ?? [];
  return new Map(
    fromFirst.flatMap(({ lesion, to_day: day, diameter: { percent, low_percent, high_percent } }) => {
      const bounds = { low: low_percent ?? null, high: high_percent ?? null };
      return percent === null ? [] : [[`${lesion} ${day}`, { value: percent, ...bounds }] as const];
    }),
  );
}

/** Every lesion that nobody dismissed, on every date that takes part. */
export function lesionCoursesOf(
  tracking: Schemas["Tracking"],
  insight: Schemas["Insight"] | undefined,
): LesionCourse[] {
  const changes = changesOf(insight);
  const dates = new Map(
    tracking.timepoints.flatMap((each) =>
      each.day === null || !each.study_date
        ? []
        : [[each.id, { when: { studyId: each.study_id, date: each.study_date }, day: each.day }]],
    ),
  );
  return tracking.lesions
    .filter((lesion) => !lesion.description.dismissed_reason)
    .map((lesion) => {
      const isNode = lesion.description.kind === "node";
      const sightings = lesion.observations.flatMap((seen): LesionSighting[] => {
        const date = dates.get(seen.timepoint_id);
        if (!date) return [];
        const isMeasured = seen.state === "measured";
        return [
          {
            ...date.when,
            state: seen.state,
            diameter: isMeasured ? lengthOf(seen.measurements, isNode) : null,
            volume: isMeasured ? volumeOf(seen.measurements) : null,
            change: changes.get(`${lesion.name} ${date.day}`) ?? null,
            isProvisional: seen.confirmed_by === null && (seen.proposal?.must_ask ?? false),
          },
        ];
      });
      return {
        id: lesion.id,
        name: lesion.name,
        colourNumber: lesion.number,
        isNew: lesion.role === "new",
        sightings,
      };
    });
}

export function therapySpansOf(therapy: readonly Schemas["Therapy"][]): TherapySpan[] {
  return therapy.map((line) => ({
    id: line.id,
    kind: line.kind,
    name: line.name,
    startDate: line.start_date,
    endDate: line.end_date ?? null,
  }));
}

export function waterfallOf(cohort: Schemas["Cohort"], nameOf: (name: string) => string): WaterfallEntry[] {
  return cohort.members.map((member) => {
    const best = member.responses.find((each) => each.day === member.best_day);
    return {
      patientId: member.patient_id,
      name: nameOf(member.patient_name),
      bestPercent: member.best_percent,
      low: member.best_low_percent,
      high: member.best_high_percent,
      unknownBecause: member.best_unknown_because,
      partialPercent: member.partial_percent,
      progressionPercent: member.progression_percent,
      studyId: best?.study_id ?? member.latest_study_id,
      date: dateAfter(member.baseline_date, member.best_day ?? 0),
      response: member.best_overall_response,
      isProvisional: member.is_provisional,
    };
  });
}

/** A patient is still followed where the latest response is no progression. */
export function swimmersOf(cohort: Schemas["Cohort"], nameOf: (name: string) => string): SwimmerCourse[] {
  return cohort.members.map((member) => ({
    patientId: member.patient_id,
    name: nameOf(member.patient_name),
    baselineDate: member.baseline_date,
    isOngoing: !["PD", "iCPD", "PMD"].includes(member.latest_response),
    marks: member.responses.map((each) => ({
      studyId: each.study_id,
      date: dateAfter(member.baseline_date, each.day),
      response: each.response,
      isProvisional: member.is_provisional,
    })),
    therapies: therapySpansOf(member.therapy),
  }));
}
