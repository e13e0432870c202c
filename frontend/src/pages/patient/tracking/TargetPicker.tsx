import { useState } from "react";

import type { TargetChoice, Tracking } from "../../../api/records";
import { type TrackingWish, useTargetChoice } from "../../../api/tracking";
import { type Translate, useTranslate } from "../../../lib/messages";
import type { Lesion } from "../../../state/lesion_table";
import { Button } from "../../../ui/Button";
import { Checkbox } from "../../../ui/Checkbox";
import styles from "./LesionTable.module.css";

interface TargetPickerProps {
  readonly tracking: Tracking;
  readonly onWish: (wish: TrackingWish) => void;
  readonly isBusy: boolean;
  readonly canEdit: boolean;
}

const LYMPH_NODES = "lymph nodes";

/** How many of the chosen lie in each organ, as ": liver 2, node 1"; empty while none is chosen. */
function organWords(organs: TargetChoice["organs"], t: Translate): string {
  const words = organs.map(({ organ, count }) => {
    const name = organ === LYMPH_NODES ? t("tracked.kind_node") : organ || t("tracked.organ_missing");
    return `${name} ${count}`;
  });
  return words.length > 0 ? `: ${words.join(", ")}` : "";
}

/** What the ticks come to, as they stand. */
function Choice({ tracking, chosen }: { readonly tracking: Tracking; readonly chosen: readonly string[] }) {
  const t = useTranslate();
  const choice = useTargetChoice(tracking, chosen);
  const found = chosen.length > 0 ? choice.data : undefined;
  return (
    <div role="status">
      <p className={styles.quiet}>
        {t("tracked.targets_hint")} {t("tracked.targets_count", { count: chosen.length })}
        {organWords(found?.organs ?? [], t)}.
      </p>
      {found?.problems.map((problem) => (
        <p key={problem} className={styles.asked}>
          {t(`tracked.error_${problem}`)}
        </p>
      ))}
    </div>
  );
}

interface CandidateProps {
  readonly lesion: Lesion;
  readonly isChosen: boolean;
  readonly isDisabled: boolean;
  readonly onToggle: (lesion: Lesion, isTarget: boolean) => void;
}

function Candidate({ lesion, isChosen, isDisabled, onToggle }: CandidateProps) {
  const t = useTranslate();
  return (
    <tr>
      <th scope="row">
        <Checkbox
          label={`${lesion.name} ${lesion.description.organ ?? ""}`}
          isSelected={isChosen}
          isDisabled={isDisabled}
          onChange={(isTarget) => onToggle(lesion, isTarget)}
        />
      </th>
      <td>{lesion.measurability?.rule_id}</td>
      <td>{lesion.measurability?.sentence}</td>
      <td className={styles.quiet}>
        {lesion.role === "target" && lesion.is_role_suggested ? t("tracked.targets_suggested") : ""}
      </td>
    </tr>
  );
}

/** Ticks that nobody confirmed yet, and which targets they started from. */
interface Draft {
  readonly chosen: ReadonlySet<string>;
  readonly seen: string;
}

/** That a colleague chose others meanwhile: whoever confirms now knows what they replace. */
function Moved({ names }: { readonly names: readonly string[] }) {
  const t = useTranslate();
  return (
    <p className={styles.asked} role="status">
      {t("tracked.targets_moved", { lesions: names.join(", ") || t("tracked.targets_none") })}
    </p>
  );
}

/** Which lesions of the baseline are targets, whether they can be, and by which rule. */
export function TargetPicker({ tracking, onWish, isBusy, canEdit }: TargetPickerProps) {
  const t = useTranslate();
  const there = tracking.lesions.filter((lesion) => lesion.measurability && !lesion.description.dismissed_reason);
  const stored = new Set(there.filter((lesion) => lesion.role === "target").map((lesion) => lesion.id));
  const [draft, setDraft] = useState<Draft>();
  const chosen = draft?.chosen ?? stored;
  const isMoved = draft !== undefined && draft.seen !== [...stored].sort().join();
  const moved = isMoved ? there.filter((lesion) => stored.has(lesion.id)).map((lesion) => lesion.name) : undefined;
  if (there.length === 0) return <p>{t("tracked.no_baseline")}</p>;
  const toggle = (lesion: Lesion, isTarget: boolean) => {
    const next = new Set(chosen);
    if (isTarget) next.add(lesion.id);
    else next.delete(lesion.id);
    setDraft({ chosen: next, seen: draft?.seen ?? [...stored].sort().join() });
  };
  const confirm = () => {
    onWish({ act: "choose_targets", patientId: tracking.patient_id, lesionIds: [...chosen], seenIds: [...stored] });
    setDraft(undefined);
  };
  return (
    <>
      <Choice tracking={tracking} chosen={there.map((lesion) => lesion.id).filter((id) => chosen.has(id))} />
      <table className={styles.table} aria-label={t("verdict.tab_targets")}>
        <tbody>
          {there.map((lesion) => (
            <Candidate
              key={lesion.id}
              lesion={lesion}
              isChosen={chosen.has(lesion.id)}
              isDisabled={!canEdit || isBusy}
              onToggle={toggle}
            />
          ))}
        </tbody>
      </table>
      {moved ? <Moved names={moved} /> : null}
      {canEdit ? (
        <div className={styles.form}>
          {moved ? (
            <Button size="small" isDisabled={isBusy} onPress={() => setDraft(undefined)}>
              {t("tracked.targets_theirs")}
            </Button>
          ) : null}
          <Button variant="primary" size="small" isDisabled={isBusy} onPress={confirm}>
            {t("tracked.targets_confirm")}
          </Button>
        </div>
      ) : null}
    </>
  );
}
