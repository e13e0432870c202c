import type { ModelCard } from "../../api/models";
import { formatMoment } from "../../lib/dates";
import { type Translate, useLocale, useTranslate } from "../../lib/messages";
import { classes } from "../../ui/classes";
import { CardSection } from "./CardParts";
import { backendName, durationText } from "./figures";
import styles from "./Card.module.css";

type Machine = ModelCard["machines"][number];
type Check = Machine["checks"][number];

function outcomeOf(check: Check, t: Translate): string {
  if (check.seconds === null) return t("models.does_not_run", { problem: check.problem });
  if (check.is_picked) return t("models.runs_it");
  return t(check.has_passed ? "models.agrees" : "models.disagrees");
}

function CheckRow({ check }: { readonly check: Check }) {
  const t = useTranslate();
  const locale = useLocale();
  const dice = check.lowest_dice?.toLocaleString(locale, { minimumFractionDigits: 4, maximumFractionDigits: 4 });
  return (
    <tr className={classes(check.is_picked && styles.picked)}>
      <td>{backendName(check.backend)}</td>
      <td>{check.precision}</td>
      <td className={styles.number}>{check.seconds === null ? "–" : durationText(check.seconds, t, locale)}</td>
      <td className={styles.number}>{dice ?? "–"}</td>
      <td>{outcomeOf(check, t)}</td>
    </tr>
  );
}

function MachineChecks({ machine }: { readonly machine: Machine }) {
  const t = useTranslate();
  const locale = useLocale();
  return (
    <>
      <table className={styles.small} aria-label={machine.machine}>
        <thead>
          <tr>
            <th>{t("models.backend")}</th>
            <th>{t("models.precision")}</th>
            <th className={styles.number}>{t("models.per_window")}</th>
            <th className={styles.number} title={t("models.dice_hint")}>
              {t("models.dice")}
            </th>
            <th>{t("models.outcome")}</th>
          </tr>
        </thead>
        <tbody>
          {machine.checks.map((check) => (
            <CheckRow key={`${check.backend} ${check.precision}`} check={check} />
          ))}
        </tbody>
      </table>
      <p className={styles.explained}>
        {t("models.checked_at", { when: formatMoment(machine.checked_at, locale) })} · {machine.machine}
      </p>
    </>
  );
}

/** Which backend runs the network, and what was tried and why it is not used. */
export function Backends({ card }: { readonly card: ModelCard }) {
  const t = useTranslate();
  return (
    <CardSection title={t("models.section_backends")}>
      {card.machines.length === 0 ? <p>{t(card.network ? "models.no_backends" : "models.no_network")}</p> : null}
      {card.machines.map((machine) => (
        <MachineChecks key={`${machine.machine} ${machine.weights}`} machine={machine} />
      ))}
    </CardSection>
  );
}
