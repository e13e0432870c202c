"""A course as frames of `selection_sweep`: one variant per choice of targets."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.diameter_course import unequivocal_new_lesions
from studies.tracking.criteria.errors import CriteriaInputError
from studies.tracking.criteria.inputs import DiameterCourse, LesionKind
from studies.tracking.criteria.measurability import Candidate, judge_measurability
from studies.tracking.criteria.non_targets import gather_non_targets
from studies.tracking.criteria.recist import RECIST
from studies.tracking.criteria.sum_of_diameters import NORMAL_NODE_MM, count_timepoint
from studies.tracking.selection_sweep import Frame, SweepLimits

_MISSING = -1
_MOST_DECIMALS = 14
Values = Sequence[Sequence[Decimal | None]]


def count_course(course: DiameterCourse, configuration: CriteriaConfiguration) -> list[list[Decimal | None]]:
    """Return the value of every lesion at every timepoint, shape (timepoints, lesions)."""
    counted = [count_timepoint(timepoint, course.targets, configuration) for timepoint in course.timepoints]
    return [[target.value_mm for target in timepoint.counted] for timepoint in counted]


def measurable_ids(course: DiameterCourse) -> frozenset[str]:
    """Return the lesions that may be targets by their size at baseline (R11.MEAS)."""
    values = count_course(course, CriteriaConfiguration())[0]
    found = []
    for target, value in zip(course.targets, values, strict=True):
        candidate = Candidate(kind=target.kind, longest_diameter_mm=value, short_axis_mm=value)
        if judge_measurability(candidate).is_measurable:
            found.append(target.lesion_id)
    return frozenset(found)


def sweep_limits(scale: int) -> SweepLimits:
    """Return the thresholds of RECIST 1.1 as integers, ``scale`` units to the millimetre."""
    limits = RECIST.limits
    growth = limits.sum_growth_mm or Decimal(0)
    return SweepLimits(
        partial=limits.partial_share.as_integer_ratio(),
        progression=limits.progression_share.as_integer_ratio(),
        growth=int(growth * scale),
    )


def find_scale(values: Values) -> int:
    """Return how many units make a millimetre so that every value is a whole number of them.

    Raises
    ------
    CriteriaInputError
        If a value has more decimals than exact 64-bit arithmetic holds.
    """
    decimals = max(0, *(-int(v.as_tuple().exponent) for row in values for v in row if v is not None), 0)
    if decimals > _MOST_DECIMALS:
        raise CriteriaInputError(f"Record lengths with at most {_MOST_DECIMALS} decimals; 0.1 mm is usual.")
    return int(10**decimals)


def _to_integers(values: Values, scale: int) -> npt.NDArray[np.int64]:
    """Return the values in units, -1 where not evaluated."""
    rows = [[_MISSING if v is None else int(v * scale) for v in row] for row in values]
    return np.array(rows, dtype=np.int64)


def build_frames(
    course: DiameterCourse, values: Values, selections: npt.NDArray[np.int64], *, scale: int
) -> list[Frame]:
    """Return the frames of all choices, shape (choices, lesions) of 0 and 1, ``scale`` units to the millimetre."""
    lengths = _to_integers(values, scale)
    normal = np.array(
        [int(NORMAL_NODE_MM * scale) if target.kind is LesionKind.NODE else 1 for target in course.targets]
    )
    others = 1 - selections
    frames = []
    for timepoint, row in zip(course.timepoints, lengths, strict=True):
        is_missing = (row == _MISSING).astype(np.int64)
        # a node below 10 mm, anything else at 0 mm, is no disease any more
        is_disease = (row >= normal).astype(np.int64)
        facts = gather_non_targets(timepoint, course.baseline)
        frames.append(
            Frame(
                day=timepoint.days_from_baseline,
                sums=selections @ np.where(row == _MISSING, 0, row),
                is_missing=selections @ is_missing > 0,
                has_evaluated=selections @ (1 - is_missing) > 0,
                has_disease=selections @ is_disease > 0,
                has_non_targets=(others.sum(axis=1) > 0) | bool(facts.baseline_ids),
                is_non_target_missing=(others @ is_missing > 0) | bool(facts.missing_ids),
                has_non_target_disease=(others @ is_disease > 0) | bool(facts.remaining_ids),
                is_non_target_progressing=bool(facts.progressed_ids),
                is_marker_normal=facts.is_marker_normal,
                has_new_lesion=bool(unequivocal_new_lesions(timepoint)),
            )
        )
    return frames
