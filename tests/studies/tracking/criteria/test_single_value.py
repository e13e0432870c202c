"""Criteria that judge one number per scan: baseline, progression and best response are built alike for all of them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from studies.tracking.criteria.errors import CriteriaInputError
from studies.tracking.criteria.lugano_ct import assess_lugano_ct
from studies.tracking.criteria.lugano_pet import LymphomaUptake, UptakeTrend, assess_deauville_course
from studies.tracking.criteria.lymphoma_inputs import LymphomaTimepoint, NodeDiameters
from studies.tracking.criteria.percist import PetTimepoint, assess_percist
from studies.tracking.criteria.verdict import CourseVerdict, Response
from studies.tracking.criteria.volumetric import VolumeTimepoint, assess_volumes


def pet(day: int, *peaks: str, **more: str) -> PetTimepoint:
    references = {name: Decimal(value) for name, value in more.items()}
    return PetTimepoint(day, tuple(Decimal(each) for each in peaks), **references)


def nodes(day: int, *lengths: int) -> LymphomaTimepoint:
    found = (NodeDiameters(f"N{n}", Decimal(each), Decimal(each)) for n, each in enumerate(lengths))
    return LymphomaTimepoint(day, tuple(found))


def stated(score: int | None, trend: UptakeTrend | None = None, *, is_new: bool = False) -> LymphomaUptake:
    return LymphomaUptake(None, None, None, trend, has_new_lesion=is_new, stated_score=score)


COURSES = {
    "PERCIST": assess_percist((pet(0, "10"), pet(56, "6"), pet(112, "14"), pet(168, "2"))),
    "LUGANO_CT": assess_lugano_ct((nodes(0, 40), nodes(56, 20), nodes(112, 60), nodes(168, 10))),
    "VOLUMETRIC": assess_volumes(
        tuple(VolumeTimepoint(day, Decimal(ml)) for day, ml in ((0, 10), (56, 3), (112, 20), (168, 0)))
    ),
    "LUGANO_PET": assess_deauville_course(
        (
            (0, stated(5)),
            (56, stated(4, UptakeTrend.DECREASED)),
            (112, stated(5, UptakeTrend.INCREASED)),
            (168, stated(1)),
        )
    ),
}


@pytest.mark.parametrize("name", COURSES)
def test_a_response_then_progression_then_gone(name: str) -> None:
    """The scan after the first progression does not count for the best response, however good."""
    course: CourseVerdict = COURSES[name]
    is_metabolic = name in ("PERCIST", "LUGANO_PET")
    partial, progression = (Response.PMR, Response.PMD) if is_metabolic else (Response.PR, Response.PD)
    found = [each.overall_response for each in course.timepoints]
    assert found[:3] == [Response.BASELINE, partial, progression]
    assert course.criterion == name
    assert (course.best_overall_response.response, course.best_overall_response.day) == (partial, 56)
    assert course.progression_day == 112
    first = course.timepoints[0]
    assert (first.numbers.baseline, first.numbers.nadir, first.numbers.baseline_day) == (None, None, None)
    assert first.clause.sentence.startswith("Baseline")
    assert all(each.target_response is each.overall_response for each in course.timepoints)
    assert [set(course.warnings) <= set(each.warnings) for each in course.timepoints] == [True] * 4


@pytest.mark.parametrize(
    ("recorded", "missing"),
    [
        ({}, "because neither liver nor blood pool was recorded"),
        ({"liver_mean": "2"}, "because the liver SD was not recorded"),
        ({"blood_sd": "0.2"}, "because the blood pool mean was not recorded"),
    ],
)
def test_percist_without_a_reference_says_that_measurability_is_unknown(recorded: dict[str, str], missing: str) -> None:
    course = assess_percist((pet(0, "8", **recorded), pet(56, "8")))
    assert missing in course.timepoints[0].clause.sentence
    assert any("measurable is unknown" in said and missing in said for said in course.latest.warnings)
    assert course.latest.overall_response is Response.SMD


def test_percist_names_the_reference_it_used() -> None:
    """1.5 x 2 + 2 x 0.3 = 3.6 by the liver, 2 x 1.5 + 2 x 0.1 = 3.2 by the blood pool."""
    liver = assess_percist((pet(0, "3.5", liver_mean="2", liver_sd="0.3"),)).latest.clause.sentence
    assert liver == "Baseline: SULpeak 3.5 is not measurable (threshold 3.6 by the liver)."
    blood = assess_percist((pet(0, "3.5", blood_mean="1.5", blood_sd="0.1"),)).latest.clause.sentence
    assert blood == "Baseline: SULpeak 3.5 is measurable (threshold 3.2 by the blood pool)."
    with pytest.raises(CriteriaInputError, match="larger than its mean"):
        pet(0, "8", liver_mean="0.3", liver_sd="2")


@pytest.mark.parametrize(
    ("found", "response"),
    [
        (stated(3), Response.CMR),
        (stated(4, UptakeTrend.DECREASED), Response.PMR),
        (stated(5, UptakeTrend.UNCHANGED), Response.NMR),
        (stated(4, UptakeTrend.INCREASED), Response.PMD),
        (stated(2, is_new=True), Response.PMD),
        (stated(4), Response.NE),
        (stated(None), Response.NE),
    ],
)
def test_a_stated_deauville_score(found: LymphomaUptake, response: Response) -> None:
    verdict = assess_deauville_course(((0, stated(None)), (56, found))).latest
    assert verdict.overall_response is response
    assert verdict.numbers.unit == ""
    assert "()" not in verdict.clause.sentence


@pytest.mark.parametrize("score", [0, 6])
def test_no_other_deauville_score(score: int) -> None:
    with pytest.raises(CriteriaInputError, match="1 to 5"):
        stated(score)
