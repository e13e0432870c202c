import { X } from "lucide-react";
import { Link } from "react-router";

import { type ModelCard, useModelCard } from "../../api/models";
import { useTranslate } from "../../lib/messages";
import { IconButton } from "../../ui/Button";
import { Markdown } from "../../ui/Markdown";
import { ErrorState, LoadingState } from "../../ui/States";
import { CardSection, Facts } from "./CardParts";
import { Backends } from "./CardBackends";
import { CardEvidence } from "./CardEvidence";
import { CardGate } from "./CardGate";
import { Input, Segments } from "./CardContents";
import { Origin, Versions } from "./CardOrigin";
import { Usage } from "./CardUsage";
import styles from "./Card.module.css";

function Evaluation({ card }: { readonly card: ModelCard }) {
  const t = useTranslate();
  const { by, text } = card.evaluation;
  if (card.evidence) return <CardEvidence name={card.name} evidence={card.evidence} />;
  if (!by) return <p>{t(card.network ? "models.not_evaluated" : "models.not_evaluated_rule")}</p>;
  return (
    <p>
      {by === "makers" ? `${t("models.evaluated_makers")} ` : ""}
      {text}
    </p>
  );
}

/** The way to a hospital's own acceptance test. */
function OwnCases({ name }: { readonly name: string }) {
  const t = useTranslate();
  return (
    <p>
      <Link to={`/evaluations?model=${encodeURIComponent(name)}`}>{t("evaluations.of_model")}</Link>
    </p>
  );
}

function Card({ card, onClose }: { readonly card: ModelCard; readonly onClose: () => void }) {
  const t = useTranslate();
  return (
    <>
      {card.is_enabled ? null : <p className={styles.caution}>{t("models.switched_off")}</p>}
      <p>{card.summary}</p>
      <Facts
        facts={[
          [t("models.fact_name"), card.name],
          [t("models.fact_version"), card.version],
          [t("models.fact_format"), card.model_format],
          [t("models.fact_licence"), card.licence === "not stated" ? "" : card.licence],
          [t("models.fact_intended_use"), card.intended_use],
          [t("models.fact_limits"), card.limits],
        ]}
      />
      <Input card={card} />
      <Segments card={card} />
      <Usage figures={card.figures} />
      <Backends card={card} />
      <Origin card={card} />
      <CardSection title={t("models.section_evaluation")}>
        <Evaluation card={card} />
        <OwnCases name={card.name} />
        {card.gate ? <CardGate name={card.name} trials={card.gate} /> : null}
      </CardSection>
      {card.notes.trim() ? (
        <CardSection title={t("models.section_notes")}>
          <Markdown text={card.notes} />
        </CardSection>
      ) : null}
      {card.is_imported ? <Versions card={card} onGone={onClose} /> : null}
    </>
  );
}

interface ModelCardPanelProps {
  readonly name: string;
  readonly onClose: () => void;
}

/** Everything that is known of one model, beside the table. */
export function ModelCardPanel({ name, onClose }: ModelCardPanelProps) {
  const t = useTranslate();
  const answer = useModelCard(name);
  const title = answer.data?.title ?? name;
  return (
    <aside className={styles.card} aria-label={t("models.card_of", { model: title })}>
      <div className={styles.cardHead}>
        <h2>{title}</h2>
        <IconButton icon={X} label={t("models.close_card")} shortcut="Esc" onPress={onClose} />
      </div>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- keyboard users scroll it */}
      <div className={styles.cardBody} tabIndex={0} role="group" aria-label={t("models.card_of", { model: title })}>
        {answer.data ? (
          <Card card={answer.data} onClose={onClose} />
        ) : answer.isError ? (
          <ErrorState error={answer.error} onRetry={() => void answer.refetch()} />
        ) : (
          <LoadingState label={t("models.loading_card")} />
        )}
      </div>
    </aside>
  );
}
