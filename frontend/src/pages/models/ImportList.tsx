import { isUnderWay, type ModelImport, useImports } from "../../api/models";
import { formatMoment, formatSince } from "../../lib/dates";
import { useLocale, useTranslate } from "../../lib/messages";
import { useNow } from "../../lib/use_now";
import { ProgressLine } from "../../ui/ProgressLine";
import { ErrorState } from "../../ui/States";
import styles from "./Models.module.css";

const RENEW_MS = 30_000;

interface OneProps {
  readonly found: ModelImport;
  readonly onOpen: (name: string) => void;
}

function State({ found, onOpen }: OneProps) {
  const t = useTranslate();
  if (isUnderWay(found)) {
    const words = t(`models.import_${found.state as "received" | "checking"}`);
    return (
      <span className={styles.underWay}>
        {words}
        <ProgressLine label={words} />
      </span>
    );
  }
  if (found.state === "refused")
    return (
      <span className={styles.refused}>
        <strong>{t("models.import_refused")}.</strong> {found.failure}{" "}
        <code className={styles.code}>{found.failure_code}</code>
      </span>
    );
  return (
    <button type="button" className={styles.link} onClick={() => onOpen(found.model_name)}>
      {t("models.import_imported", { model: found.model_name, version: found.model_version })}
    </button>
  );
}

/** What was handed in, and what became of it. */
export function ImportList({ onOpen }: { readonly onOpen: (name: string) => void }) {
  const t = useTranslate();
  const locale = useLocale();
  const now = useNow(RENEW_MS);
  const imports = useImports();
  if (imports.isError && !imports.data)
    return <ErrorState error={imports.error} onRetry={() => void imports.refetch()} />;
  const rows = imports.data?.results ?? [];
  return (
    <section className={styles.imports} aria-label={t("models.imports")}>
      <h2>{t("models.imports")}</h2>
      {rows.length === 0 ? (
        <p className={styles.hint}>{t("models.no_imports")}</p>
      ) : (
        <table className={styles.table} aria-label={t("models.imports")}>
          <thead>
            <tr>
              <th style={{ width: "26%" }}>{t("models.import_file")}</th>
              <th>{t("models.import_state")}</th>
              <th style={{ width: 120 }}>{t("models.import_by")}</th>
              <th style={{ width: 104 }}>{t("models.import_when")}</th>
            </tr>
          </thead>
          <tbody aria-live="polite">
            {rows.map((found) => (
              <tr key={found.id} data-import={found.state}>
                <td title={found.file_name}>{found.file_name}</td>
                <td className={styles.wrapped}>
                  <State found={found} onOpen={onOpen} />
                </td>
                <td title={found.requested_by}>{found.requested_by}</td>
                <td title={formatMoment(found.created_at, locale)}>{formatSince(found.created_at, now, locale)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
