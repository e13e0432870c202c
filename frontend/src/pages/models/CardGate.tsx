import { lazy, Suspense } from "react";

import type { ModelCard } from "../../api/models";
import { type Locale, type PlainMessageKey, useLocale, useTranslate } from "../../lib/messages";
import styles from "./Card.module.css";

type Trials = NonNullable<ModelCard["gate"]>;
type Kind = Trials["kinds"][number];

// What draws is large, and only cards of networks need it.
const AbstentionCurve = lazy(() => import("./AbstentionCurve"));

const KINDS: Readonly<Record<string, PlainMessageKey>> = {
  noise_alone: "gate.kind_noise_alone",
  constant: "gate.kind_constant",
  other_modality: "gate.kind_other_modality",
  inverted: "gate.kind_inverted",
  other_contrast: "gate.kind_other_contrast",
  shaded: "gate.kind_shaded",
  noisy: "gate.kind_noisy",
  blurred: "gate.kind_blurred",
  quarter_turn: "gate.kind_quarter_turn",
  upside_down: "gate.kind_upside_down",
};

const percent = (share: number, locale: Locale): string =>
  share.toLocaleString(locale, { style: "percent", maximumFractionDigits: 0 });

const write = (value: number, locale: Locale, digits: number): string =>
  value.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });

function KindLine({ kind }: { readonly kind: Kind }) {
  const t = useTranslate();
  const locale = useLocale();
  const name = KINDS[kind.kind];
  return (
    <tr>
      <th scope="row" title={Object.keys(kind.codes).join(", ")}>
        {name ? t(name) : kind.kind.replaceAll("_", " ")}
      </th>
      <td className={styles.number}>{kind.mean_dice === null ? "–" : write(kind.mean_dice, locale, 2)}</td>
      <td className={styles.number}>{`${String(kind.turned_away)} / ${String(kind.cases)}`}</td>
      <td className={styles.number}>{percent(kind.share_at_1, locale)}</td>
      <td className={styles.number}>{percent(kind.share_at_5, locale)}</td>
    </tr>
  );
}

function Kinds({ kinds }: { readonly kinds: readonly Kind[] }) {
  const t = useTranslate();
  return (
    <table className={styles.small} aria-label={t("gate.kinds")}>
      <thead>
        <tr>
          <th scope="col">{t("gate.kind")}</th>
          <th scope="col" className={styles.number} title={t("gate.kind_dice_hint")}>
            {t("gate.kind_dice")}
          </th>
          <th scope="col" className={styles.number} title={t("gate.kind_turned_away_hint")}>
            {t("gate.kind_turned_away")}
          </th>
          <th scope="col" className={styles.number}>
            {t("gate.kind_at", { share: 1 })}
          </th>
          <th scope="col" className={styles.number}>
            {t("gate.kind_at", { share: 5 })}
          </th>
        </tr>
      </thead>
      <tbody>
        {kinds.map((kind) => (
          <KindLine key={kind.kind} kind={kind} />
        ))}
      </tbody>
    </table>
  );
}

/** What a model's quality gate does with good cases and with spoiled ones, and what abstaining brings. */
export function CardGate({ name, trials }: { readonly name: string; readonly trials: Trials }) {
  const t = useTranslate();
  const locale = useLocale();
  const error = trials.prediction_error;
  return (
    <>
      <h4 className={styles.subtitle}>{t("gate.section")}</h4>
      <p>
        {t("gate.trials", {
          cases: trials.cases,
          turned_away: trials.turned_away,
          good: trials.turned_away_good,
          good_cases: trials.good_cases,
          least: write(trials.least_dice, locale, 1),
          bad: trials.turned_away_bad,
          bad_cases: trials.cases - trials.good_cases,
        })}{" "}
        {error === null ? "" : t("gate.trials_error", { error: write(error, locale, 3) })}
      </p>
      <h4 className={styles.subtitle}>{t("gate.kinds")}</h4>
      <Kinds kinds={trials.kinds} />
      {trials.curve.length > 1 ? (
        <Suspense fallback={null}>
          <AbstentionCurve model={name} curve={trials.curve} />
        </Suspense>
      ) : null}
    </>
  );
}
