import type { ModelCard } from "../../api/models";
import { formatBytes } from "../../lib/bytes";
import { type Locale, type PlainMessageKey, type Translate, useLocale, useTranslate } from "../../lib/messages";
import { CardCalibration } from "./CardCalibration";
import { Facts } from "./CardParts";
import { durationText } from "./figures";
import styles from "./Card.module.css";

type Evidence = NonNullable<ModelCard["evidence"]>;
type Measured = Evidence["segments"][number];
type Interval = NonNullable<Measured["dice"]>;

const BASELINES: Readonly<Record<string, PlainMessageKey>> = {
  atlas_average: "models.baseline_atlas_average",
  ellipse_on_edges: "models.baseline_ellipse_on_edges",
  frangi: "models.baseline_frangi",
  otsu_centre: "models.baseline_otsu_centre",
  region: "models.baseline_region",
  skin_otsu: "models.baseline_skin_otsu",
  suv41: "models.baseline_suv41",
  suv_fixed: "models.baseline_suv_fixed",
  pet_uptake: "models.baseline_pet_uptake",
  threshold: "models.baseline_threshold",
  top_percent: "models.baseline_top_percent",
};

export const baselineName = (name: string, t: Translate): string => {
  const known = BASELINES[name];
  return known ? t(known) : name.replaceAll("_", " ");
};

function write(value: number, locale: Locale, digits: number): string {
  return value.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function intervalText(interval: Interval | null, t: Translate, locale: Locale, digits = 3): string {
  if (!interval) return t("models.measure_none");
  const [mean, low, high] = [interval.mean, interval.low, interval.high].map((value) => write(value, locale, digits));
  return t("models.interval", { mean: mean ?? "", low: low ?? "", high: high ?? "" });
}

interface Row {
  readonly name: string;
  readonly hint?: string;
  readonly read: (segment: Measured) => string;
}

function rowsOf(baseline: string, t: Translate, locale: Locale): readonly Row[] {
  const count = (value: number) => value.toLocaleString(locale);
  return [
    { name: t("models.measured_cases"), read: ({ cases }) => count(cases) },
    {
      name: t("models.measured_dice"),
      hint: t("models.interval_hint"),
      read: ({ dice }) => intervalText(dice, t, locale),
    },
    ...(baseline
      ? [
          {
            name: t("models.measured_baseline", { name: baselineName(baseline, t) }),
            hint: t("models.interval_hint"),
            read: ({ baseline_dice }: Measured) => intervalText(baseline_dice, t, locale),
          },
        ]
      : []),
    {
      name: t("models.measured_median"),
      read: ({ dice }) => (dice ? write(dice.median, locale, 3) : t("models.measure_none")),
    },
    { name: t("models.measured_below"), read: ({ below_half }) => count(below_half) },
    {
      name: t("models.measured_surface"),
      hint: t("models.surface_hint"),
      read: ({ surface_dice }) => intervalText(surface_dice, t, locale),
    },
    {
      name: t("models.measured_hd95"),
      hint: t("models.hd95_hint"),
      read: ({ hd95 }) => intervalText(hd95, t, locale, 1),
    },
    {
      name: t("models.measured_nothing"),
      hint: t("models.nothing_hint"),
      read: ({ marked_where_nothing_is }) => count(marked_where_nothing_is),
    },
    {
      name: t("models.measured_lesions"),
      hint: t("models.lesions_hint"),
      read: ({ cases, lesions, lesions_found, lesions_false }) =>
        lesions === null || lesions_found === null || lesions_false === null
          ? t("models.measure_none")
          : t("models.lesions_counted", {
              found: count(lesions_found),
              lesions: count(lesions),
              false: write(lesions_false / Math.max(cases, 1), locale, 1),
            }),
    },
  ];
}

function Figures({ evidence }: { readonly evidence: Evidence }) {
  const t = useTranslate();
  const locale = useLocale();
  return (
    <table className={styles.small} aria-label={t("models.section_evaluation")}>
      <thead>
        <tr>
          <td />
          {evidence.segments.map(({ segment_label }) => (
            <th key={segment_label} scope="col" className={styles.number}>
              {segment_label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rowsOf(evidence.baseline, t, locale).map(({ name, hint, read }) => (
          <tr key={name}>
            <th scope="row" title={hint}>
              {name}
            </th>
            {evidence.segments.map((segment) => (
              <td key={segment.segment_label} className={styles.number}>
                {read(segment)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Worst({ name, evidence }: { readonly name: string; readonly evidence: Evidence }) {
  const t = useTranslate();
  const locale = useLocale();
  if (evidence.worst.length === 0) return null;
  return (
    <>
      <h4 className={styles.subtitle}>{t("models.worst_cases")}</h4>
      <ul className={styles.worst}>
        {evidence.worst.map(({ index, case: label, dice }) => {
          const found = Object.entries(dice)
            .map(([segment, value]) =>
              t("models.worst_dice", {
                segment,
                dice: value === null ? t("models.measure_none") : write(value, locale, 2),
              }),
            )
            .join("; ");
          return (
            <li key={index}>
              <img
                src={`/api/models/${encodeURIComponent(name)}/worst-cases/${String(index)}`}
                alt={t("models.worst_picture", { name: label, found })}
                loading="lazy"
              />
              <p>
                {found} <span className={styles.explained}>{label}</span>
              </p>
            </li>
          );
        })}
      </ul>
      <p className={styles.explained}>{t("models.worst_legend")}</p>
    </>
  );
}

function Making({ training }: { readonly training: Evidence["training"] }) {
  const t = useTranslate();
  const locale = useLocale();
  const { command, run_seconds, run_shape, run_peak_bytes, train_cases } = training;
  const run =
    run_seconds === null
      ? ""
      : t("models.run_needs", {
          duration: durationText(run_seconds, t, locale),
          shape: run_shape?.join(" x ") ?? "?",
          memory: run_peak_bytes === null ? t("models.not_measured") : formatBytes(run_peak_bytes, locale),
        });
  const learnt = train_cases === null ? null : t("models.learnt_cases", { count: train_cases });
  const facts: (readonly [string, string | null])[] = [
    [t("models.fact_run"), run],
    [t("models.fact_learnt"), learnt],
    [t("models.fact_command"), command],
  ];
  return <Facts facts={facts.filter(([, value]) => value !== null)} />;
}

interface EvidenceProps {
  readonly name: string;
  readonly evidence: Evidence;
}

/** What was measured on cases that decided nothing: figures beside the baseline's, the worst cases, every case to save. */
export function CardEvidence({ name, evidence }: EvidenceProps) {
  const t = useTranslate();
  return (
    <>
      <Figures evidence={evidence} />
      <p>
        <a href={`/api/models/${encodeURIComponent(name)}/cases`} download>
          {t("models.save_cases")}
        </a>
      </p>
      <Worst name={name} evidence={evidence} />
      {evidence.calibration ? <CardCalibration calibration={evidence.calibration} /> : null}
      <Making training={evidence.training} />
    </>
  );
}
