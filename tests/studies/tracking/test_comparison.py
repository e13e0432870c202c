"""Criteria side by side: they disagree where their rules do, and the rule is named."""

from __future__ import annotations

import pytest

from studies.tracking.comparison import Comparison, compare_verdicts
from studies.tracking.criteria.inputs import DiameterCourse
from studies.tracking.criteria.irecist import assess_irecist
from studies.tracking.criteria.mrecist_hcc import assess_mrecist_hcc
from studies.tracking.criteria.rano_2_0 import assess_rano_2_0
from studies.tracking.criteria.rano_bm import assess_rano_bm
from studies.tracking.criteria.recist import assess_recist
from studies.tracking.criteria.verdict import Criterion
from tests.studies.tracking.criteria.builders import brain, course


def on_diameters(rows: DiameterCourse) -> Comparison:
    """By every criterion that reads diameters, each with its own values."""
    return compare_verdicts(
        [judge(rows) for judge in (assess_recist, assess_irecist, assess_mrecist_hcc, assess_rano_bm)]
    )


def explained(comparison: Comparison, first: Criterion, second: Criterion) -> list[tuple[int, str]]:
    return [
        (d.days_from_baseline, d.explanation)
        for d in comparison.disagreements
        if {d.first, d.second} == {first, second}
    ]


def test_agreement_needs_no_words() -> None:
    assert on_diameters(course((0, [30]), (56, [20]), (112, [20]))).disagreements == ()


@pytest.mark.parametrize(
    ("rows", "other", "rule_ids"),
    [
        (course((0, [20]), (56, [24])), Criterion.MRECIST_HCC, ("MR.PD", "R11.T.PD5")),
        (course((0, [20, 20, 20]), (56, [24, 24, 24])), Criterion.RANO_BM, ("BM.PD5",)),
        (course((0, [50]), (56, [60])), Criterion.IRECIST, ("I.CONF.WIN",)),
        (course((0, [100]), (42, [70]), (84, [80])), Criterion.IRECIST, ("R11.T.PERSIST",)),
        (course((0, [100]), (42, [70]), (84, [80])), Criterion.RANO_BM, ("R11.T.PERSIST",)),
    ],
)
def test_the_rule_that_differs_is_named(rows: object, other: Criterion, rule_ids: tuple[str, ...]) -> None:
    found = explained(on_diameters(rows), Criterion.RECIST_1_1, other)  # type: ignore[arg-type]
    assert len(found) == 1
    for rule_id in rule_ids:
        assert rule_id in found[0][1]


def test_a_row_shows_every_criterion() -> None:
    comparison = on_diameters(course((0, [50]), (56, [60])))
    assert dict(comparison.row(56)) == {
        Criterion.RECIST_1_1: "PD",
        Criterion.IRECIST: "iUPD",
        Criterion.MRECIST_HCC: "PD",
        Criterion.RANO_BM: "PD",
    }
    assert comparison.row(57) == ()


def test_any_verdicts_can_be_compared_on_shared_days() -> None:
    one = assess_recist(course((0, [30]), (56, [22]), (100, [30])))
    other = assess_rano_2_0(brain((0, [900]), (56, [400]), (120, [400])))
    found = compare_verdicts((one, other)).disagreements
    assert [(d.days_from_baseline, d.first_response, d.second_response) for d in found] == [(56, "SD", "PR")]
    assert "RECIST_1_1 says SD" in found[0].explanation
    assert "RANO_2_0 says PR by RN.2D" in found[0].explanation
