import { perform } from "../../actions/reading/reading_acts";
import { toggleHeatAct } from "../../actions/reading/toggle_heat";
import { useTranslate } from "../../lib/messages";
import { RAMP } from "../../state/heat";
import type { ReadingState } from "../../state/reading";
import { Button } from "../../ui/Button";
import { Slider } from "../../ui/Slider";
import { sentenceOf } from "../../ui/States";
import styles from "./HeatLegend.module.css";
import { useReadingSession } from "./session_context";

const GRADIENT = `linear-gradient(to right, ${RAMP.map((colour) => `rgb(${colour.join(" ")})`).join(", ")})`;

/** How sure the model was: shown or not, what the colours mean, and how strong they are. */
export function HeatLegend({ state }: { readonly state: ReadingState }) {
  const t = useTranslate();
  const session = useReadingSession();
  const { heat, heatStyle } = state;
  if (heat.kind === "nothing") return null;
  if (heat.kind === "failed") return <p role="alert">{sentenceOf(heat.error, t)}</p>;
  return (
    <section className={styles.heat} aria-label={t("reading.heat")}>
      <Button onPress={() => perform(toggleHeatAct, session)}>
        {t(heatStyle.isShown ? "reading.heat_hide" : "reading.heat_show")}
      </Button>
      {heatStyle.isShown ? (
        <>
          <div className={styles.ramp} style={{ background: GRADIENT }} aria-hidden />
          <p className={styles.ends}>
            <span>{t("reading.heat_low")}</span>
            <span>{t("reading.heat_high")}</span>
          </p>
          <p className={styles.ends}>{t("reading.heat_meaning")}</p>
          <Slider
            label={t("reading.heat_opacity")}
            value={heatStyle.opacity}
            minimum={0}
            maximum={1}
            step={0.05}
            formatOptions={{ style: "percent" }}
            onChange={(opacity) => session.set({ heatStyle: { ...heatStyle, opacity } })}
          />
        </>
      ) : null}
    </section>
  );
}
