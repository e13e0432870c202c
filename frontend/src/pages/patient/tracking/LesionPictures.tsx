import { useState } from "react";

import type { Tracking } from "../../../api/records";
import { useTranslate } from "../../../lib/messages";
import type { Vector3 } from "../../../lib/vectors";
import { Select } from "../../../ui/Select";
import { Filmstrip } from "../Filmstrip";
import styles from "./Verdict.module.css";

const vector = ([x = 0, y = 0, z = 0]: readonly number[]): Vector3 => [x, y, z];

/** One lesion on every date, also on those on which it is not marked but a registration leads there. */
export function LesionPictures({ tracking }: { readonly tracking: Tracking }) {
  const t = useTranslate();
  const shown = tracking.lesions.filter((lesion) => lesion.places.length > 0 && !lesion.description.dismissed_reason);
  const [chosen, setChosen] = useState(shown[0]?.id ?? "");
  const lesion = shown.find((each) => each.id === chosen) ?? shown[0];
  if (!lesion) return null;
  const items = lesion.places.map((place) => ({
    seriesId: place.series_id,
    studyId: place.study_id,
    date: place.study_date,
    at: vector(place.at_mm),
    isMarked: place.is_marked,
  }));
  return (
    <div className={styles.charts}>
      <div className={styles.row}>
        <Select
          label={t("verdict.which_lesion")}
          choices={shown.map((each) => ({ value: each.id, label: each.name }))}
          value={lesion.id}
          onChange={setChosen}
        />
      </div>
      <Filmstrip items={items} />
      {lesion.remarks.length > 0 ? (
        <div className={styles.section}>
          <h3>{t("verdict.remarks")}</h3>
          <ul className={styles.list}>
            {lesion.remarks.map((remark) => (
              <li key={remark.sentence}>{remark.sentence}</li>
            ))}
          </ul>
        </div>
      ) : null}
    </div>
  );
}
