"""Intervals that hold as often as they say, and reliability from counts worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from inference.calibration import (
    LEAST_CASES,
    LEVEL,
    Calibration,
    IntervalBasis,
    VolumeMargin,
    WhyOwnDoubt,
    expect_voxels,
    find_interval,
    fit_margin,
    measure_reliability,
)

HISTOGRAM = [500, *[10] * 18, 1000]
"""Expected: of bins from a quarter 10 x (0.275 + 0.325 + ... + 0.925) = 84, and all of the last."""
CALIBRATION = Calibration(
    1.5, 40, is_of_single_images=False, margins={1: VolumeMargin(math.log(0.8), math.log(1.5), 40, 40)}
)


def test_expected_volume_is_the_sum_of_probabilities_of_voxels_that_count() -> None:
    assert expect_voxels(HISTOGRAM) == pytest.approx(1084.0)
    assert expect_voxels([500, 90_000, *HISTOGRAM[2:]]) == pytest.approx(1084.0)  # far from everything, and unlikely


def test_an_interval_is_the_expected_volume_times_the_margins() -> None:
    found = find_interval(HISTOGRAM, 0.002, CALIBRATION, segment=1, slices=30)
    assert (found.expected, found.low, found.high) == pytest.approx((2.168, 2.168 * 0.8, 2.168 * 1.5))
    assert (found.basis, found.reason) == (IntervalBasis.CONFORMAL, None)


@pytest.mark.parametrize(
    ("calibration", "segment", "slices", "reason"),
    [
        (None, 1, 30, WhyOwnDoubt.NOT_CALIBRATED),
        (CALIBRATION, 2, 30, WhyOwnDoubt.TOO_FEW_CASES),
        (Calibration(1.0, 40, is_of_single_images=True, margins=CALIBRATION.margins), 1, 2, WhyOwnDoubt.SINGLE_IMAGES),
    ],
)
def test_without_a_margin_only_the_networks_own_doubt_speaks_and_says_why(
    calibration: Calibration | None, segment: int, slices: int, reason: WhyOwnDoubt
) -> None:
    found = find_interval(HISTOGRAM, 1.0, calibration, segment=segment, slices=slices)
    # above 0.95: the last bin; above 0.05: all but the first
    assert (found.low, found.expected, found.high) == pytest.approx((1000.0, 1084.0, 1180.0))
    assert (found.basis, found.reason) == (IntervalBasis.OWN_DOUBT, reason)


def test_a_margin_says_nothing_of_nothing() -> None:
    found = find_interval([7, *[0] * 19], 1.0, CALIBRATION, segment=1, slices=3)
    assert (found.low, found.expected, found.high, found.reason) == (0.0, 0.0, 0.0, WhyOwnDoubt.NOTHING_EXPECTED)


def test_a_margin_needs_enough_cases_that_show_the_segment() -> None:
    rng = np.random.default_rng(1)
    expected = np.full(LEAST_CASES, 100.0)
    outlined = expected * np.exp(rng.normal(0.0, 0.2, LEAST_CASES))
    people = [str(number) for number in range(LEAST_CASES)]
    margin = fit_margin(expected, outlined, people)
    assert margin is not None
    assert margin.cases == margin.people == LEAST_CASES == 19
    assert (math.exp(margin.low), math.exp(margin.high)) == pytest.approx((outlined.min() / 100, outlined.max() / 100))
    outlined[3] = 0.0
    assert fit_margin(expected, outlined, people) is None


@pytest.mark.parametrize("cases", [19, 40, 200])
def test_intervals_hold_for_at_least_their_share_of_new_cases(cases: int) -> None:
    """Errors of a skewed law that the method does not know; 95 % bounds of what 2,000 draws would give at the level."""
    rng = np.random.default_rng(cases)

    def draw(n: int) -> np.ndarray:
        return 50.0 * np.exp(rng.gamma(2.0, 0.2, n))

    within = []
    for _ in range(400):
        margin = fit_margin(np.full(cases, 50.0), draw(cases), [str(number) for number in range(cases)])
        assert margin is not None
        new = np.log(draw(5) / 50.0)
        within += list((margin.low <= new) & (new <= margin.high))
    assert np.mean(within) > LEVEL - 0.02
    assert np.mean(within) < LEVEL + (1.0 - LEVEL) * 0.5


def test_intervals_hold_for_new_people_whose_cases_are_alike() -> None:
    """20 people of 18 cases: errors of one person lie together, and cases taken for independent would hold too few."""
    rng = np.random.default_rng(7)

    def draw(people: int) -> np.ndarray:
        return (rng.normal(0.0, 0.3, (people, 1)) + rng.normal(0.0, 0.1, (people, 18))).ravel()

    names = [str(number // 18) for number in range(20 * 18)]
    within: dict[bool, list[bool]] = {True: [], False: []}
    for _ in range(300):
        known, new = draw(20), draw(3)
        for by_people, found in within.items():
            told = names if by_people else [str(number) for number in range(len(known))]
            margin = fit_margin(np.ones(len(known)), np.exp(known), told)
            assert margin is not None
            assert margin.people == (20 if by_people else len(known))
            found += list((margin.low <= new) & (new <= margin.high))
    assert np.mean(within[True]) > LEVEL - 0.01
    assert np.mean(within[False]) < np.mean(within[True]) - 0.02


def test_reliability_counts_what_is_right_where_a_probability_is_stated() -> None:
    stated = np.array([0.6, 0.6, 0.6, 0.6, 0.95, 0.95])
    right = np.array([True, True, False, False, True, True])
    found = measure_reliability(stated, right, np.ones(6), bins=5)
    assert found.shares == pytest.approx((0, 0, 0, 4 / 6, 2 / 6))
    assert found.observed[3:] == pytest.approx((0.5, 1.0))
    assert found.stated[:3] == (None, None, None)
    assert found.error == pytest.approx(4 / 6 * 0.1 + 2 / 6 * 0.05)


def test_voxels_weigh_what_they_are_given() -> None:
    found = measure_reliability(np.array([0.7, 0.7]), np.array([True, False]), np.array([3.0, 1.0]), bins=1)
    assert found.observed == pytest.approx((0.75,))
