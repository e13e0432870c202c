import { useCallback } from "react";

import type { ModelCard } from "../../api/models";
import { useLocale, useTranslate } from "../../lib/messages";
import { PlotFigure } from "../../ui/PlotFigure";
import styles from "./Card.module.css";
import { drawReliability } from "./draw_reliability";

type Calibration = NonNullable<NonNullable<ModelCard["evidence"]>["calibration"]>;

/** How far a network's probabilities can be believed, on cases that decided nothing. */
export function CardCalibration({ calibration }: { readonly calibration: Calibration }) {
  const t = useTranslate();
  const locale = useLocale();
  const { before, after } = calibration;
  const draw = useCallback(
    (width: number) => drawReliability({ before, after, width, t, locale }),
    [before, after, t, locale],
  );
  const three = new Intl.NumberFormat(locale, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
  const percent = new Intl.NumberFormat(locale, { style: "percent" });
  return (
    <>
      <h4 className={styles.subtitle}>{t("models.sure_title")}</h4>
      <PlotFigure title={t("models.sure_plot")} draw={draw} />
      <p className={styles.explained}>{t("models.sure_legend")}</p>
      <p>
        {t("models.sure_error", {
          after: three.format(after.error),
          before: three.format(before.error),
          judged: calibration.judged_on.toLocaleString(locale),
          fitted: calibration.fitted_on.toLocaleString(locale),
        })}
      </p>
      <ul className={styles.plain}>
        {calibration.intervals.map(({ segment_label: segment, judged_on, within, median_width }) => (
          <li key={segment}>
            {judged_on && median_width !== null
              ? t("models.sure_interval", {
                  segment,
                  within: within.toLocaleString(locale),
                  judged: judged_on.toLocaleString(locale),
                  level: (100 * calibration.level).toLocaleString(locale),
                  width: percent.format(median_width),
                })
              : t("models.sure_no_interval", { segment })}
          </li>
        ))}
      </ul>
    </>
  );
}
