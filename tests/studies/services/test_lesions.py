"""Lesions keep their identity over dates; what a person says stands; what nobody said is never a number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studies.label_maps.codec import encode_brick
from studies.models import (
    Lesion,
    LesionState,
    MatchingState,
)
from studies.services import registrations
from studies.services.assessments import assess_patient, find_flip
from studies.services.lesion_edits import assign_component, confirm_observation, describe_lesion, state_lesion
from studies.services.segmentations import save_revision
from studies.services.timepoints import SameDayError, UndatedStudyError, record_timepoint
from studies.services.tracking_care import tend_tracking
from studies.tracking.criteria.inputs import LesionRole
from studies.tracking.criteria.verdict import Criterion, Response
from tests.followed import DATES, A, B, Course, grown, paint

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _registered_by_definition(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Phantoms of one grid lie over each other as they are; registering them is the business of other tests."""
    settings.SEGWEB_DATA_DIR = tmp_path / "data"
    monkeypatch.setattr(registrations, "_is_same_place", lambda prior, current: True)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(tmp_path)


def test_lesions_keep_their_uid_and_a_new_one_gets_its_own(course: Course) -> None:
    first = course.date(DATES[0], [A, B])
    assert set(course.seen(first)) == {"L1", "L2"}
    uids = {each.name: each.tracking_uid for each in Lesion.objects.all()}
    second = course.date(DATES[1], [grown(A, 9.0), B, ((18.0, 20.0, 75.0), 5.0)])
    seen = course.seen(second)
    assert {name: each.state for name, each in seen.items()} == dict.fromkeys(("L1", "L2", "L3"), "measured")
    assert {each.name: each.tracking_uid for each in Lesion.objects.all() if each.name in uids} == uids
    assert seen["L1"].proposal["kind"] == "same"
    assert seen["L3"].proposal["kind"] == "new"
    assert Lesion.objects.get(number=3).certainty == "equivocal"


def test_a_lesion_that_nobody_marked_is_not_gone(course: Course) -> None:
    course.date(DATES[0], [A, B])
    second = course.date(DATES[1], [A])
    unmarked = course.seen(second)["L2"]
    assert (unmarked.state, unmarked.proposal["kind"]) == (LesionState.UNMARKED, "vanished")
    assert assess_patient(course.patient).verdict.latest.overall_response is Response.NE
    confirm_observation(unmarked, by=course.person)
    course.match()
    assert course.seen(second)["L2"].state == LesionState.ABSENT
    found = assess_patient(course.patient)
    assert found.verdict.latest.overall_response is not Response.NE


def test_what_was_confirmed_gone_stays_so_on_later_dates_until_it_is_marked_again(course: Course) -> None:
    course.date(DATES[0], [A, B])
    second = course.date(DATES[1], [A])
    confirm_observation(course.seen(second)["L2"], by=course.person)
    third = course.date(DATES[2], [A])
    assert course.seen(third)["L2"].state == LesionState.ABSENT
    course.redraw(third, [A, B])
    assert course.seen(third)["L2"].state == LesionState.MEASURED


def test_later_dates_build_on_what_was_corrected(course: Course) -> None:
    course.date(DATES[0], [A])
    moved = ((18.0, 70.0, 70.0), 8.0)
    second = course.date(DATES[1], [moved])
    assert {n: s.state for n, s in course.seen(second).items()} == {"L1": "unmarked", "L2": "measured"}
    assign_component(second, (1, 1), lesion=Lesion.objects.get(number=1), by=course.person)
    course.match()
    assert {n: s.state for n, s in course.seen(second).items()} == {"L1": "measured"}
    third = course.date(DATES[2], [moved])
    assert {n: s.state for n, s in course.seen(third).items()} == {"L1": "measured"}
    assert not Lesion.objects.filter(number=2).exists()


def test_merging_and_splitting_keep_the_larger_ones_name(course: Course) -> None:
    near = ((8.0, 30.0, 52.0), 6.0)
    course.date(DATES[0], [A, near])
    bridge = ((8.0, 30.0, 41.0), 8.0)
    second = course.date(DATES[1], [grown(A, 9.0), near, bridge])
    seen = course.seen(second)
    assert seen["L1"].state == LesionState.MEASURED
    assert seen["L2"].state == LesionState.MERGED
    assert seen["L2"].merged_into is not None
    assert seen["L2"].merged_into.name == "L1"
    assert seen["L1"].proposal["kind"] == "merged"


def test_a_confirmed_lesion_survives_an_edit_and_its_numbers_follow(course: Course) -> None:
    first = course.date(DATES[0], [A, B])
    second = course.date(DATES[1], [A, B])
    describe_lesion(
        Lesion.objects.get(number=1), values={"role": LesionRole.TARGET, "organ": "liver"}, by=course.person
    )
    describe_lesion(Lesion.objects.get(number=2), values={"role": LesionRole.TARGET, "organ": "lung"}, by=course.person)
    for timepoint in (first, second):
        for each in course.seen(timepoint).values():
            confirm_observation(each, by=course.person)
    course.match()
    before = assess_patient(course.patient)
    assert before.verdict.latest.overall_response is Response.SD
    course.redraw(second, [grown(A, 13.0), B])
    after = assess_patient(course.patient)
    assert after.verdict.latest.overall_response is Response.PD
    assert after.verdict.latest.clause.rule_id == "R11.T.PD"
    diameter = course.seen(second)["L1"].measurements[0]["longest_diameter"]["value"]
    assert diameter == pytest.approx(2 * 13.0, abs=1.5)
    flip = find_flip(course.patient, Criterion.RECIST_1_1)
    assert flip is not None
    assert (flip.before.overall_response, flip.after.overall_response) == ("SD", "PD")
    assert any("L1: was" in reason and "day 56" in reason.lower() for reason in flip.reasons)


def test_a_cut_through_a_confirmed_lesion_leaves_the_smaller_part_to_be_asked_about(course: Course) -> None:
    first = course.date(DATES[0], [A, ((8.0, 30.0, 42.0), 6.0)])
    confirm_observation(course.seen(first)["L1"], by=course.person)
    assert set(course.seen(first)) == {"L1"}
    apart = paint([A, ((8.0, 30.0, 42.0), 6.0)])
    apart[:, :, 37] = 0
    base = first.segmentation.revisions.last()
    assert base is not None
    save_revision(base, patch_bricks=encode_brick(apart, slice_start=0), created_by=course.person)
    course.match()
    seen = course.seen(first)
    assert set(seen) == {"L1", "L2"}
    assert seen["L1"].confirmed_by == course.person
    assert seen["L2"].confirmed_by is None


def test_a_second_part_of_a_confirmed_lesion_is_asked_about_and_never_lost(course: Course) -> None:
    long = ((8.0, 30.0, 30.0), 12.0)
    course.date(DATES[0], [long])
    second = course.date(DATES[1], [((8.0, 30.0, 24.0), 5.0)])
    confirm_observation(course.seen(second)["L1"], by=course.person)
    course.redraw(second, [((8.0, 30.0, 24.0), 5.0), ((8.0, 30.0, 38.0), 5.0)])
    seen = course.seen(second)
    assert set(seen) == {"L1", "L2"}
    assert seen["L2"].proposal["must_ask"]
    assert seen["L1"].components != seen["L2"].components


def test_what_a_doubtful_registration_says_is_asked_about(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    course.date(DATES[0], [A])
    monkeypatch.setattr(registrations.SeriesRegistration, "is_trusted", property(lambda _: False))
    second = course.date(DATES[1], [A])
    proposal = course.seen(second)["L1"].proposal
    assert (proposal["must_ask"], proposal["reason"]) == (True, "registration.doubtful")
    assert "matched rightly" in " ".join(assess_patient(course.patient).record.questions)


def test_a_lost_message_is_sent_again(course: Course, django_capture_on_commit_callbacks: Any) -> None:
    first = course.date(DATES[0], [A])
    assert tend_tracking() == 0
    base = first.segmentation.revisions.last()
    assert base is not None
    save_revision(base, patch_bricks=encode_brick(paint([B]), slice_start=0), created_by=course.person)
    with django_capture_on_commit_callbacks() as sent:
        assert tend_tracking() == 1
    assert len(sent) == 1


def test_what_a_reader_states_counts(course: Course) -> None:
    course.date(DATES[0], [A, B])
    second = course.date(DATES[1], [A, B])
    lesion = Lesion.objects.get(number=2)
    state_lesion(lesion, second, state=LesionState.NOT_EVALUABLE, note="motion", by=course.person)
    course.match()
    assert course.seen(second)["L2"].state == LesionState.NOT_EVALUABLE
    assert assess_patient(course.patient).verdict.latest.overall_response is Response.NE
    state_lesion(lesion, second, state=LesionState.MEASURED, by=course.person)
    assert course.seen(second)["L2"].note == "motion"  # what a reader wrote is not lost by another word
    assert assess_patient(course.patient).verdict.latest.overall_response is Response.SD


def test_a_lesion_that_was_overlooked_at_baseline_is_not_new(course: Course) -> None:
    first, second = course.date(DATES[0], [A]), course.date(DATES[1], [A, B])
    lesion = Lesion.objects.get(number=2)
    followed = assess_patient(course.patient).record.patient
    assert followed.role_of(followed.lesions[1]) is LesionRole.NEW
    state_lesion(lesion, first, state=LesionState.TOO_SMALL, by=course.person)
    course.match()
    followed = assess_patient(course.patient).record.patient
    assert followed.role_of(followed.lesions[1]) is LesionRole.NON_TARGET
    assert course.seen(second)["L2"].state == LesionState.MEASURED


def test_days_out_of_place_are_refused_with_a_sentence(course: Course) -> None:
    course.date(DATES[0], [A])
    with pytest.raises(SameDayError, match="leave the other out"):
        course.date(DATES[0], [A])
    with pytest.raises(UndatedStudyError, match="no date"):
        course.date(None, [A])


def test_an_earlier_study_that_comes_later_becomes_the_baseline(course: Course) -> None:
    course.date(DATES[1], [grown(A, 9.0)])
    early = course.date(DATES[0], [A])
    assert {n: s.proposal["kind"] for n, s in course.seen(early).items()} == {"L1": "same"}
    found = assess_patient(course.patient)
    assert [each.day for each in found.record.patient.timepoints] == [0, 56]


def test_a_timepoint_left_out_takes_no_part(course: Course) -> None:
    first, second = course.date(DATES[0], [A]), course.date(DATES[1], [grown(A, 12.0)])
    record_timepoint(second, values={"excluded_reason": "motion"}, by=course.person)
    assert [each.pk for each in assess_patient(course.patient).record.timepoints] == [first.pk]


def test_a_lesion_that_begins_later_is_not_missed_before(course: Course) -> None:
    first, second = course.date(DATES[0], [A]), course.date(DATES[1], [A, B])
    confirm_observation(course.seen(second)["L2"], by=course.person)
    course.redraw(first, [grown(A, 8.5)])
    assert set(course.seen(first)) == {"L1"}


def test_matching_again_changes_nothing(course: Course) -> None:
    course.date(DATES[0], [A, B])
    second = course.date(DATES[1], [A, B])
    before = list(second.observations.values_list("pk", flat=True))
    course.match()
    assert list(second.observations.values_list("pk", flat=True)) == before
    assert second.matching_state == MatchingState.MATCHED
