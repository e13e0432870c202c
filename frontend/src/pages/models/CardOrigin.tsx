import { useState } from "react";

import { type ModelCard, useVersionRemoval } from "../../api/models";
import { formatBytes } from "../../lib/bytes";
import { formatMoment } from "../../lib/dates";
import { type Locale, type Translate, useLocale, useTranslate } from "../../lib/messages";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { notify } from "../../ui/notice_queue";
import { sentenceOf } from "../../ui/States";
import { CardSection, Facts } from "./CardParts";
import styles from "./Card.module.css";

const KNOWN = [
  "makers",
  "training_data",
  "training",
  "copyright",
  "data_reference",
  "data_licence",
  "monai_version",
  "format",
  "file_name",
  "imported_at",
  "sha256",
] as const;

type Fact = ModelCard["origin"][number];

function factOf({ name, value }: Fact, t: Translate, locale: Locale): readonly [string, React.ReactNode] {
  const known = KNOWN.find((each) => each === name);
  const label = known ? t(`models.origin_${known}`) : name;
  if (value === null) return [label, ""];
  if (name === "imported_at") return [label, formatMoment(value, locale)];
  if (name === "sha256") return [label, <code className={styles.code}>{value}</code>];
  return [label, value];
}

/** Who made it from what, and how it came here. */
export function Origin({ card }: { readonly card: ModelCard }) {
  const t = useTranslate();
  const locale = useLocale();
  const weights = card.network?.weights ?? [];
  return (
    <CardSection title={t("models.section_origin")}>
      <Facts
        facts={[
          ...card.origin.map((fact) => factOf(fact, t, locale)),
          ...weights.map(
            ({ path, sha256, size_bytes }) =>
              [
                t("models.weights", { path }),
                <>
                  {size_bytes === null ? null : `${formatBytes(size_bytes, locale)} `}
                  <code className={styles.code}>{sha256}</code>
                </>,
              ] as const,
          ),
        ]}
      />
    </CardSection>
  );
}

interface VersionProps {
  readonly card: ModelCard;
  readonly version: string;
  readonly onGone: () => void;
}

function Version({ card, version, onGone }: VersionProps) {
  const t = useTranslate();
  const [isAsking, setAsking] = useState(false);
  const removal = useVersionRemoval((error) => notify(sentenceOf(error, t), "danger"));
  const remove = () => {
    removal.mutate(
      { name: card.name, version },
      {
        onSuccess: () => {
          notify(t("models.removed", { model: card.title, version }));
          if (card.versions.length === 1) onGone();
        },
        onSettled: () => setAsking(false),
      },
    );
  };
  if (isAsking)
    return (
      <li className={styles.asking}>
        <p>{t("models.remove_sure", { model: card.title, version })}</p>
        <div className={styles.acts}>
          <Button variant="danger" isDisabled={removal.isPending} onPress={remove}>
            {t("models.remove")}
          </Button>
          {/* eslint-disable-next-line jsx-a11y/no-autofocus -- the question stands where the button was pressed */}
          <Button autoFocus onPress={() => setAsking(false)}>
            {t("models.keep")}
          </Button>
        </div>
      </li>
    );
  return (
    <li>
      <span>{version}</span>
      {version === card.version ? <Badge>{t("models.current_version")}</Badge> : null}
      <Button variant="quiet" aria-label={t("models.remove_version", { version })} onPress={() => setAsking(true)}>
        {t("models.remove")}
      </Button>
    </li>
  );
}

/** The imported versions, and the way to take one away: it cannot be undone, so it asks. */
export function Versions({ card, onGone }: Omit<VersionProps, "version">) {
  const t = useTranslate();
  return (
    <CardSection title={t("models.versions")}>
      <ul className={styles.versions}>
        {card.versions.map((version) => (
          <Version key={version} card={card} version={version} onGone={onGone} />
        ))}
      </ul>
    </CardSection>
  );
}
