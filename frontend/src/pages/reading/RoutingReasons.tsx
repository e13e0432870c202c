import { useState } from "react";

import { type RuleVerdict, useSeriesRouting } from "../../api/routing";
import { type PlainMessageKey, useTranslate, type Translate } from "../../lib/messages";
import { ErrorState, LoadingState } from "../../ui/States";
import styles from "./RoutingReasons.module.css";

interface Props {
  readonly seriesId: string;
  readonly modality: string;
}

/** On demand: which rules hold for the open series, and what keeps the others from it. */
export function RoutingReasons({ seriesId, modality }: Props) {
  const t = useTranslate();
  const [isOpen, setOpen] = useState(false);
  return (
    <details className={styles.reasons} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{t("routed.title")}</summary>
      {isOpen ? <Verdicts seriesId={seriesId} modality={modality} /> : null}
    </details>
  );
}

function Verdicts({ seriesId, modality }: Props) {
  const t = useTranslate();
  const answer = useSeriesRouting(seriesId);
  if (answer.isPending) return <LoadingState />;
  if (!answer.data) return <ErrorState error={answer.error} onRetry={() => void answer.refetch()} />;
  const { state, verdicts, other_rules } = answer.data;
  return (
    <>
      {state === "waiting" ? <p>{t("routed.waiting")}</p> : null}
      {state === "postponed" ? <p>{t("routed.postponed")}</p> : null}
      {verdicts.length === 0 ? <p>{t("routed.no_rules", { modality })}</p> : null}
      <ul>
        {verdicts.map((verdict) => (
          <li key={`${verdict.title} ${verdict.model_title}`} data-outcome={verdict.outcome}>
            <strong>{verdict.title}</strong> {reasonOf(verdict, t)}
          </li>
        ))}
      </ul>
      {other_rules > 0 ? <p>{t("routed.others", { count: other_rules })}</p> : null}
    </>
  );
}

const OUTCOMES: Readonly<Record<"ran" | "not_asked" | "off", PlainMessageKey>> = {
  ran: "routed.ran",
  not_asked: "routed.not_asked",
  off: "routed.off",
};

const SAID: Readonly<Record<string, PlainMessageKey>> = {
  "": "routed.nothing",
  with: "routed.with",
  without: "routed.without",
};

function reasonOf({ outcome, mismatch, refusal }: RuleVerdict, t: Translate): string {
  if (outcome === "refused") return refusal;
  if (outcome !== "does_not_fit") return t(OUTCOMES[outcome] as "routed.ran");
  if (!mismatch) return "";
  const inWords = (text: string) => (text in SAID ? t(SAID[text] as "routed.nothing") : shortened(text));
  const key = mismatch.code.replace("rule.", "routed.") as "routed.other_body_part";
  return t(key, { asked: inWords(mismatch.asked), said: inWords(mismatch.said) });
}

const SHOWN_WORDS = 4;

/** A rule may list many words for one thing: the first ones tell which. */
function shortened(words: string): string {
  const parts = words.split(",").map((part) => part.trim());
  return parts.length > SHOWN_WORDS ? `${parts.slice(0, SHOWN_WORDS).join(", ")}, …` : words;
}
