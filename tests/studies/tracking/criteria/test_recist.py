"""RECIST 1.1 at each timepoint; the ranked mistakes of implementers each have their test."""

from __future__ import annotations

from decimal import Decimal

import pytest

from studies.tracking.criteria.configuration import (
    CriteriaConfiguration,
    NonTargetReappearance,
    ResponsePersistence,
)
from studies.tracking.criteria.recist import assess_recist
from studies.tracking.criteria.verdict import Response
from tests.studies.tracking.criteria.builders import course, equivocal, non_target, overall, target

STRICT = CriteriaConfiguration(pr_persistence=ResponsePersistence.STRICT)


def test_progression_is_judged_from_the_smallest_earlier_sum() -> None:
    """Mistake 1: neither the previous scan nor the present one is the reference."""
    verdict = assess_recist(course((0, [100]), (56, [60]), (112, [66]), (168, [72]), (224, [50])))
    assert target(verdict) == ["PR", "PR", "PD", "PR"]  # 72 is 9 % above the previous 66 but 20 % above 60
    numbers = [t.numbers for t in verdict.timepoints]
    assert [n.nadir for n in numbers] == [None, 100, 60, 60, 60]  # the present 50 is not its own reference
    assert [n.nadir_day for n in numbers[1:]] == [0, 56, 56, 56]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("20", "24.9", "SD"),  # +24.5 %, +4.9 mm
        ("20", "25.0", "PD"),  # +25 %, +5.0 mm
        ("100", "119.9", "SD"),  # +19.9 mm, +19.9 %
        ("100", "120", "PD"),
        ("25", "30", "PD"),  # both boundaries at once
        ("5.2", "10.2", "PD"),  # 4.999999999999999 in binary floats
        ("32.0", "38.4", "PD"),  # 19.999999999999996 % in binary floats
    ],
)
def test_progression_needs_both_limits_and_equality_counts(before: str, after: str, expected: str) -> None:
    """Mistakes 2, 5 and 6."""
    assert target(assess_recist(course((0, [before]), (56, [after])))) == [expected]


def test_the_five_millimetres_are_of_the_sum() -> None:
    """Mistake 2: three lesions of 20 mm that grow 4 mm each are progression, though none grew 5 mm."""
    assert target(assess_recist(course((0, [20, 20, 20]), (56, [24, 24, 24])))) == ["PD"]


def test_a_near_miss_is_said() -> None:
    verdict = assess_recist(course((0, [20]), (56, ["24.9"]))).latest
    assert any("not the absolute one" in warning for warning in verdict.warnings)


@pytest.mark.parametrize(("after", "expected"), [("70.04", "SD"), ("70.00", "PR"), ("70.01", "SD")])
def test_percentages_are_not_rounded_before_they_are_compared(after: str, expected: str) -> None:
    """Mistake 6: 29.96 % reads 30.0 % with one decimal and is none."""
    assert target(assess_recist(course((0, [100]), (56, [after])))) == [expected]


@pytest.mark.parametrize(("axis", "expected"), [("9.9", "CR"), ("10.0", "PR")])
def test_a_node_is_normal_below_ten_millimetres(axis: str, expected: str) -> None:
    """Mistake 3: 10.0 mm is no complete response, and 9.9 mm is one although the sum is not zero."""
    verdict = assess_recist(course((0, [30, 21]), (56, ["gone", axis]), nodes=[1]))
    assert target(verdict) == [expected]
    assert verdict.latest.numbers.value == Decimal(axis)


def test_a_small_node_keeps_its_value_in_the_sum() -> None:
    """Mistake 4: 36 + 7 of 60 is -28.3 %; with the node at zero it would be -40 %."""
    verdict = assess_recist(course((0, [40, 20]), (56, [36, 7]), nodes=[1]))
    assert target(verdict) == ["SD"]
    assert any("T2 7 mm" in warning for warning in verdict.latest.warnings)


def test_normal_nodes_may_grow() -> None:
    verdict = assess_recist(course((0, [18, 16]), (56, [4, 4]), (112, ["9.9", "9.9"]), nodes=[0, 1]))
    assert overall(verdict) == ["CR", "CR"]


def test_a_missing_lesion_is_not_zero_and_its_sum_no_reference() -> None:
    """Mistake 7: 30 of 50 would be a false response, and a false nadir for 46."""
    verdict = assess_recist(course((0, [30, 20]), (56, [30, None]), (112, [30, 16])))
    assert target(verdict) == ["NE", "SD"]
    assert verdict.timepoints[1].numbers.value is None
    assert verdict.timepoints[2].numbers.nadir == 50
    assert "T2" in verdict.timepoints[1].clause.sentence


@pytest.mark.parametrize(("first", "expected"), [("59.9", "NE"), ("60.0", "PD")])
def test_a_missing_lesion_cannot_avert_progression(first: str, expected: str) -> None:
    assert target(assess_recist(course((0, [30, 20]), (56, [first, None])))) == [expected]


def test_an_unrecorded_target_counts_as_not_evaluated() -> None:
    whole = course((0, [30, 20]), (56, [30, 20]))
    later = type(whole.baseline)(56, targets=whole.timepoints[1].targets[:1])
    assert target(assess_recist(type(whole)(whole.targets, (whole.baseline, later)))) == ["NE"]


def test_values_of_special_findings() -> None:
    verdict = assess_recist(course((0, [30, 25, 40]), (56, [44, "merged", (15, 12)]), (112, ["small", "gone", "gone"])))
    assert [t.numbers.value for t in verdict.timepoints] == [95, 71, 5]
    assert any("merged" in flag for flag in verdict.timepoints[1].review_flags)
    assert verdict.timepoints[2].target_response is Response.PR  # present, if too small: no complete response


def test_a_partial_response_lasts_until_progression() -> None:
    """Mistake 9: 100-70-70-80-80 stays PR; scan by scan it would flicker to SD."""
    rows = course((0, [100]), (42, [70]), (84, [70]), (126, [80]), (168, [80]))
    assert target(assess_recist(rows)) == ["PR"] * 4
    assert target(assess_recist(rows, STRICT)) == ["PR", "PR", "SD", "SD"]
    assert assess_recist(rows).latest.clause.rule_id == "R11.T.PERSIST"


def test_persistence_ends_at_progression() -> None:
    assert target(assess_recist(course((0, [100]), (42, [70]), (84, [84]), (126, [80])))) == ["PR", "PD", "SD"]


def test_with_confirmation_only_a_confirmed_response_lasts() -> None:
    required = CriteriaConfiguration(confirmation_required=True)
    assert target(assess_recist(course((0, [100]), (56, [70]), (112, [80])), required)) == ["PR", "SD"]
    assert target(assess_recist(course((0, [100]), (56, [70]), (84, [70]), (140, [80])), required)) == [
        "PR",
        "PR",
        "PR",
    ]
    assert target(assess_recist(course((0, [100]), (56, [70]), (83, [70]), (140, [80])), required)) == [
        "PR",
        "PR",
        "SD",
    ]


def test_a_target_seen_again_after_a_complete_response_is_progression() -> None:
    verdict = assess_recist(course((0, [15]), (56, ["gone"]), (112, [4])))
    assert overall(verdict) == ["CR", "PD"]
    assert verdict.latest.clause.rule_id == "R11.T.REAPPEAR"
    assert verdict.latest.is_review_mandatory
    assert verdict.latest.numbers.percent_from_nadir is not None
    assert verdict.latest.numbers.percent_from_nadir.is_infinite


def test_without_a_complete_response_before_it_needs_five_millimetres() -> None:
    rest = {"non_targets": ["present"]}
    for size, expected in (("4.9", "PR"), ("5.0", "PD")):
        verdict = assess_recist(course((0, [15], rest), (56, ["gone"], rest), (112, [size], rest)))
        assert target(verdict) == ["CR", expected]


TABLE_1 = [  # target, non-target, new lesion, overall; the order of the specification
    ("CR", "CR", False, "CR"),
    ("CR", "NA", False, "CR"),
    ("CR", "NON-CR/NON-PD", False, "PR"),
    ("CR", "NE", False, "PR"),
    *(("PR", nt, False, "PR") for nt in ("CR", "NON-CR/NON-PD", "NE", "NA")),
    *(("SD", nt, False, "SD") for nt in ("CR", "NON-CR/NON-PD", "NE", "NA")),
    *(("NE", nt, False, "NE") for nt in ("CR", "NON-CR/NON-PD", "NE", "NA")),
    *(("PD", nt, new, "PD") for nt in ("CR", "NON-CR/NON-PD", "NE", "NA", "PD") for new in (False, True)),
    *((t, "PD", False, "PD") for t in ("CR", "PR", "SD", "NE")),
    *((t, nt, True, "PD") for t in ("CR", "PR", "SD", "NE") for nt in ("CR", "NON-CR/NON-PD", "NE", "NA", "PD")),
]
_SIZE = {"CR": "gone", "PR": 20, "SD": 30, "PD": 40, "NE": None}
_SEEN = {"CR": ["absent"], "NON-CR/NON-PD": ["present"], "NE": [None], "PD": ["worse"], "NA": []}


@pytest.mark.parametrize(("of_target", "of_non_target", "is_new", "expected"), TABLE_1)
def test_table_1(of_target: str, of_non_target: str, is_new: bool, expected: str) -> None:
    """Mistake 8 is the fourth row."""
    seen = _SEEN[of_non_target]
    later = {"non_targets": seen, "new": ["L1"] if is_new else []}
    verdict = assess_recist(
        course((0, [30], {"non_targets": ["present"] * len(seen)}), (56, [_SIZE[of_target]], later))
    )
    found = verdict.latest
    assert (found.target_response, found.non_target_response, found.overall_response) == (
        of_target,
        of_non_target,
        expected,
    )


@pytest.mark.parametrize(
    ("seen", "is_new", "expected"),
    [
        (["absent", "absent"], False, "CR"),
        (["present", "absent"], False, "NON-CR/NON-PD"),
        (["absent", None], False, "NE"),
        (["worse", None], False, "PD"),
        (["absent", "absent"], True, "PD"),
    ],
)
def test_table_2_without_targets(seen: list[str | None], is_new: bool, expected: str) -> None:
    later = {"non_targets": seen, "new": ["L1"] if is_new else []}
    assert overall(assess_recist(course((0, [], {"non_targets": ["present"] * 2}), (56, [], later)))) == [expected]


@pytest.mark.parametrize(("axis", "expected"), [("9.9", "CR"), ("10.0", "PR")])
def test_non_target_nodes_are_normal_below_ten_millimetres(axis: str, expected: str) -> None:
    rows = course((0, [30], {"non_targets": [12]}), (56, ["gone"], {"non_targets": [axis]}))
    assert non_target("N1", axis).short_axis_mm == Decimal(axis)
    assert overall(assess_recist(rows)) == [expected]


@pytest.mark.parametrize(("marker", "expected"), [(True, "PR"), (False, "CR"), (None, "PR")])
@pytest.mark.parametrize("non_targets", [[], ["present"]])
def test_an_elevated_marker_must_be_seen_to_normalise(
    marker: bool | None, expected: str, non_targets: list[str]
) -> None:
    rows = course(
        (0, [30], {"is_tumour_marker_elevated": True, "non_targets": non_targets}),
        (56, ["gone"], {"is_tumour_marker_elevated": marker, "non_targets": ["absent"] * len(non_targets)}),
    )
    assert overall(assess_recist(rows)) == [expected]


def test_a_lesion_first_equivocal_dates_progression_back() -> None:
    verdict = assess_recist(course((0, [30]), (56, [30], {"new": [equivocal("L1")]}), (112, [30], {"new": ["L1"]})))
    assert overall(verdict) == ["SD", "PD"]
    assert verdict.progression_day == 56
    assert verdict.review_flags
    assert verdict.timepoints[1].is_review_mandatory


def test_another_equivocal_lesion_does_not() -> None:
    verdict = assess_recist(course((0, [30]), (56, [30], {"new": [equivocal("L1")]}), (112, [30], {"new": ["L2"]})))
    assert verdict.progression_day == 112


@pytest.mark.parametrize(("rule", "expected"), [(NonTargetReappearance.E09, "PD"), (NonTargetReappearance.EORTC, "PR")])
def test_a_non_target_seen_again_after_a_complete_response(rule: NonTargetReappearance, expected: str) -> None:
    rows = course(
        (0, [30], {"non_targets": ["present"]}),
        (56, ["gone"], {"non_targets": ["absent"]}),
        (112, ["gone"], {"non_targets": ["present"]}),
    )
    verdict = assess_recist(rows, CriteriaConfiguration(nt_reappearance=rule))
    assert overall(verdict) == ["CR", expected]
    assert verdict.latest.is_review_mandatory


def test_the_verdict_says_clause_numbers_and_configuration() -> None:
    verdict = assess_recist(course((0, [40, 20]), (56, [30, 11]), (112, [38, 14]), nodes=[1])).latest
    assert verdict.clause.rule_id == "R11.T.PD"
    for part in ("52 mm", "60 mm", "41 mm on day 56", "+26.8 %", "-13.3 %"):
        assert part in verdict.clause.sentence
    assert verdict.numbers.composition == (("T1", Decimal(38)), ("T2", Decimal(14)))
    shown = {value.name: value.value for value in verdict.configuration}
    assert shown["pr_persistence"] == "eortc"
    assert shown["version"] == CriteriaConfiguration().version
