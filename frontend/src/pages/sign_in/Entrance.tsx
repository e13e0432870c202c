import { type ReactNode, useEffect } from "react";

import { useTranslate } from "../../lib/messages";
import { classes } from "../../ui/classes";
import { ResearchUseOnly } from "../../ui/ResearchUseOnly";
import { Brand } from "../shell/Brand";
import styles from "./Entrance.module.css";

interface EntranceProps {
  readonly title: string;
  readonly told?: string | undefined;
  readonly refusal?: string | undefined;
  readonly foot?: string;
  readonly onSubmit: () => void;
  readonly children: ReactNode;
}

/** The card of the pages before the worklist: sign-in and the choice of a password. */
export function Entrance({ title, told, refusal, foot, onSubmit, children }: EntranceProps) {
  const t = useTranslate();
  useEffect(() => {
    document.title = `${title} - ${t("app.name")}`; // the page before may have named a patient
  }, [title, t]);
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <div className={styles.head}>
          <Brand size={28} />
          <span className={styles.name}>{t("app.name")}</span>
          <ResearchUseOnly />
        </div>
        <form
          noValidate
          className={styles.form}
          onSubmit={(event) => {
            event.preventDefault();
            onSubmit();
          }}
        >
          <h1>{title}</h1>
          {told ? (
            <p className={styles.told} role="status">
              {told}
            </p>
          ) : null}
          {refusal ? (
            <p className={classes(styles.told, styles.refused)} role="alert">
              {refusal}
            </p>
          ) : null}
          {children}
        </form>
        {foot ? <p className={styles.foot}>{foot}</p> : null}
      </div>
    </main>
  );
}
