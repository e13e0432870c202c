"""iRECIST: unconfirmed progression, its confirmation and its reset."""

from __future__ import annotations

from decimal import Decimal

import pytest

from studies.tracking.criteria.configuration import CriteriaConfiguration, ResponsePersistence
from studies.tracking.criteria.inputs import NewLesion
from studies.tracking.criteria.irecist import assess_irecist
from tests.studies.tracking.criteria.builders import best, course, overall


def new(lesion_id: str, diameter: int | None = None, *, is_growing: bool = False) -> NewLesion:
    return NewLesion(lesion_id, diameter_mm=None if diameter is None else Decimal(diameter), is_growing=is_growing)


def news(*lesions: NewLesion) -> dict[str, list[NewLesion]]:
    return {"new": list(lesions)}


@pytest.mark.parametrize(("later", "expected"), [("64.9", "iUPD"), ("65.0", "iCPD")])
def test_targets_confirm_with_five_more_millimetres(later: str, expected: str) -> None:
    verdict = assess_irecist(course((0, [50]), (56, [60]), (84, [later])))
    assert overall(verdict) == ["iUPD", expected]
    assert verdict.progression_day == (56 if expected == "iCPD" else None)
    assert verdict.unconfirmed_progression_day == (None if expected == "iCPD" else 56)


@pytest.mark.parametrize(("day", "expected"), [(83, "iUPD"), (84, "iCPD")])
def test_four_weeks_are_needed(day: int, expected: str) -> None:
    """Mistake 12 for iRECIST."""
    assert overall(assess_irecist(course((0, [50]), (56, [60]), (day, [70]))))[-1] == expected


def test_a_late_confirmation_is_flagged() -> None:
    verdict = assess_irecist(course((0, [50]), (56, [60]), (113, [70]))).latest
    assert any("4 to 8 weeks" in warning for warning in verdict.warnings)
    due = assess_irecist(course((0, [50]), (56, [60]))).latest
    assert any("days 84 to 112" in warning for warning in due.warnings)


def test_steps_add_up() -> None:
    verdict = assess_irecist(course((0, [50]), (56, [60]), (84, [64]), (112, [66])))
    assert overall(verdict) == ["iUPD", "iUPD", "iCPD"]
    assert verdict.latest.clause.rule_id == "I.CONF.ADD"


def test_progression_is_dated_at_the_first_scan_of_the_block_and_stability_resets() -> None:
    """Mistake 10: neither at the confirming scan nor at an iUPD that was not confirmed."""
    verdict = assess_irecist(course((0, [50]), (56, [60]), (84, [52]), (140, [61]), (168, [66])))
    assert overall(verdict) == ["iUPD", "iSD", "iUPD", "iCPD"]
    assert (verdict.progression_day, best(verdict)) == (140, "iSD")
    assert verdict.timepoints[2].clause.rule_id == "I.RESET"
    assert [t.numbers.nadir for t in verdict.timepoints[1:]] == [50, 50, 50, 50]


def test_new_lesions_are_never_added_to_the_sum() -> None:
    """Mistake 10."""
    verdict = assess_irecist(course((0, [50]), (56, [48], news(new("L1", 12)))))
    assert verdict.latest.numbers.value == 48
    assert overall(verdict) == ["iUPD"]


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([new("L1", 12)], "iUPD"),
        ([new("L1", 16)], "iUPD"),
        ([new("L1", 17)], "iCPD"),
        ([new("L1", 12), new("L2")], "iCPD"),
        ([new("L1", 12, is_growing=True)], "iCPD"),
        ([], "iSD"),
    ],
)
def test_new_lesions_confirm_by_size_growth_or_number(later: list[NewLesion], expected: str) -> None:
    verdict = assess_irecist(course((0, [50]), (56, [48], news(new("L1", 12))), (84, [48], news(*later))))
    assert overall(verdict) == ["iUPD", expected]


def test_an_early_additional_lesion_is_the_readers_choice() -> None:
    rows = course((0, [50]), (56, [48], news(new("L1"))), (70, [48], news(new("L1"), new("L2"))))
    verdict = assess_irecist(rows).latest
    assert verdict.overall_response == "iUPD"
    assert verdict.is_review_mandatory


def test_targets_may_respond_beside_a_persisting_new_lesion() -> None:
    lesion = news(new("L1", 12))
    rows = course(
        (0, [50]), (56, [48], lesion), (84, [30], lesion), (140, [30], lesion), (196, [30], news(new("L1", 17)))
    )
    verdict = assess_irecist(rows)
    # 12 to 17 mm is RECIST growth of the new lesion (+42 %, +5 mm), which makes a new unconfirmed progression
    assert overall(verdict) == ["iUPD", "iPR", "iPR", "iUPD"]
    assert verdict.timepoints[2].is_review_mandatory


def test_a_complete_response_needs_the_new_lesion_resolved() -> None:
    lesion = news(new("L1", 12))
    assert overall(assess_irecist(course((0, [50]), (56, [48], lesion), (84, ["gone"], lesion)))) == ["iUPD", "iPR"]
    assert overall(assess_irecist(course((0, [50]), (56, [48], lesion), (84, ["gone"])))) == ["iUPD", "iCR"]


def test_non_targets_confirm_by_any_growth() -> None:
    start, worse = {"non_targets": ["present"]}, {"non_targets": ["worse"]}
    grown = {"non_targets": ["present"], "is_non_target_burden_increased": True}
    for later, expected in ((worse, "iUPD"), (grown, "iCPD"), (start, "iSD")):
        verdict = assess_irecist(course((0, [50], start), (56, [50], worse), (84, [50], later)))
        assert overall(verdict) == ["iUPD", expected]


def test_progression_in_another_category_confirms() -> None:
    verdict = assess_irecist(course((0, [50]), (56, [60]), (84, [60], news(new("L1")))))
    assert overall(verdict) == ["iUPD", "iCPD"]
    assert verdict.latest.clause.rule_id == "I.CONF.OTHER"


def test_a_scan_that_was_not_evaluable_changes_nothing() -> None:
    verdict = assess_irecist(course((0, [50]), (56, [60]), (84, [None]), (112, [66])))
    assert overall(verdict) == ["iUPD", "NE", "iCPD"]
    assert verdict.progression_day == 56


def test_what_progressed_must_be_seen_before_it_is_forgotten() -> None:
    start, worse, unseen = ({"non_targets": [state]} for state in ("present", "worse", None))
    verdict = assess_irecist(course((0, [50], start), (56, [50], worse), (84, [50], unseen)))
    assert overall(verdict) == ["iUPD", "NE"]
    assert verdict.unconfirmed_progression_day == 56


@pytest.mark.parametrize(
    ("rule", "expected"), [(ResponsePersistence.STRICT, "iSD"), (ResponsePersistence.EORTC, "iPR")]
)
def test_whether_a_partial_response_lasts_is_configuration(rule: ResponsePersistence, expected: str) -> None:
    rows = course((0, [100]), (42, [70]), (84, [80]))
    assert overall(assess_irecist(rows, CriteriaConfiguration(ipr_persistence=rule))) == ["iPR", expected]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(56, "gone"), (112, 60)], "iCR"),
        ([(56, 60), (84, None), (112, None)], "iUPD"),
        ([(28, 52), (56, 61), (84, 66)], "iCPD"),
        ([(42, 52), (70, 61), (98, 66)], "iSD"),
        ([(56, None)], "NE"),
    ],
)
def test_best_immune_response(rows: list[tuple[int, object]], expected: str) -> None:
    assert best(assess_irecist(course((0, [50]), *((day, [value]) for day, value in rows)))) == expected


def test_only_non_targets() -> None:
    rows = course(
        (0, [], {"non_targets": ["present"]}),
        (56, [], {"non_targets": ["present"]}),
        (112, [], {"non_targets": ["absent"]}),
    )
    verdict = assess_irecist(rows)
    assert overall(verdict) == ["NON-iCR/NON-iUPD", "iCR"]
