import * as Plot from "@observablehq/plot";
import { Download } from "lucide-react";
import { useCallback } from "react";

import type { ModelCard } from "../../api/models";
import { writeCsv } from "../../lib/csv";
import { today } from "../../lib/dates";
import { type Translate, useTranslate } from "../../lib/messages";
import { fileNameOf, saveTextFile } from "../../lib/save_file";
import { Button } from "../../ui/Button";
import { PlotFigure } from "../../ui/PlotFigure";
import { FONT_STYLE } from "../patient/charts/drawing";
import { svgOf } from "../patient/charts/prepare_points";
import { standaloneSvg } from "../patient/charts/saved_svg";
import styles from "./Card.module.css";

type Curve = NonNullable<ModelCard["gate"]>["curve"];
type Point = Curve[number];

const SAVED_WIDTH_PX = 560;

function drawCurve(curve: Curve, width: number, t: Translate): SVGSVGElement | HTMLElement {
  const share = ({ abstained }: Point) => 100 * abstained;
  return Plot.plot({
    width,
    height: 180,
    marginLeft: 48,
    marginRight: 16,
    marginTop: 24,
    marginBottom: 36,
    style: FONT_STYLE,
    x: { label: t("gate.curve_x"), labelArrow: "none", labelAnchor: "center", domain: [0, 50] },
    y: { label: t("gate.curve_y"), labelArrow: "none", inset: 8, nice: true },
    marks: [
      Plot.gridY({ stroke: "var(--line)", ticks: 4 }),
      Plot.axisY({ ticks: 4, tickSize: 0, labelArrow: "none" }),
      Plot.axisX({ ticks: 5, labelArrow: "none", labelAnchor: "center" }),
      Plot.line(curve, { x: share, y: "mean_dice", stroke: "var(--accent)", strokeWidth: 1.5, curve: "step-after" }),
      Plot.dot(curve, { x: share, y: "mean_dice", r: 2, fill: "var(--accent)" }),
    ],
  });
}

/** Mean Dice of what is kept, against the share of cases that is left to a person. */
export default function AbstentionCurve({ model, curve }: { readonly model: string; readonly curve: Curve }) {
  const t = useTranslate();
  const draw = useCallback((width: number) => drawCurve(curve, width, t), [curve, t]);
  const title = t("gate.curve");
  const name = fileNameOf(title, model, today());
  const saveSvg = () => {
    const drawn = svgOf(draw(SAVED_WIDTH_PX));
    if (!drawn) return;
    const words = { title, subtitle: model, foot: `SegWeb. ${t("app.research_use_only_long")}` };
    saveTextFile(`${name}.svg`, "image/svg+xml", standaloneSvg(drawn, words));
  };
  const saveCsv = () => {
    const rows = curve.map(({ abstained, mean_dice }) => [abstained, mean_dice]);
    saveTextFile(`${name}.csv`, "text/csv", writeCsv([["share_abstained", "mean_dice_kept"], ...rows]));
  };
  return (
    <section aria-label={title}>
      <h4 className={styles.subtitle}>
        {title}{" "}
        <Button variant="quiet" icon={Download} onPress={saveSvg} aria-label={t("chart.save_svg")}>
          SVG
        </Button>
        <Button variant="quiet" icon={Download} onPress={saveCsv} aria-label={t("chart.save_csv")}>
          CSV
        </Button>
      </h4>
      <PlotFigure title={title} draw={draw} />
      <p className={styles.explained}>{t("gate.curve_legend")}</p>
      <details>
        <summary>{t("gate.curve_figures")}</summary>
        <table className={styles.small}>
          <thead>
            <tr>
              <th scope="col" className={styles.number}>
                {t("gate.curve_x")}
              </th>
              <th scope="col" className={styles.number}>
                {t("gate.curve_y")}
              </th>
            </tr>
          </thead>
          <tbody>
            {curve.map(({ abstained, mean_dice }) => (
              <tr key={abstained}>
                <td className={styles.number}>{(100 * abstained).toFixed(1)}</td>
                <td className={styles.number}>{mean_dice.toFixed(3)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  );
}
