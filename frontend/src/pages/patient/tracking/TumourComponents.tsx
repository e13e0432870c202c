import type { LesionWish, Tracking } from "../../../api/records";
import type { TrackingWish } from "../../../api/tracking";
import { useTranslate } from "../../../lib/messages";
import { Select } from "../../../ui/Select";
import styles from "./Verdict.module.css";

type Component = NonNullable<LesionWish["component"]>;

const COMPONENTS = ["CE", "nonCE"] as const;

interface TumourComponentsProps {
  readonly tracking: Tracking;
  readonly criterion: string;
  readonly onWish: (wish: TrackingWish) => void;
  readonly isBusy: boolean;
  readonly canEdit: boolean;
}

/** Which part of a glioma each target is: what RANO for mixed tumours asks for. */
export function TumourComponents({ tracking, criterion, onWish, isBusy, canEdit }: TumourComponentsProps) {
  const t = useTranslate();
  const targets = tracking.lesions.filter((lesion) => lesion.role === "target" && !lesion.description.dismissed_reason);
  const isAsked = criterion === "RANO_MIXED" || targets.some((lesion) => lesion.description.component);
  if (!isAsked || targets.length === 0) return null;
  return (
    <fieldset className={styles.recorded}>
      <legend className={styles.quiet}>{t("records.components_hint")}</legend>
      <div className={styles.row}>
        {targets.map((lesion) => (
          <Select<Component>
            key={lesion.id}
            label={t("records.component_of", { lesion: lesion.name })}
            choices={[
              { value: "", label: t("records.component_none") },
              ...COMPONENTS.map((each) => ({ value: each, label: t(`records.component_${each}`) })),
            ]}
            value={lesion.description.component ?? ""}
            isDisabled={isBusy || !canEdit}
            onChange={(component) => onWish({ act: "describe", lesionId: lesion.id, body: { component } })}
          />
        ))}
      </div>
    </fieldset>
  );
}
