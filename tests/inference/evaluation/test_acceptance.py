"""The verdict on a model: what was asked before the run against the interval that came out."""

from __future__ import annotations

import numpy as np
import pytest

from inference.evaluation.acceptance import Ground, Verdict, judge
from inference.evaluation.metrics import Interval, summarise
from inference.evaluation.report import FEW_CASES, MEASURES, Summary


def summary(dice: Interval | None, label: str = "Lesion") -> Summary:
    measures = dict.fromkeys(MEASURES, dice)
    return Summary(label, "", 0 if dice is None else dice.count, measures, {}, 0, 0, 0, 0, 0)


def interval(low: float, high: float, count: int = 20) -> Interval:
    return Interval((low + high) / 2, low, high, (low + high) / 2, count)


@pytest.mark.parametrize(
    ("dice", "verdict", "ground"),
    [
        (interval(0.80, 0.90), Verdict.ACCEPTED, Ground.LOW_REACHES),
        (interval(0.79, 0.90), Verdict.CANNOT_TELL, Ground.STRADDLES),
        (interval(0.60, 0.79), Verdict.NOT_ACCEPTED, Ground.HIGH_BELOW),
        (interval(0.60, 0.80), Verdict.CANNOT_TELL, Ground.STRADDLES),
        (interval(0.95, 0.96, FEW_CASES - 1), Verdict.CANNOT_TELL, Ground.FEW),
        (interval(0.10, 0.11, FEW_CASES - 1), Verdict.CANNOT_TELL, Ground.FEW),
        (None, Verdict.CANNOT_TELL, Ground.NOWHERE),
    ],
)
def test_each_bound_decides_on_its_own_side(dice: Interval | None, verdict: Verdict, ground: Ground) -> None:
    found = judge([summary(dice)], 0.8)
    assert (found.verdict, found.segments[0].ground) == (verdict, ground)
    assert "0.8" in found.words


def test_one_structure_that_fails_fails_the_model_and_one_unknown_leaves_it_open() -> None:
    good, bad, unknown = interval(0.9, 0.95), interval(0.1, 0.2), None
    assert judge([summary(good), summary(good)], 0.8).verdict is Verdict.ACCEPTED
    assert judge([summary(good), summary(unknown)], 0.8).verdict is Verdict.CANNOT_TELL
    assert judge([summary(good), summary(bad), summary(unknown)], 0.8).verdict is Verdict.NOT_ACCEPTED


def test_a_model_that_is_truly_better_is_accepted_by_the_bootstrap() -> None:
    """Thirty cases around 0.9 with a spread of 0.03: the mean's standard error is 0.0055."""
    values = np.random.default_rng(3).normal(0.9, 0.03, 30)
    dice = summarise([float(value) for value in values])
    assert judge([summary(dice)], 0.88).verdict is Verdict.ACCEPTED
    assert judge([summary(dice)], 0.93).verdict is Verdict.NOT_ACCEPTED
    assert judge([summary(dice)], float(values.mean())).verdict is Verdict.CANNOT_TELL
