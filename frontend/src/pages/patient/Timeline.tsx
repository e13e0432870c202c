import { type KeyboardEvent, useRef, useState } from "react";
import { Link } from "react-router";

import type { StudyBrief, Therapy } from "../../api/records";
import { dayNumber, formatDate, formatDay } from "../../lib/dates";
import { useLocale, useTranslate } from "../../lib/messages";
import { useWidth } from "../../lib/use_width";
import { type AxisMark, type AxisTick, layOutAxis, type PlacedSpan } from "../../state/time_axis";
import { classes } from "../../ui/classes";
import { fitText } from "./charts/fit_text";
import styles from "./Patient.module.css";

const LANE_PX = 34;
const TOP_PX = 34;
const FOOT_PX = 44;
const ROOM = { padding: 56, markGap: 34, labelGap: 84 };

const SPAN_PX = 18;

interface TimelineProps {
  readonly studies: readonly StudyBrief[];
  readonly therapy: readonly Therapy[];
  readonly litId: string | undefined;
  readonly onLight: (id: string | undefined) => void;
}

function Tick({ tick, y }: { readonly tick: AxisTick; readonly y: number }) {
  const locale = useLocale();
  return (
    <g>
      <line x1={tick.x} x2={tick.x} y1={y} y2={y + (tick.isYear ? 10 : 6)} className={styles.tick} />
      <text x={tick.x} y={y + 38} className={classes(styles.tickLabel, tick.isYear && styles.yearLabel)}>
        {formatDay(tick.day, tick.isYear ? "year" : "month", locale)}
      </text>
    </g>
  );
}

interface MarkProps {
  readonly mark: AxisMark;
  readonly study: StudyBrief;
  readonly y: number;
  readonly isReachable: boolean;
  readonly isLit: boolean;
  readonly onLight: (id: string | undefined) => void;
}

function Mark({ mark, study, y, isReachable, isLit, onLight }: MarkProps) {
  const t = useTranslate();
  const locale = useLocale();
  const date = formatDate(study.study_date ?? "", locale);
  const modalities = study.modalities.join(" ");
  const description = study.study_description || t("worklist.unnamed_study");
  const at = y - mark.lane * LANE_PX;
  return (
    <Link
      to={`/studies/${study.id}`}
      className={classes(styles.mark, isLit && styles.lit)}
      tabIndex={isReachable ? 0 : -1}
      data-mark={study.id}
      aria-label={t("patient.mark", { date, modalities, description })}
      onMouseEnter={() => onLight(study.id)}
      onMouseLeave={() => onLight(undefined)}
      onFocus={() => onLight(study.id)}
      onBlur={() => onLight(undefined)}
    >
      <title>{t("patient.mark", { date, modalities, description })}</title>
      {mark.lane > 0 ? <line x1={mark.x} x2={mark.x} y1={at + 6} y2={y} className={styles.stem} /> : null}
      <circle cx={mark.x} cy={at} r={12} className={styles.ring} />
      <circle cx={mark.x} cy={at} r={7} />
      <text x={mark.x} y={at - 14}>
        {modalities}
      </text>{" "}
      {mark.hasLabel ? (
        <text x={mark.x} y={y + 22} className={styles.date}>
          {date}
        </text>
      ) : null}
    </Link>
  );
}

const spansOf = (therapy: readonly Therapy[]) =>
  therapy.map(({ id, start_date, end_date }) => ({
    id,
    fromDay: dayNumber(start_date),
    toDay: end_date ? dayNumber(end_date) : null,
  }));

/** A treatment from its start to its stop. */
function Span({ span, line }: { readonly span: PlacedSpan; readonly line: Therapy | undefined }) {
  const t = useTranslate();
  const locale = useLocale();
  if (!line) return null;
  const end = line.end_date ? formatDate(line.end_date, locale) : t("tracked.therapy_ongoing");
  const words = `${line.name} (${t(`therapy.${line.kind}`)}), ${formatDate(line.start_date, locale)} - ${end}`;
  const y = 4 + span.lane * SPAN_PX;
  return (
    <g role="img" aria-label={words}>
      <title>{words}</title>
      <rect x={span.x} y={y} width={span.width} height={SPAN_PX - 4} rx={2} className={styles.span} />
      <text x={span.x + 4} y={y + 11} className={styles.spanName}>
        {fitText(line.name, span.width - 8)}
      </text>
    </g>
  );
}

/** Arrow keys move along the axis; Tab enters and leaves it once. */
function useArrowKeys(ids: readonly string[]) {
  const [reachable, setReachable] = useState(0);
  const svg = useRef<SVGSVGElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = Math.min(ids.length - 1, Math.max(0, reachable + step));
    setReachable(next);
    svg.current?.querySelector<SVGElement>(`[data-mark="${ids[next] ?? ""}"]`)?.focus();
  };
  return { svg, reachable: Math.min(reachable, ids.length - 1), onKeyDown };
}

/** Studies at their true dates. The same studies, with the undated ones, are in the table beside it. */
export function Timeline({ studies, therapy, litId, onLight }: TimelineProps) {
  const t = useTranslate();
  const [box, width] = useWidth<HTMLDivElement>(960);
  const dated = new Map(studies.flatMap((study) => (study.study_date ? [[study.id, study] as const] : [])));
  const items = [...dated.values()].map((study) => ({ id: study.id, day: dayNumber(study.study_date ?? "") }));
  const axis = layOutAxis(items, { width, ...ROOM }, spansOf(therapy));
  const { svg, reachable, onKeyDown } = useArrowKeys(axis.marks.map((mark) => mark.id));
  const spanLanes = axis.spans.reduce((most, span) => Math.max(most, span.lane + 1), 0);
  const y = spanLanes * SPAN_PX + TOP_PX + (axis.lanes - 1) * LANE_PX;
  return (
    <div ref={box} className={styles.axis}>
      <svg
        ref={svg}
        height={y + FOOT_PX}
        role="group"
        aria-label={t("patient.timeline")}
        aria-describedby="timeline-hint"
        onKeyDown={onKeyDown}
      >
        {axis.spans.map((span) => (
          <Span key={span.id} span={span} line={therapy.find((each) => each.id === span.id)} />
        ))}
        <line x1={16} x2={Math.max(16, width - 16)} y1={y} y2={y} className={styles.line} />
        {axis.ticks.map((tick) => (
          <Tick key={tick.day} tick={tick} y={y} />
        ))}
        {axis.marks.map((mark, index) => {
          const study = dated.get(mark.id);
          return study ? (
            <Mark
              key={mark.id}
              mark={mark}
              study={study}
              y={y}
              isReachable={index === reachable}
              isLit={litId === mark.id}
              onLight={onLight}
            />
          ) : null;
        })}
      </svg>
    </div>
  );
}
