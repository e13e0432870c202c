"""What must hold for every course, whatever the right answer is (specification, section 7)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from studies.tracking.criteria.inputs import (
    DiameterCourse,
    LesionKind,
    NonTargetObservation,
    NonTargetState,
    TargetObservation,
    TargetState,
    Timepoint,
)
from studies.tracking.criteria.irecist import assess_irecist
from studies.tracking.criteria.mrecist_hcc import assess_mrecist_hcc
from studies.tracking.criteria.rano_bm import assess_rano_bm
from studies.tracking.criteria.recist import assess_recist
from studies.tracking.criteria.verdict import CourseVerdict, Response
from tests.studies.tracking.criteria.builders import courses, overall

ENGINES = (assess_recist, assess_irecist, assess_mrecist_hcc, assess_rano_bm)
relation = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def responses(verdict: CourseVerdict) -> list[tuple[object, ...]]:
    """Return what is decided at each timepoint, with its references."""
    return [
        (t.target_response, t.non_target_response, t.overall_response, t.numbers.value, t.numbers.nadir)
        for t in verdict.timepoints
    ]


def with_timepoints(course: DiameterCourse, timepoints: list[Timepoint]) -> DiameterCourse:
    return replace(course, timepoints=tuple(timepoints))


def change_values(observation: TargetObservation, factor: Decimal) -> TargetObservation:
    longest, short = observation.longest_diameter_mm, observation.short_axis_mm
    return replace(
        observation,
        longest_diameter_mm=None if longest is None else longest * factor,
        short_axis_mm=None if short is None else short * factor,
    )


@relation
@given(courses(), st.randoms(use_true_random=False))
def test_order_and_names_of_lesions_do_not_matter(course: DiameterCourse, random: object) -> None:
    order = list(course.targets)
    random.shuffle(order)  # type: ignore[attr-defined]
    names = {t.lesion_id: f"X{n}" for n, t in enumerate(order)}
    renamed = DiameterCourse(
        tuple(replace(t, lesion_id=names[t.lesion_id]) for t in order),
        tuple(
            replace(t, targets=tuple(replace(o, lesion_id=names[o.lesion_id]) for o in t.targets))
            for t in course.timepoints
        ),
    )
    for assess in ENGINES:
        one, other = assess(course), assess(renamed)
        assert responses(one) == responses(other)
        assert one.best_overall_response.response is other.best_overall_response.response


@relation
@given(courses(), st.data())
def test_a_timepoint_without_any_evaluation_changes_no_other(course: DiameterCourse, data: st.DataObject) -> None:
    place = data.draw(st.integers(min_value=1, max_value=len(course.timepoints)))
    day = course.timepoints[place - 1].days_from_baseline + 1
    empty = Timepoint(
        day,
        targets=tuple(TargetObservation(t.lesion_id, TargetState.NOT_EVALUABLE) for t in course.targets),
        non_targets=tuple(
            NonTargetObservation(o.lesion_id, NonTargetState.NOT_EVALUABLE) for o in course.baseline.non_targets
        ),
    )
    widened = with_timepoints(course, [*course.timepoints[:place], empty, *course.timepoints[place:]])
    for assess in ENGINES:
        found = responses(assess(widened))
        assert found.pop(place)[2] is Response.NE
        assert found == responses(assess(course))


@relation
@given(courses(), st.integers(min_value=1, max_value=100))
def test_days_matter_only_to_confirmation(course: DiameterCourse, shift: int) -> None:
    later = [replace(t, days_from_baseline=t.days_from_baseline + shift) for t in course.timepoints[1:]]
    shifted = with_timepoints(course, [course.baseline, *later])
    for assess in (assess_recist, assess_mrecist_hcc, assess_rano_bm):
        assert responses(assess(shifted)) == responses(assess(course))


@relation
@given(courses(), st.data())
def test_fragments_with_the_same_sum_change_nothing(course: DiameterCourse, data: st.DataObject) -> None:
    place = data.draw(st.integers(min_value=1, max_value=len(course.timepoints) - 1))
    timepoint = course.timepoints[place]

    def split(observation: TargetObservation) -> TargetObservation:
        whole = observation.longest_diameter_mm or observation.short_axis_mm
        if whole is None:
            return observation
        first = whole * data.draw(st.integers(min_value=1, max_value=9)) / 10
        return TargetObservation(observation.lesion_id, fragment_diameters_mm=(first, whole - first))

    broken = replace(timepoint, targets=tuple(split(o) for o in timepoint.targets))
    rows = [*course.timepoints[:place], broken, *course.timepoints[place + 1 :]]
    for assess in ENGINES:
        assert responses(assess(with_timepoints(course, rows))) == responses(assess(course))


@relation
@given(courses(with_nodes=False, with_small=False), st.sampled_from([2, 3]))
def test_twice_the_size_never_undoes_progression(course: DiameterCourse, factor: int) -> None:
    rows = [replace(t, targets=tuple(change_values(o, Decimal(factor)) for o in t.targets)) for t in course.timepoints]
    before, after = overall(assess_recist(course)), overall(assess_recist(with_timepoints(course, rows)))
    assert all(now == "PD" for then, now in zip(before, after, strict=True) if then == "PD")


@relation
@given(courses(least=2))
def test_what_follows_progression_leaves_the_best_response(course: DiameterCourse) -> None:
    checked = 0
    for assess in ENGINES:
        found = overall(assess(course))
        ends = [place for place, response in enumerate(found, 1) if response in ("PD", "iCPD")]
        if not ends:
            continue
        checked += 1
        ended = with_timepoints(course, list(course.timepoints[: ends[0] + 1]))
        assert assess(ended).best_overall_response.response is assess(course).best_overall_response.response
    assume(checked)


@relation
@given(courses())
def test_complete_target_response_means_normal_nodes_and_nothing_else(course: DiameterCourse) -> None:
    for verdict, timepoint in zip(assess_recist(course).timepoints, course.timepoints, strict=True):
        if verdict.target_response is Response.CR:
            values = dict(verdict.numbers.composition)
            for target in course.targets:
                value = values[target.lesion_id]
                assert value is not None
                assert value < 10 if target.kind is LesionKind.NODE else value == 0
            assert timepoint.days_from_baseline > 0


@relation
@given(courses())
def test_progression_has_one_of_four_causes(course: DiameterCourse) -> None:
    had_complete = False
    for verdict, timepoint in zip(assess_recist(course).timepoints, course.timepoints, strict=True):
        seen = any(o.state is NonTargetState.PRESENT for o in timepoint.non_targets)
        causes = (
            verdict.target_response is Response.PD
            or verdict.non_target_response is Response.PD
            or bool(timepoint.new_lesions)
            or (had_complete and seen)
        )
        assert (verdict.overall_response is Response.PD) is causes
        had_complete = had_complete or verdict.overall_response is Response.CR


@relation
@given(courses())
@pytest.mark.parametrize("kind", [float, str])
def test_tenths_of_a_millimetre_mean_the_same_however_they_are_written(kind: type, course: DiameterCourse) -> None:
    def rewritten(observation: TargetObservation) -> TargetObservation:
        longest, short = observation.longest_diameter_mm, observation.short_axis_mm
        return TargetObservation(
            observation.lesion_id,
            observation.state,
            longest_diameter_mm=None if longest is None else kind(longest),
            short_axis_mm=None if short is None else kind(short),
        )

    rows = [replace(t, targets=tuple(rewritten(o) for o in t.targets)) for t in course.timepoints]
    for assess in ENGINES:
        assert responses(assess(with_timepoints(course, rows))) == responses(assess(course))
