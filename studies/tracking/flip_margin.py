"""Which single measurement, changed by how many tenths of a millimetre, would change the present verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.errors import CriteriaInputError
from studies.tracking.criteria.exact import difference, plain
from studies.tracking.criteria.inputs import DiameterCourse, LesionKind, TargetState
from studies.tracking.criteria.sum_of_diameters import NORMAL_NODE_MM
from studies.tracking.criteria.verdict import Response
from studies.tracking.selection_frames import build_frames, count_course, find_scale, sweep_limits
from studies.tracking.selection_sweep import RESPONSES, Frame, sweep

STEP_MM = Decimal("0.1")
_FURTHEST_MM = Decimal(300)


@dataclass(frozen=True, slots=True)
class FlipMargin:
    """The smallest change of one measurement that changes the verdict of the latest timepoint."""

    lesion_id: str
    present_mm: Decimal
    change_mm: Decimal
    response_after: Response

    @property
    def sentence(self) -> str:
        """Say the margin as a reader needs it."""
        there = plain(self.present_mm + self.change_mm)
        return f"{self.lesion_id} at {there} mm ({self.change_mm:+f} mm) would give {self.response_after}."


def find_flip_margins(
    course: DiameterCourse, configuration: CriteriaConfiguration | None = None
) -> tuple[FlipMargin, ...]:
    """Return, for each measured target and either direction, the smallest change that changes the RECIST verdict.

    Every value in steps of 0.1 mm is tried, down to 0 mm (gone) and up to 300 mm above the present one; the smallest
    change comes first. A lesion without a measurement at the latest timepoint has no margin.
    """
    if not course.targets or len(course.timepoints) < 2:
        raise CriteriaInputError("A flip margin needs targets and a second timepoint.")
    values = configuration or CriteriaConfiguration()
    counted = count_course(course, values)
    states = {o.lesion_id: o.state for o in course.timepoints[-1].targets}
    margins: list[FlipMargin] = []
    for position, target in enumerate(course.targets):
        present = counted[-1][position]
        if present is not None and states.get(target.lesion_id) is TargetState.MEASURED:
            margins += _margins_of(course, counted, position, present, values)
    return tuple(sorted(margins, key=lambda margin: (abs(margin.change_mm), margin.lesion_id, margin.change_mm)))


def _margins_of(
    course: DiameterCourse,
    counted: list[list[Decimal | None]],
    position: int,
    present: Decimal,
    values: CriteriaConfiguration,
) -> list[FlipMargin]:
    tried = _values_to_try(present)
    frames, scale = _variants(course, counted, position, tried)
    codes = sweep(frames, sweep_limits(scale), values)[-1]
    found = []
    for candidates in (
        [i for i, value in enumerate(tried) if value < present][::-1],
        [i for i, value in enumerate(tried) if value > present],
    ):
        flipped = next((i for i in candidates if codes[i] != codes[0]), None)
        if flipped is not None:
            change = difference(tried[flipped], present)
            lesion_id = course.targets[position].lesion_id
            found.append(FlipMargin(lesion_id, present, change, RESPONSES[codes[flipped]]))
    return found


def _values_to_try(present: Decimal) -> list[Decimal]:
    """Return the present value first, then every other one in rising order."""
    below = [present - STEP_MM * k for k in range(1, int(present / STEP_MM) + 1)][::-1]
    gone = [Decimal(0)] if not below or below[0] > 0 else []
    above = [present + STEP_MM * k for k in range(1, int(_FURTHEST_MM / STEP_MM) + 1)]
    return [present, *gone, *below, *above] if present > 0 else [present, *above]


def _variants(
    course: DiameterCourse, counted: list[list[Decimal | None]], position: int, tried: list[Decimal]
) -> tuple[list[Frame], int]:
    """Return the frames of the course with one value of the latest timepoint replaced by each of those tried."""
    # the tried values take part in finding the unit, so that every one of them is an integer in it
    unit = find_scale([*counted[:-1], [*counted[-1], *tried]])
    selections = np.ones((len(tried), len(course.targets)), dtype=np.int64)
    frames = build_frames(course, counted, selections, scale=unit)
    last = frames[-1]
    lengths = np.array([int(value * unit) for value in tried], dtype=np.int64)
    others = [(t, v) for i, (t, v) in enumerate(zip(course.targets, counted[-1], strict=True)) if i != position]
    is_node = course.targets[position].kind is LesionKind.NODE
    normal = int(NORMAL_NODE_MM * unit) if is_node else 1
    has_other_disease = any(
        value is not None and value >= (NORMAL_NODE_MM if target.kind is LesionKind.NODE else Decimal(1) / unit)
        for target, value in others
    )
    changed = replace(last, sums=last.sums - lengths[0] + lengths, has_disease=(lengths >= normal) | has_other_disease)
    return [*frames[:-1], changed], unit
