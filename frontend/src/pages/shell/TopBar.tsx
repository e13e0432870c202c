import { Link, NavLink } from "react-router";

import type { Session } from "../../api/records";
import { useTranslate } from "../../lib/messages";
import { ResearchUseOnly } from "../../ui/ResearchUseOnly";
import { Brand } from "./Brand";
import { PersonMenu } from "./PersonMenu";
import styles from "./TopBar.module.css";

export function TopBar({ session }: { readonly session: Session }) {
  const t = useTranslate();
  return (
    <header className={styles.bar}>
      <a href="#content" className={styles.skip}>
        {t("app.skip_to_content")}
      </a>
      <Link to="/" className={styles.brand ?? ""}>
        <Brand />
        {t("app.name")}
      </Link>
      <nav aria-label={t("nav.main")} className={styles.links}>
        <NavLink to="/" end className={styles.link ?? ""}>
          {t("nav.worklist")}
        </NavLink>
        {session.user?.role === "administrator" ? (
          <>
            <NavLink to="/models" className={styles.link ?? ""}>
              {t("nav.models")}
            </NavLink>
            <NavLink to="/evaluations" className={styles.link ?? ""}>
              {t("nav.evaluations")}
            </NavLink>
            <a href="/admin/" className={styles.link}>
              {t("nav.administration")}
            </a>
          </>
        ) : null}
      </nav>
      <div className={styles.right}>
        <ResearchUseOnly />
        <PersonMenu session={session} />
      </div>
    </header>
  );
}
