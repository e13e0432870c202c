import { formatSince } from "../../lib/dates";
import { useLocale, useTranslate } from "../../lib/messages";
import { Button } from "../../ui/Button";
import styles from "./Conflict.module.css";
import { sourceOf } from "./source";
import { useReadingSession, useReadingState } from "./session_context";

/** Somebody saved in between: nothing is overwritten, the reader chooses. */
export function Conflict() {
  const t = useTranslate();
  const locale = useLocale();
  const session = useReadingSession();
  const { save, shown, segmentations } = useReadingState();
  if (save.kind !== "conflict" || shown.kind !== "revision") return null;
  const { latest } = save;
  const name = segmentations?.find((one) => one.id === shown.revision.segmentation_id)?.name ?? "";
  return (
    <section className={styles.conflict} role="alertdialog" aria-labelledby="conflict-title">
      <h2 id="conflict-title">{t("reading.conflict_title")}</h2>
      <p>
        {t("reading.conflict", {
          who: sourceOf(latest, t),
          when: formatSince(latest.created_at, save.noticedAt, locale),
          number: latest.number,
          base: shown.revision.number,
        })}
      </p>
      <div className={styles.choices}>
        <Button variant="primary" onPress={() => void session.drawing.saveAsNew(t("reading.copy_of", { name }))}>
          {t("reading.save_as_new")}
        </Button>
        <Button onPress={() => void session.drawing.discard()}>{t("reading.take_latest")}</Button>
        <Button
          variant="quiet"
          shortcut="Esc"
          onPress={() => session.set({ save: { kind: "unsaved", isRestored: false } })}
        >
          {t("reading.keep_editing")}
        </Button>
      </div>
    </section>
  );
}
