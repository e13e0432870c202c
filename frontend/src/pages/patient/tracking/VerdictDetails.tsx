import type { ReactNode } from "react";

import type { Assessment, Insight, Tracking } from "../../../api/records";
import { formatDate, formatMoment } from "../../../lib/dates";
import { useLocale, useTranslate } from "../../../lib/messages";
import { probabilityText } from "../../../lib/probability";
import { toneOf } from "../../../state/charts/course";
import { ResponseMark } from "./ResponseMark";
import styles from "./Verdict.module.css";
import { nameOfCriterion } from "./criterion_names";

const MOST_MARGINS = 3;

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <div className={styles.section}>
      <h3>{title}</h3>
      {children}
    </div>
  );
}

function Sentences({ lines }: { readonly lines: readonly string[] }) {
  return (
    <ul className={styles.list}>
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}

function Probability({ insight }: { readonly insight: Insight }) {
  const t = useTranslate();
  const { shares, unknown_because, draws, seed, basis } = insight.probability;
  return (
    <Section title={t("verdict.probability_title")}>
      {shares.length === 0 ? <p>{unknown_because}</p> : null}
      <div className={styles.shares}>
        {shares.map(({ response, share }) => (
          <Share key={response} response={response} share={share} />
        ))}
      </div>
      {basis ? <p className={styles.quiet}>{t("verdict.basis", { draws, seed: String(seed), basis })}</p> : null}
    </Section>
  );
}

function Share({ response, share }: { readonly response: string; readonly share: number }) {
  return (
    <>
      <ResponseMark response={response} />
      <svg className={styles.bar} viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden>
        <rect width={100} height={8} />
        <rect width={share * 100} height={8} />
      </svg>
      <span>{probabilityText(share)}</span>
    </>
  );
}

function Robustness({ insight }: { readonly insight: Insight }) {
  const t = useTranslate();
  const margins = insight.flip_margins.slice(0, MOST_MARGINS).map((margin) => margin.sentence);
  return (
    <>
      <Section title={t("verdict.flips")}>
        {margins.length > 0 ? <Sentences lines={margins} /> : <p>{insight.flip_unknown || t("verdict.unknown")}</p>}
      </Section>
      <Section title={t("verdict.robust")}>
        <p>{insight.selection?.sentence ?? insight.selection_unknown}</p>
      </Section>
    </>
  );
}

function Others({ insight }: { readonly insight: Insight }) {
  const t = useTranslate();
  return (
    <Section title={t("verdict.others")}>
      <div className={styles.others}>
        {insight.side_by_side.map((each) => (
          <span key={each.criterion} className={styles.other}>
            {nameOfCriterion(each.criterion)} <ResponseMark response={each.overall_response} />
          </span>
        ))}
      </div>
      {insight.disagreements.length > 0 ? (
        <Sentences lines={insight.disagreements.map((each) => each.explanation)} />
      ) : null}
    </Section>
  );
}

function WholeBurden({ insight }: { readonly insight: Insight }) {
  const t = useTranslate();
  const now = insight.burden.at(-1);
  if (!now) return null;
  const missing =
    now.not_measured.length > 0 ? `, ${t("verdict.burden_without", { lesions: now.not_measured.join(", ") })}` : "";
  return (
    <Section title={t("verdict.mixed")}>
      <p>
        {t("verdict.burden", { count: now.count, volume: now.volumes.value.toFixed(1) })}
        {missing}. {insight.mixed_response?.sentence ?? ""}
      </p>
    </Section>
  );
}

function Imaging({ insight, tracking }: { readonly insight: Insight; readonly tracking: Tracking }) {
  const t = useTranslate();
  const locale = useLocale();
  const dateOf = (id: string) => {
    const date = tracking.timepoints.find((each) => each.id === id)?.study_date;
    return date ? formatDate(date, locale) : "";
  };
  const found = insight.comparability.flatMap((row) =>
    row.mismatches.map((each) => `${dateOf(row.timepoint_id)}: ${each.sentence}`),
  );
  const open = [...new Set(insight.comparability.flatMap((row) => row.notes))];
  if (insight.comparability.length === 0) return null;
  return (
    <Section title={t("verdict.imaging")}>
      {found.length > 0 ? <Sentences lines={found} /> : <p>{t("verdict.imaging_alike")}</p>}
      {open.length > 0 ? (
        <details>
          <summary>{t("verdict.unknown_header")}</summary>
          <Sentences lines={open} />
        </details>
      ) : null}
    </Section>
  );
}

function Flip({ assessment }: { readonly assessment: Assessment }) {
  const t = useTranslate();
  const locale = useLocale();
  const { flip } = assessment;
  if (!flip) return null;
  const words = { before: flip.before_response, after: flip.after_response, when: formatMoment(flip.after_at, locale) };
  return (
    <Section title={t("verdict.changed")}>
      <p>{t("verdict.changed_from", words)}</p>
      <Sentences lines={flip.reasons} />
    </Section>
  );
}

function Rules({ assessment }: { readonly assessment: Assessment }) {
  const t = useTranslate();
  const latest = assessment.timepoints.at(-1);
  if (!latest) return null;
  return (
    <div className={styles.section}>
      <details>
        <summary>{t("verdict.clauses")}</summary>
        <Sentences lines={latest.clauses.map((clause) => `${clause.rule_id}: ${clause.sentence}`)} />
      </details>
      <details>
        <summary>{t("verdict.configuration", { version: assessment.configuration_version })}</summary>
        <Sentences lines={latest.configuration.map((each) => `${each.name} = ${each.value}: ${each.meaning}`)} />
      </details>
    </div>
  );
}

interface VerdictDetailsProps {
  readonly assessment: Assessment;
  readonly insight: Insight | undefined;
  readonly tracking: Tracking;
}

function ListSection({ title, lines }: { readonly title: string; readonly lines: readonly string[] }) {
  const different = [...new Set(lines)];
  return different.length > 0 ? (
    <Section title={title}>
      <Sentences lines={different} />
    </Section>
  ) : null;
}

function flagsOf(assessment: Assessment): string[] {
  const latest = assessment.timepoints.at(-1);
  const ofDate = latest ? [...latest.review_flags, ...latest.warnings] : [];
  return [...assessment.review_flags, ...assessment.warnings, ...ofDate];
}

interface BehindProps {
  readonly insight: Insight;
  readonly tracking: Tracking;
  readonly isDecided: boolean;
}

const growthWords = ({ lesion, unknown_because, doubling_sentence }: Insight["growth"][number]): string =>
  `${lesion}: ${unknown_because || doubling_sentence}`;

function Behind({ insight, tracking, isDecided }: BehindProps) {
  const t = useTranslate();
  return (
    <>
      {isDecided ? <Probability insight={insight} /> : null}
      <Robustness insight={insight} />
      <Others insight={insight} />
      <WholeBurden insight={insight} />
      <ListSection title={t("verdict.growth")} lines={insight.growth.map(growthWords)} />
      <Imaging insight={insight} tracking={tracking} />
    </>
  );
}

/** What stands behind the verdict; each thing that is unknown says why. */
export function VerdictDetails({ assessment, insight, tracking }: VerdictDetailsProps) {
  const t = useTranslate();
  const isDecided = toneOf(assessment.timepoints.at(-1)?.overall_response ?? null) !== "open";
  const doubtful = tracking.registrations.map((pair) => pair.explanation).filter(Boolean);
  return (
    <>
      <Flip assessment={assessment} />
      <ListSection title={t("verdict.due")} lines={assessment.due.map((each) => each.sentence)} />
      {insight && assessment.timepoints.length > 1 ? (
        <Behind insight={insight} tracking={tracking} isDecided={isDecided} />
      ) : null}
      <ListSection title={t("verdict.warnings")} lines={flagsOf(assessment)} />
      <ListSection title={t("verdict.registration")} lines={doubtful} />
      <Rules assessment={assessment} />
    </>
  );
}
