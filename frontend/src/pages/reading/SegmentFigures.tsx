import { useState } from "react";

import {
  type Figure,
  type StructureDate,
  useFigures,
  useStructureCourse,
  useVolumeIntervals,
  type VolumeInterval,
} from "../../api/figures";
import { formatDate } from "../../lib/dates";
import { type PlainMessageKey, type Translate, useLocale, useTranslate } from "../../lib/messages";
import type { SegmentRow } from "../../state/reading";
import { ErrorState, LoadingState, sentenceOf } from "../../ui/States";
import { TextTooltip } from "../../ui/Tooltip";
import styles from "./SegmentFigures.module.css";
import { volumeText } from "./source";

interface Props {
  readonly segment: SegmentRow;
  readonly revisionId: string;
}

/** How sure a segment's volume is, what its structure is measured by besides, and how it was on other dates. */
export function SegmentFigures({ segment, revisionId }: Props) {
  const t = useTranslate();
  const found = useFigures(revisionId);
  if (found.error) return <p className={styles.line}>{sentenceOf(found.error, t)}</p>;
  const figures = found.data?.figures.filter((figure) => figure.segment_number === segment.number) ?? [];
  const grid = found.data?.volumes.find((each) => each.segment_number === segment.number)?.volume;
  return (
    <div className={styles.figures}>
      {grid && segment.volumeMl ? <VolumeLine segment={segment} revisionId={revisionId} grid={grid.interval} /> : null}
      {figures.length > 0 ? <FigureList figures={figures} /> : null}
      {grid ? <OverTime segment={segment} revisionId={revisionId} /> : null}
    </div>
  );
}

interface Ends {
  readonly low: number;
  readonly high: number | null;
}

/** The network's interval where it has one, else what the voxel grid leaves open; where it comes from on hover. */
function VolumeLine({ segment, revisionId, grid }: Props & { readonly grid: Ends }) {
  const t = useTranslate();
  const answer = useVolumeIntervals(revisionId);
  if (answer.isPending) return null;
  const own = answer.data?.intervals.find((each) => each.segment_number === segment.number);
  const level = Math.round((answer.data?.level ?? 0) * 100);
  const ends = own ? { low: own.low_ml, high: own.high_ml } : grid;
  const words = t(own ? (own.basis === "conformal" ? "figures.calibrated" : "figures.not_calibrated") : "figures.grid");
  return (
    <TextTooltip text={own ? originOf(own, level, t) : gridWords(answer.data?.reason, t)}>
      <button type="button" className={styles.line}>
        <span>{betweenText(ends, t)}</span> <span className={styles.origin}>{words}</span>
      </button>
    </TextTooltip>
  );
}

function betweenText({ low, high }: Ends, t: Translate): string {
  if (high === null) return t("figures.at_least", { low: volumeText(low) });
  return t("figures.between", { low: volumeText(low).replace(" mL", ""), high: volumeText(high) });
}

const OWN_DOUBT = {
  not_calibrated: "figures.why_not_calibrated",
  too_few_cases: "figures.why_too_few_cases",
  single_images: "figures.why_single_images",
  nothing_expected: "figures.why_nothing_expected",
} as const satisfies Record<NonNullable<VolumeInterval["reason"]>, PlainMessageKey>;

function originOf({ basis, reason, cases, expected_ml }: VolumeInterval, level: number, t: Translate): string {
  const expected = t("figures.expected", { volume: volumeText(expected_ml) });
  if (basis === "conformal") return `${expected} ${t("figures.conformal", { level, cases: cases ?? 0 })}`;
  return `${expected} ${t("figures.own_doubt")} ${reason ? t(OWN_DOUBT[reason]) : ""}`;
}

function gridWords(reason: "no_place" | "edited" | "no_probabilities" | null | undefined, t: Translate): string {
  const why = reason === "edited" ? t("figures.no_network_edited") : t("figures.no_network");
  return `${t("figures.grid_long")} ${why}`;
}

function FigureList({ figures }: { readonly figures: readonly Figure[] }) {
  const t = useTranslate();
  const unknown = [...new Set(figures.flatMap(({ unknown: reason }) => (reason ? [reason] : [])))];
  const cautions = [...new Set(figures.flatMap((figure) => figure.cautions))];
  return (
    <>
      <dl className={styles.list}>
        {figures.map((figure) => (
          <div key={figure.kind}>
            <dt>{t(KINDS[figure.kind])}</dt>
            <dd title={detailOf(figure, t)}>{valueText(figure, t)}</dd>
          </div>
        ))}
      </dl>
      {unknown.map((reason) => (
        <p key={reason} className={styles.line}>
          {t(UNKNOWN[reason])}
        </p>
      ))}
      {cautions.map((caution) => (
        <p key={caution} className={styles.caution}>
          {t(CAUTIONS[caution as keyof typeof CAUTIONS])}
        </p>
      ))}
    </>
  );
}

const KINDS = {
  end_diastolic_volume: "figures.end_diastolic_volume",
  end_systolic_volume: "figures.end_systolic_volume",
  stroke_volume: "figures.stroke_volume",
  ejection_fraction: "figures.ejection_fraction",
  head_circumference: "figures.head_circumference",
  biparietal_diameter: "figures.biparietal_diameter",
  occipitofrontal_diameter: "figures.occipitofrontal_diameter",
} as const satisfies Record<Figure["kind"], PlainMessageKey>;

const UNKNOWN = {
  "figure.no_pixel_size": "figures.no_pixel_size",
  "figure.no_places": "figures.no_places",
  "figure.one_phase": "figures.one_phase",
  "figure.phases_differ": "figures.phases_differ",
  "figure.one_phase_outlined": "figures.one_phase_outlined",
  "figure.one_place": "figures.one_place",
  "figure.no_ellipse": "figures.no_ellipse",
} as const satisfies Record<NonNullable<Figure["unknown"]>, PlainMessageKey>;

const CAUTIONS = {
  "figure.phases_by_image_number": "figures.phases_by_image_number",
  "figure.slices_unevenly_spaced": "figures.slices_unevenly_spaced",
  "figure.fewer_than_five_slices": "figures.fewer_than_five_slices",
  "figure.outline_is_no_ellipse": "figures.outline_is_no_ellipse",
  "figure.touches_the_edge_of_the_image": "figures.touches_the_edge_of_the_image",
} as const satisfies Record<Figure["cautions"][number], PlainMessageKey>;

function valueText({ value, unit, interval }: Figure, t: Translate): string {
  if (value === null) return t("figures.unknown");
  const digits = (number: number) => number.toFixed(unit === "%" || number >= 100 ? 0 : 1);
  if (!interval || interval.high === null) return `${digits(value)} ${unit}`;
  const ends = t("figures.ends", { low: digits(interval.low), high: digits(interval.high) });
  return `${digits(value)} ${unit} (${ends})`;
}

function detailOf({ phase, phase_count, slice_count, frame_index }: Figure, t: Translate): string {
  if (frame_index !== null) return t("figures.in_image", { image: frame_index + 1 });
  if (phase === null || phase_count === null || slice_count === null) return t("figures.discs");
  return `${t("figures.discs")} ${t("figures.in_phase", { phase, phases: phase_count, slices: slice_count })}`;
}

function OverTime({ segment, revisionId }: Props) {
  const t = useTranslate();
  const [isOpen, setOpen] = useState(false);
  return (
    <details className={styles.course} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{t("figures.over_time")}</summary>
      {isOpen ? <Dates number={segment.number} revisionId={revisionId} /> : null}
    </details>
  );
}

function Dates({ number, revisionId }: { readonly number: number; readonly revisionId: string }) {
  const t = useTranslate();
  const locale = useLocale();
  const answer = useStructureCourse(revisionId, number);
  if (answer.isPending) return <LoadingState />;
  if (!answer.data) return <ErrorState error={answer.error} onRetry={() => void answer.refetch()} />;
  if (answer.data.length < 2) return <p className={styles.line}>{t("figures.no_other_date")}</p>;
  return (
    <table className={styles.dates}>
      <thead>
        <tr>
          <th>{t("figures.date")}</th>
          <th>{t("figures.volume")}</th>
          <th title={t("figures.change_long")}>{t("figures.change")}</th>
        </tr>
      </thead>
      <tbody>
        {answer.data.map((each) => (
          <tr key={each.study_id} aria-current={each.is_open ? "date" : undefined}>
            <td title={each.segmentation_name}>{formatDate(each.study_date, locale)}</td>
            <td title={betweenText(each.volume.interval, t)}>{volumeText(each.volume.value)}</td>
            <td>{changeText(each, t)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function signed(percent: number): string {
  const rounded = Math.round(percent);
  return `${rounded > 0 ? "+" : rounded < 0 ? "−" : ""}${Math.abs(rounded)}`;
}

function changeText({ change }: StructureDate, t: Translate): string {
  if (!change) return "";
  const { interval, percent } = change;
  if (!interval || interval.high === null) return `${signed(percent)} %`;
  return `${signed(percent)} % (${t("figures.ends", { low: signed(interval.low), high: signed(interval.high) })})`;
}
