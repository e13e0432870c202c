"""Courses in few words: ``course((0, [30, 20]), (56, ["gone", 20]))``."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from studies.tracking.criteria.brain_inputs import BrainCourse, BrainTimepoint
from studies.tracking.criteria.inputs import (
    Certainty,
    DiameterCourse,
    LesionKind,
    NewLesion,
    NonTargetObservation,
    NonTargetState,
    TargetLesion,
    TargetObservation,
    TargetState,
    Timepoint,
)
from studies.tracking.criteria.verdict import CourseVerdict

_STATES = {
    "gone": TargetState.ABSENT,
    "small": TargetState.TOO_SMALL_TO_MEASURE,
    "merged": TargetState.MERGED,
    None: TargetState.NOT_EVALUABLE,
}
_NON_TARGETS = {
    "present": NonTargetState.PRESENT,
    "absent": NonTargetState.ABSENT,
    "worse": NonTargetState.UNEQUIVOCAL_PROGRESSION,
    None: NonTargetState.NOT_EVALUABLE,
}
Row = tuple[int, Sequence[Any]] | tuple[int, Sequence[Any], dict[str, Any]]


def course(*rows: Row, nodes: Sequence[int] = (), organs: Sequence[str] = (), **more: Any) -> DiameterCourse:
    """Return a course; targets are T1, T2, ..., those at the positions in ``nodes`` are lymph nodes."""
    width = len(rows[0][1])
    targets = tuple(
        TargetLesion(
            f"T{n + 1}",
            organs[n] if organs else f"organ {n}",
            LesionKind.NODE if n in nodes else LesionKind.NON_NODAL,
        )
        for n in range(width)
    )
    return DiameterCourse(targets, tuple(timepoint(targets, *row) for row in rows), **more)


def timepoint(
    targets: Sequence[TargetLesion], day: int, values: Sequence[Any], extra: dict[str, Any] | None = None
) -> Timepoint:
    found = dict(extra or {})
    non_targets = tuple(non_target(f"N{n + 1}", value) for n, value in enumerate(found.pop("non_targets", ())))
    new = found.pop("new", ())
    return Timepoint(
        days_from_baseline=day,
        targets=tuple(observation(t, value) for t, value in zip(targets, values, strict=True)),
        non_targets=non_targets,
        new_lesions=tuple(n if isinstance(n, NewLesion) else NewLesion(str(n)) for n in new),
        **found,
    )


def observation(target: TargetLesion, value: Any) -> TargetObservation:
    if value is None or value in _STATES:
        return TargetObservation(target.lesion_id, _STATES[value])
    if isinstance(value, tuple):
        return TargetObservation(target.lesion_id, fragment_diameters_mm=value)
    key = "short_axis_mm" if target.kind is LesionKind.NODE else "longest_diameter_mm"
    return TargetObservation(target.lesion_id, **{key: value})


def non_target(lesion_id: str, value: Any) -> NonTargetObservation:
    if value is None or value in _NON_TARGETS:
        return NonTargetObservation(lesion_id, _NON_TARGETS[value])
    return NonTargetObservation(lesion_id, short_axis_mm=value)


def equivocal(lesion_id: str) -> NewLesion:
    return NewLesion(lesion_id, certainty=Certainty.EQUIVOCAL)


def brain(*rows: tuple[int, Any] | tuple[int, Any, dict[str, Any]], **more: Any) -> BrainCourse:
    """Return a brain course; a row is a day and a list of products in mm2, a volume in mL, or None."""

    def build(day: int, value: Any, extra: dict[str, Any] | None = None) -> BrainTimepoint:
        found = dict(extra or {})
        found["new_lesions"] = tuple(NewLesion(str(n)) for n in found.pop("new", ()))
        key = "products_mm2" if value is None or isinstance(value, list) else "volume_ml"
        return BrainTimepoint(day, **{key: tuple(value) if isinstance(value, list) else value}, **found)

    return BrainCourse(tuple(build(*row) for row in rows), **more)


def overall(verdict: CourseVerdict) -> list[str]:
    """Return the overall responses after baseline."""
    return [str(t.overall_response) for t in verdict.timepoints[1:]]


def target(verdict: CourseVerdict) -> list[str]:
    """Return the target responses after baseline."""
    return [str(t.target_response) for t in verdict.timepoints[1:]]


def best(verdict: CourseVerdict) -> str:
    return str(verdict.best_overall_response.response)


def mm(tenths: int) -> Decimal:
    return Decimal(tenths) / 10


_measured = st.integers(min_value=1, max_value=800).map(mm)
_value = st.one_of(_measured, _measured, _measured, st.sampled_from(["gone", "small", None]))


@st.composite
def courses(
    draw: st.DrawFn, *, with_nodes: bool = True, with_small: bool = True, with_new: bool = True, least: int = 1
) -> DiameterCourse:
    """Draw any course of one to four targets, up to two non-targets and one to four timepoints after baseline."""
    width = draw(st.integers(min_value=1, max_value=4))
    nodes = draw(st.sets(st.integers(min_value=0, max_value=width - 1))) if with_nodes else set()
    count = draw(st.integers(min_value=0, max_value=2))
    start = [mm(draw(st.integers(min_value=150, max_value=800))) for _ in range(width)]
    rows: list[Row] = [(0, start, {"non_targets": ["present"] * count})]
    value = _value if with_small else st.one_of(_measured, _measured, st.sampled_from(["gone", None]))
    day = 0
    for _ in range(draw(st.integers(min_value=least, max_value=4))):
        day += draw(st.integers(min_value=14, max_value=70))
        values = draw(st.one_of(st.lists(value, min_size=width, max_size=width), st.just(["gone"] * width)))
        extra = {
            "non_targets": draw(
                st.lists(
                    st.sampled_from(["present", "absent", "absent", "worse", None]), min_size=count, max_size=count
                )
            ),
            "new": draw(st.sampled_from([(), (), (), ("L1",)])) if with_new else (),
        }
        rows.append((day, values, extra))
    return course(*rows, nodes=sorted(nodes))
