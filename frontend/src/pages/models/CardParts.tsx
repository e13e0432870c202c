import type { ReactNode } from "react";

import { useTranslate } from "../../lib/messages";
import styles from "./Card.module.css";

export function CardSection({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className={styles.cardSection}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

/** Names and values of a card; what nobody states says so. */
export function Facts({ facts }: { readonly facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  const t = useTranslate();
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value === "" || value === null ? <span className="quiet">{t("models.not_stated")}</span> : value}</dd>
        </div>
      ))}
    </dl>
  );
}
