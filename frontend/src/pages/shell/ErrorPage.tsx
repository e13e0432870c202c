import { Link, useRouteError } from "react-router";

import { useTranslate } from "../../lib/messages";
import { ApiProblem } from "../../lib/problem";
import { ResearchUseOnly } from "../../ui/ResearchUseOnly";
import { ErrorState } from "../../ui/States";
import styles from "./AppFrame.module.css";

/** What stands where a page broke. */
export function ErrorPage() {
  const t = useTranslate();
  const error = useRouteError();
  return (
    <main className={styles.frame}>
      <ErrorState isPage error={error} onRetry={() => window.location.reload()}>
        <Link to="/">{t("state.back_to_worklist")}</Link>
      </ErrorState>
      <p style={{ padding: "var(--space-4)", textAlign: "center" }}>
        <ResearchUseOnly />
      </p>
    </main>
  );
}

export function NotFoundPage() {
  const t = useTranslate();
  return (
    <ErrorState isPage error={new ApiProblem(404, "page.not_found", "")}>
      <Link to="/">{t("state.back_to_worklist")}</Link>
    </ErrorState>
  );
}
