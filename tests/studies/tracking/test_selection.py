"""Robustness to the choice of targets: counts against brute force, verdicts against the engine itself."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from math import comb

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studies.errors import InvalidInputError
from studies.tracking.criteria.configuration import (
    CriteriaConfiguration,
    NonTargetReappearance,
    ResponsePersistence,
)
from studies.tracking.criteria.inputs import (
    DiameterCourse,
    LesionKind,
    NonTargetObservation,
    NonTargetState,
    TargetObservation,
    TargetState,
)
from studies.tracking.criteria.recist import assess_recist
from studies.tracking.criteria.verdict import Response
from studies.tracking.selection import SelectionScope, count_selections, judge_selections, list_selections
from studies.tracking.selection_frames import build_frames, count_course, find_scale, measurable_ids, sweep_limits
from studies.tracking.selection_sweep import RESPONSES, sweep
from tests.studies.tracking.criteria.builders import course, courses

CONFIGURATIONS = [
    CriteriaConfiguration(),
    CriteriaConfiguration(pr_persistence=ResponsePersistence.STRICT),
    CriteriaConfiguration(confirmation_required=True),
    CriteriaConfiguration(nt_reappearance=NonTargetReappearance.EORTC),
]
SMALL = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def as_chosen(whole: DiameterCourse, chosen: tuple[int, ...]) -> DiameterCourse:
    """Return the course with some lesions as targets and the others as non-targets, as a reader would record it."""
    kept = [whole.targets[n].lesion_id for n in chosen]
    kinds = {t.lesion_id: t.kind for t in whole.targets}

    def demoted(observation: TargetObservation) -> NonTargetObservation:
        state, value = observation.state, observation.longest_diameter_mm
        if state is TargetState.NOT_EVALUABLE:
            return NonTargetObservation(observation.lesion_id, NonTargetState.NOT_EVALUABLE)
        if state is TargetState.ABSENT or value == 0:
            return NonTargetObservation(observation.lesion_id, NonTargetState.ABSENT)
        if kinds[observation.lesion_id] is LesionKind.NODE:
            small = 5 if state is TargetState.TOO_SMALL_TO_MEASURE else observation.short_axis_mm
            return NonTargetObservation(observation.lesion_id, short_axis_mm=small)  # type: ignore[arg-type]
        return NonTargetObservation(observation.lesion_id)

    timepoints = tuple(
        replace(
            t,
            targets=tuple(o for o in t.targets if o.lesion_id in kept),
            non_targets=(*t.non_targets, *(demoted(o) for o in t.targets if o.lesion_id not in kept)),
        )
        for t in whole.timepoints
    )
    return DiameterCourse(tuple(whole.targets[n] for n in chosen), timepoints)


@SMALL
@given(courses(), st.sampled_from(CONFIGURATIONS))
def test_the_sweep_says_what_the_engine_says(whole: DiameterCourse, configuration: CriteriaConfiguration) -> None:
    width = len(whole.targets)
    chosen = [c for size in range(1, width + 1) for c in itertools.combinations(range(width), size)]
    mask = np.zeros((len(chosen), width), dtype=np.int64)
    for row, positions in enumerate(chosen):
        mask[row, list(positions)] = 1
    values = count_course(whole, configuration)
    scale = find_scale(values)
    codes = sweep(build_frames(whole, values, mask, scale=scale), sweep_limits(scale), configuration)
    for row, positions in enumerate(chosen):
        expected = [
            t.overall_response for t in assess_recist(as_chosen(whole, positions), configuration).timepoints[1:]
        ]
        assert [RESPONSES[code] for code in codes[:, row]] == expected


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=9), st.sampled_from(list(SelectionScope)))
@settings(max_examples=40, deadline=None)
def test_every_legal_choice_once(organs: list[str], scope: SelectionScope) -> None:
    legal = {
        chosen
        for size in range(1, 6)
        for chosen in itertools.combinations(range(len(organs)), size)
        if max(Counter(organs[n] for n in chosen).values()) <= 2
    }
    if scope is SelectionScope.FULL:
        legal = {chosen for chosen in legal if len(chosen) == max(map(len, legal))}
    listed = [tuple(sorted(chosen)) for chosen in list_selections(organs, scope)]
    assert len(listed) == len(set(listed)) == count_selections(organs, scope)
    assert set(listed) == legal


def test_the_count_of_a_worked_case() -> None:
    """Three lesions in the liver, two in the lung: (1 + 3 + 3) (1 + 2 + 1) - 1 choices, none larger than four."""
    assert count_selections(["liver"] * 3 + ["lung"] * 2) == 7 * 4 - 1
    assert count_selections(["liver"] * 3 + ["lung"] * 2, SelectionScope.FULL) == 3
    assert count_selections([str(n) for n in range(10)]) == sum(comb(10, size) for size in range(1, 6))


def test_a_mixed_response_depends_on_the_choice() -> None:
    """One of three liver lesions doubles. Alone (20 to 40) it is progression; 20 + 60 to 40 + 30 is none."""
    whole = course((0, [20, 60, 60]), (56, [40, 30, 30]), organs=["liver"] * 3)
    found = judge_selections(whole, chosen_ids=["T2", "T3"])
    # {1}: PD; {2}, {3}, {2,3}: -50 %, PR; {1,2}, {1,3}: 80 to 70, SD
    assert dict(found.counts) == {Response.PR: 3, Response.SD: 2, Response.PD: 1}
    assert (found.total, found.present_response) == (6, Response.PR)
    assert "PD in 1 of 6" in found.sentence
    full = judge_selections(whole, chosen_ids=["T2", "T3"], scope=SelectionScope.FULL)
    assert dict(full.counts) == {Response.PR: 1, Response.SD: 2}


def test_what_is_not_measurable_is_never_chosen() -> None:
    whole = course((0, [20, 9, 12]), (56, [30, 30, 30]), nodes=[2])
    assert measurable_ids(whole) == {"T1"}
    assert judge_selections(whole, chosen_ids=["T1"]).total == 1


def test_too_many_choices_are_told_not_sampled() -> None:
    width = 60
    organs = [f"organ {n}" for n in range(width)]
    whole = course((0, [20] * width), (56, [20] * width), organs=organs)
    found = judge_selections(whole, chosen_ids=["T1"])
    assert found.total == sum(comb(width, size) for size in range(1, 6)) > 2_000_000
    assert (found.is_exhaustive, found.present_response) == (False, Response.SD)
    assert "not counted" in found.sentence


def test_there_must_be_something_to_choose() -> None:
    with pytest.raises(InvalidInputError):
        judge_selections(course((0, [20])), chosen_ids=["T1"])
