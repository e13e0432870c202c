import { useTranslate, type PlainMessageKey, type Translate } from "../../lib/messages";
import { canHoldLesions, isLesion, lesionsOf, uptakeOf } from "../../state/lesions";
import type { ReadingState, SegmentRow } from "../../state/reading";
import type { LesionMeasurement } from "../../state/records";
import { sentenceOf } from "../../ui/States";
import { TextTooltip } from "../../ui/Tooltip";
import styles from "./LesionList.module.css";
import { useTrackedNames } from "./CourseLine";
import { useReadingSession } from "./session_context";

const CAUTIONS: Readonly<Record<LesionMeasurement["cautions"][number], PlainMessageKey>> = {
  "measurement.fewer_than_three_slices": "caution.few_slices",
  "measurement.touches_the_edge_of_the_image": "caution.cut_off",
  "measurement.diameter_crosses_a_gap": "caution.interrupted",
  "measurement.slices_are_tilted": "caution.tilted",
};

interface ListProps {
  readonly segment: SegmentRow;
  readonly state: ReadingState;
}

/** The measured lesions of a segment, the largest first; each leads to its image. */
export function LesionList({ segment, state }: ListProps) {
  const t = useTranslate();
  const session = useReadingSession();
  const lesions = lesionsOf(state.measured, segment.number);
  const names = useTrackedNames(state);
  if (lesions.length === 0) return null;
  return (
    <ol className={styles.list} aria-label={t("lesions.of", { segment: segment.label })}>
      {lesions.map((lesion) => (
        <LesionLine
          key={lesion.lesion_number}
          lesion={lesion}
          name={names.get(`${lesion.segment_number}.${lesion.lesion_number}`)}
          isChosen={isLesion(lesion, state.chosenLesion)}
          onChoose={() => session.lesions.choose(lesion)}
        />
      ))}
    </ol>
  );
}

interface LineProps {
  readonly lesion: LesionMeasurement;
  /** What it is called over all dates; undefined while it is not followed. */
  readonly name: string | undefined;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}

function LesionLine({ lesion, name, isChosen, onChoose }: LineProps) {
  const t = useTranslate();
  const diameters = `${millimetres(lesion.longest_diameter.value)} × ${millimetres(lesion.perpendicular_diameter.value)} mm`;
  const uptake = uptakeOf(lesion);
  const cautions = lesion.cautions.map((caution) => t(CAUTIONS[caution] as "caution.cut_off"));
  return (
    <li>
      <TextTooltip text={volumeWords(lesion, t)}>
        <button type="button" className={styles.lesion} aria-pressed={isChosen} onClick={onChoose}>
          <span className="visually-hidden">{t("lesions.lesion")}</span>
          <span className={styles.number}>{name ?? lesion.lesion_number}</span>
          <span className={styles.diameters}>{diameters}</span>
          {uptake ? <span className={styles.uptake}>{uptakeWords(uptake, t)}</span> : null}
          {cautions.length > 0 ? <span className={styles.caution}>{cautions.join(", ")}</span> : null}
        </button>
      </TextTooltip>
    </li>
  );
}

/** Why there are no numbers (yet), in one line over the segments. */
export function MeasuredLine({ state }: { readonly state: ReadingState }) {
  const t = useTranslate();
  const words = measuredWords(state, t);
  return words ? (
    <p className={styles.line} role="status">
      {words}
    </p>
  ) : null;
}

function measuredWords({ shown, save, measured }: ReadingState, t: Translate): string | undefined {
  if (shown.kind === "live") return t("lesions.after_run");
  if (save.kind !== "clean" && save.kind !== "saved") return t("lesions.after_saving");
  if (shown.kind === "revision" && !canHoldLesions(shown.revision)) return undefined;
  if (measured.kind === "measuring") return t("lesions.measuring");
  if (measured.kind === "done" && measured.refusals.length > 0) {
    return t("lesions.no_uptake", { reasons: measured.refusals.join(" ") });
  }
  return measured.kind === "failed" ? t("lesions.failed", { sentence: sentenceOf(measured.error, t) }) : undefined;
}

/** "SUVbw max 8.2, peak 7.1; MTV 3.1 mL, TLG 20.4": as drawn. */
function uptakeWords(uptake: NonNullable<ReturnType<typeof uptakeOf>>, t: Translate): string {
  const [scale = ""] = uptake.unit.split(" ");
  const peak = uptake.peak ? t("lesions.uptake_peak", { peak: uptake.peak.value.toFixed(1) }) : "";
  const words = t("lesions.uptake", {
    scale,
    maximum: uptake.maximum.toFixed(1),
    volume: uptake.metabolic_volume_ml.toFixed(1),
    glycolysis: uptake.total_glycolysis.toFixed(1),
  });
  return peak ? `${words}, ${peak}` : words;
}

function millimetres(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

function volumeWords(lesion: LesionMeasurement, t: Translate): string {
  const { value, interval } = lesion.volume;
  const digits = (ml: number) => (ml < 1 ? ml.toFixed(3) : ml.toFixed(1));
  const parts = { volume: digits(value), low: digits(interval.low) };
  if (interval.high === null) return t("lesions.volume_open", parts);
  return t("lesions.volume", { ...parts, high: digits(interval.high) });
}
