import { perform } from "../../actions/reading/reading_acts";
import { toggleHeatAct } from "../../actions/reading/toggle_heat";
import { useTranslate, type PlainMessageKey, type Translate } from "../../lib/messages";
import { RAMP, RAMP_AGAINST, RAMP_FOR } from "../../state/heat";
import type { ReadingState } from "../../state/reading";
import type { ExplanationMethod, JobMap } from "../../state/records";
import { Button } from "../../ui/Button";
import { Slider } from "../../ui/Slider";
import { sentenceOf } from "../../ui/States";
import styles from "./HeatLegend.module.css";
import { useReadingSession } from "./session_context";

const BOTH = [...[...RAMP_AGAINST].reverse(), ...RAMP_FOR];

const MEANINGS: Readonly<Record<Exclude<ExplanationMethod, "channel_ablation">, PlainMessageKey>> = {
  occlusion: "explanation.meaning_occlusion",
  integrated_gradients: "explanation.meaning_integrated_gradients",
  grad_cam_deepest: "explanation.meaning_grad_cam_deepest",
  grad_cam_decoder: "explanation.meaning_grad_cam_decoder",
};

/** How sure the model was, or what a lesion rests on: shown or not, what the colours mean, and how strong they are. */
export function HeatLegend({ state }: { readonly state: ReadingState }) {
  const t = useTranslate();
  const session = useReadingSession();
  const { heat, heatStyle } = state;
  if (heat.kind === "nothing") return null;
  const isReason = heat.map.kind === "explanation";
  const toggle = isReason
    ? t(heatStyle.isShown ? "explanation.hide" : "explanation.show")
    : t(heatStyle.isShown ? "reading.heat_hide" : "reading.heat_show");
  return (
    <section className={styles.heat} aria-label={t(isReason ? "explanation.heat" : "reading.heat")}>
      <Button onPress={() => perform(toggleHeatAct, session)}>{toggle}</Button>
      {heat.kind === "failed" ? (
        <p role="alert">
          {sentenceOf(heat.error, t)} <Button onPress={() => session.heat.retry()}>{t("state.try_again")}</Button>
        </p>
      ) : null}
      {heatStyle.isShown ? (
        <>
          <Scale map={heat.map} />
          <p className={styles.ends}>{meaningOf(state, heat.map, t)}</p>
          {isReason ? <p className={styles.ends}>{t("explanation.caution")}</p> : null}
          <Slider
            label={t(isReason ? "explanation.opacity" : "reading.heat_opacity")}
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

/** The colours from end to end, and what the ends stand for. */
function Scale({ map }: { readonly map: JobMap }) {
  const t = useTranslate();
  const isSigned = map.low < 0;
  const colours = isSigned ? BOTH : RAMP;
  const gradient = `linear-gradient(to right, ${colours.map((colour) => `rgb(${colour.join(" ")})`).join(", ")})`;
  const [low, high] =
    map.kind === "uncertainty"
      ? [t("reading.heat_low"), t("reading.heat_high")]
      : [
          isSigned ? t("explanation.speaks_against", { value: endOf(map.low, map) }) : t("explanation.least"),
          t("explanation.speaks_for", { value: endOf(map.high, map) }),
        ];
  return (
    <>
      <div className={styles.ramp} style={{ background: gradient }} aria-hidden />
      <p className={styles.ends}>
        <span>{low}</span>
        <span>{high}</span>
      </p>
    </>
  );
}

/** A share as per cent, log-odds with two digits. */
function endOf(value: number, { unit }: JobMap): string {
  return unit === "log-odds" ? value.toFixed(2) : `${(100 * Math.max(-1, value)).toFixed(0)} %`;
}

function meaningOf({ explanation }: ReadingState, map: JobMap, t: Translate): string {
  const method = explanation?.explanation?.method;
  if (map.kind === "uncertainty" || !method || method === "channel_ablation") return t("reading.heat_meaning");
  return t(MEANINGS[method] as "explanation.meaning_occlusion");
}
