"""Bad input is refused with a code that stays and a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from studies.errors import InvalidInputError
from studies.tracking.criteria.brain_inputs import MeasurementMode
from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.inputs import (
    LesionKind,
    NonTargetObservation,
    TargetLesion,
    TargetObservation,
    TargetState,
    Timepoint,
)
from studies.tracking.criteria.recist import assess_recist
from tests.studies.tracking.criteria.builders import brain, course


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: course((0, [30]), (56, [30]), (50, [30])), "criteria.timepoints_out_of_order"),
        (lambda: course((0, [30]), (56, [30]), (56, [31])), "criteria.two_timepoints_on_one_day"),
        (lambda: course((7, [30]), (56, [30])), "criteria.baseline_missing"),
        (lambda: course((0, [None]), (56, [30])), "criteria.measurement_missing"),
        (lambda: course((0, ["gone"]), (56, [30])), "criteria.measurement_missing"),
        (lambda: course((0, [30]), (56, [-1])), "criteria.not_a_measurement"),
        (lambda: TargetObservation("T1"), "criteria.measurement_missing"),
        (
            lambda: TargetObservation("T1", TargetState.ABSENT, longest_diameter_mm=Decimal(3)),
            "criteria.not_a_measurement",
        ),
        (lambda: brain((0, None), (56, [100])), "criteria.measurement_missing"),
        (lambda: brain((0, [100]), mode=MeasurementMode.VOLUME_3D), "criteria.measurement_missing"),
        (lambda: CriteriaConfiguration(min_sd_days=-1), "criteria.configuration_invalid"),
        (lambda: CriteriaConfiguration(confirm_tolerance_days=30), "criteria.configuration_invalid"),
    ],
)
def test_bad_input_is_refused(make: Callable[[], object], code: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        make()
    assert caught.value.code == code
    assert caught.value.message.endswith(".")


def test_a_target_cannot_be_added_later() -> None:
    first = course((0, [30]), (56, [30]))
    stranger = Timepoint(112, targets=(TargetObservation("T9", longest_diameter_mm=Decimal(12)),))
    with pytest.raises(InvalidInputError, match="T9") as caught:
        type(first)(first.targets, (*first.timepoints, stranger))
    assert caught.value.code == "criteria.lesion_unknown"


def test_a_lesion_cannot_be_recorded_twice() -> None:
    first = course((0, [30]), (56, [30]))
    twice = Timepoint(112, targets=first.timepoints[1].targets * 2)
    with pytest.raises(InvalidInputError, match="twice"):
        type(first)(first.targets, (*first.timepoints, twice))


def test_a_new_non_target_is_a_new_lesion() -> None:
    first = course((0, [30]), (56, [30]))
    later = Timepoint(56, first.timepoints[1].targets, non_targets=(NonTargetObservation("N1"),))
    with pytest.raises(InvalidInputError, match="new lesion"):
        assess_recist(type(first)(first.targets, (first.baseline, later)))


def test_a_node_needs_its_short_axis() -> None:
    """Eight: the long axis of a node is not what counts."""
    node = TargetLesion("T1", "axilla", LesionKind.NODE)
    long_axis = Timepoint(0, (TargetObservation("T1", longest_diameter_mm=Decimal(25)),))
    with pytest.raises(InvalidInputError, match="short axis"):
        assess_recist(type(course((0, [30])))((node,), (long_axis,)))


def test_a_factor_of_ten_raises_the_question_of_the_unit() -> None:
    verdict = assess_recist(course((0, [30, 20]), (56, ["3.0", 20]))).latest
    assert any("T1" in warning and "cm" in warning for warning in verdict.warnings)
    assert not assess_recist(course((0, [30, 20]), (56, [10, 20]))).latest.warnings
