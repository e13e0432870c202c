import { type FocusEvent, type KeyboardEvent, type MouseEvent, useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";

import { useTranslate } from "../../../lib/messages";
import { useWidth } from "../../../lib/use_width";
import styles from "./Charts.module.css";
import { pointAfterKey, preparePoints, svgOf } from "./prepare_points";

interface PlotCanvasProps {
  readonly title: string;
  readonly draw: (width: number) => Element;
  readonly onDrawn: (svg: SVGSVGElement) => void;
  readonly legend: string;
}

const LEAST_WIDTH_PX = 280;

const pointOf = (target: EventTarget): SVGAElement | null =>
  target instanceof Element ? target.closest<SVGAElement>("a[data-point]") : null;

const opensElsewhere = (event: MouseEvent): boolean =>
  event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0;

/** A plain click stays in this page; one that asks for a tab gets it. */
function useOpenPoint() {
  const navigate = useNavigate();
  return (event: MouseEvent) => {
    const href = pointOf(event.target)?.getAttribute("href");
    if (!href || opensElsewhere(event)) return;
    event.preventDefault();
    void navigate(href);
  };
}

/** Where a drawing stands: Tab enters it once, arrow keys move between its points, Enter opens one's images. */
export function PlotCanvas({ title, draw, onDrawn, legend }: PlotCanvasProps) {
  const t = useTranslate();
  const openPoint = useOpenPoint();
  const [box, width] = useWidth<HTMLDivElement>(560);
  const points = useRef<SVGAElement[]>([]);
  const reachable = useRef(0);
  const [told, setTold] = useState("");
  useEffect(() => {
    const svg = svgOf(draw(Math.max(LEAST_WIDTH_PX, width)));
    if (!svg || !box.current) return;
    const hadFocus = box.current.contains(document.activeElement);
    points.current = preparePoints(svg, reachable.current);
    onDrawn(svg);
    box.current.replaceChildren(svg);
    if (hadFocus) points.current[reachable.current]?.focus();
  }, [draw, width, box, onDrawn]);
  const reach = (index: number) => {
    points.current[reachable.current]?.setAttribute("tabindex", "-1");
    points.current[index]?.setAttribute("tabindex", "0");
    reachable.current = index;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const next = pointAfterKey(event.key, reachable.current, points.current.length);
    if (next === undefined) return;
    event.preventDefault();
    reach(next);
    points.current[next]?.focus();
  };
  const tell = (event: MouseEvent | FocusEvent) => {
    const point = pointOf(event.target);
    setTold(point?.getAttribute("aria-label") ?? "");
    if (point && event.type === "focus") reach(Number(point.dataset["point"]));
  };
  return (
    <>
      {/* The links inside are what is operated; their events are only gathered here. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <div
        ref={box}
        role="group"
        aria-label={t("chart.points", { title })}
        className={styles.canvas}
        onKeyDown={onKeyDown}
        onClick={openPoint}
        onFocus={tell}
        onBlur={() => setTold("")}
        onMouseOver={tell}
        onMouseLeave={() => setTold("")}
      />
      <p className={styles.told} aria-hidden>
        {told || legend}
      </p>
    </>
  );
}
