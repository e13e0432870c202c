"""The flip margin against the engine: one step less changes nothing, the step itself does."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings

from studies.errors import InvalidInputError
from studies.tracking.criteria.inputs import DiameterCourse, LesionKind, TargetState
from studies.tracking.criteria.recist import assess_recist
from studies.tracking.criteria.verdict import Response
from studies.tracking.flip_margin import FlipMargin, find_flip_margins
from tests.studies.tracking.criteria.builders import course, courses


def moved(whole: DiameterCourse, lesion_id: str, value: Decimal) -> Response:
    """Return the verdict of the engine with one measurement of the latest timepoint replaced."""
    kinds = {t.lesion_id: t.kind for t in whole.targets}
    field = "short_axis_mm" if kinds[lesion_id] is LesionKind.NODE else "longest_diameter_mm"
    latest = whole.timepoints[-1]
    targets = tuple(replace(o, **{field: value}) if o.lesion_id == lesion_id else o for o in latest.targets)
    changed = replace(whole, timepoints=(*whole.timepoints[:-1], replace(latest, targets=targets)))
    return assess_recist(changed).latest.overall_response


def test_a_worked_case() -> None:
    """40 + 20 = 60, now 66: progression at 72, response at 42; 6 mm more of either, 24 mm less of the first only."""
    found = find_flip_margins(course((0, [40, 20]), (56, [44, 22])))
    assert found == (
        FlipMargin("T1", Decimal(44), Decimal("6.0"), Response.PD),
        FlipMargin("T2", Decimal(22), Decimal("6.0"), Response.PD),
        FlipMargin("T1", Decimal(44), Decimal("-24.0"), Response.PR),
    )
    assert "T1 at 50 mm (+6.0 mm) would give PD" in found[0].sentence


def test_a_node_flips_to_complete_below_ten_millimetres() -> None:
    found = find_flip_margins(course((0, [20]), (56, ["10.3"]), nodes=[0]))
    assert found[0] == FlipMargin("T1", Decimal("10.3"), Decimal("-0.4"), Response.CR)


def test_the_last_lesion_flips_only_when_it_is_gone() -> None:
    found = find_flip_margins(course((0, [40]), (56, ["0.25"])))
    assert found[0] == FlipMargin("T1", Decimal("0.25"), Decimal("-0.25"), Response.CR)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(courses(with_new=False))
def test_each_margin_is_the_smallest(whole: DiameterCourse) -> None:
    present = assess_recist(whole).latest.overall_response
    found = find_flip_margins(whole)
    assert list(found) == sorted(found, key=lambda margin: abs(margin.change_mm))
    for margin in found:
        assert moved(whole, margin.lesion_id, margin.present_mm + margin.change_mm) is margin.response_after
        assert margin.response_after is not present
        step = Decimal("0.1").copy_sign(margin.change_mm)
        one_less = margin.present_mm + margin.change_mm - step
        assert one_less == margin.present_mm or moved(whole, margin.lesion_id, one_less) is present
    measured = {o.lesion_id for o in whole.timepoints[-1].targets if o.state is TargetState.MEASURED}
    assert {margin.lesion_id for margin in found} <= measured


def test_it_needs_targets_and_a_second_timepoint() -> None:
    for rows in (course((0, [20])), course((0, []), (56, []))):
        with pytest.raises(InvalidInputError):
            find_flip_margins(rows)
