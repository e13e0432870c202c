"""Probabilities of responses: against the engine on the same draws, and against the normal table."""

from __future__ import annotations

import time
from decimal import Decimal
from functools import partial
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from studies.tracking.criteria.brain_inputs import MeasurementMode
from studies.tracking.criteria.configuration import CriteriaConfiguration, ResponsePersistence
from studies.tracking.criteria.inputs import DiameterCourse, TargetState
from studies.tracking.criteria.irecist import assess_irecist
from studies.tracking.criteria.rano_2_0 import assess_rano_2_0
from studies.tracking.criteria.recist import assess_recist
from studies.tracking.criteria.verdict import Response
from studies.tracking.repeatability import Quantity, Readers, RepeatabilityLimit
from studies.tracking.response_probability import (
    ErrorSettings,
    brain_probability,
    diameter_probability,
    find_correlation,
    recist_probability,
)
from tests.studies.tracking.criteria.builders import brain, course, courses

ONE = ErrorSettings(readers=Readers.ONE)
SITE = RepeatabilityLimit(Quantity.TUMOUR_VOLUME, Readers.ANY, Decimal(-20), Decimal(25), 95, "a site", True)
SITE_DEVIATION = (log(1.25) - log(0.8)) / 2 / 1.959964 / sqrt(2)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    courses(),
    st.sampled_from([CriteriaConfiguration(), CriteriaConfiguration(pr_persistence=ResponsePersistence.STRICT)]),
    st.integers(0, 99),
)
def test_the_sweep_and_the_engine_agree_on_the_same_draws(
    whole: DiameterCourse, configuration: CriteriaConfiguration, seed: int
) -> None:
    one = recist_probability(whole, configuration, draws=25, seed=seed)
    other = diameter_probability(whole, partial(assess_recist, configuration=configuration), draws=25, seed=seed)
    assert one == other


def test_fragments_and_nodes_agree_too() -> None:
    whole = course((0, [30, 16, 20]), (56, [(12, Decimal("8.5")), 10, "small"]), (90, [(9, 9), 9, "gone"]), nodes=[1])
    for draws in (40,):
        assert recist_probability(whole, draws=draws) == diameter_probability(whole, assess_recist, draws=draws)


def test_one_lesion_of_one_reader_by_the_normal_table() -> None:
    """30 to 36.5 mm: growth of 20 % of the true baseline; the true ratio is lognormal around 36.5 / 30."""
    found = recist_probability(course((0, [30]), (56, ["36.5"])), errors=ONE, draws=40_000)
    deviation = (log(1.161) - log(0.822)) / 2 / 1.959964  # of a ratio
    grown = 1 - norm.cdf((log(1.2) - log(36.5 / 30)) / deviation)
    assert found.of(Response.PD) == pytest.approx(grown, abs=0.01)
    assert found.of(Response.CR) == 0.0
    assert sum(p for _, p in found.probabilities) == pytest.approx(1)


def test_a_site_limit_moves_a_volume_by_the_normal_table() -> None:
    """10 to 13 mL by RANO: 40 % growth is progression."""
    whole = brain((0, 10), (56, 13), mode=MeasurementMode.VOLUME_3D)
    found = brain_probability(whole, assess_rano_2_0, limit=SITE)
    grown = 1 - norm.cdf((log(1.4) - log(1.3)) / SITE_DEVIATION / sqrt(2))
    assert found.of(Response.PD) == pytest.approx(grown, abs=4 * 0.01)
    assert "a site" in found.basis


def test_products_of_several_lesions_are_drawn_one_by_one() -> None:
    """Five equal products: the sum varies by 1 / sqrt(5) of one."""
    whole = brain((0, [100] * 5), (56, [120] * 5))
    found = brain_probability(whole, assess_rano_2_0, limit=SITE)
    grown = 1 - norm.cdf((log(1.25) - log(1.2)) / SITE_DEVIATION / sqrt(2) * sqrt(5))
    assert found.of(Response.PD) == pytest.approx(grown, abs=0.05)


def test_the_brain_has_no_figure_of_its_own() -> None:
    found = brain_probability(brain((0, [100]), (56, [200])), assess_rano_2_0)
    assert (found.probabilities, found.of(Response.PD), found.monte_carlo_error) == ((), None, None)
    assert found.unknown_because.startswith("Unknown, because no repeatability figure")


def test_ten_thousand_draws_are_sure_to_one_percent_and_fast() -> None:
    whole = course(*((56 * n, [30, 25, 20, 18, 40 + n]) for n in range(5)))
    recist_probability(whole, draws=10)
    started = time.process_time()
    found = recist_probability(whole)
    assert time.process_time() - started < 0.6  # 0.05 s measured; a slow machine has room
    assert found.draws == 10_000
    assert found.monte_carlo_error is not None
    assert found.monte_carlo_error <= 0.005


def test_the_seed_is_the_answer() -> None:
    whole = course((0, [30, 25]), (56, [33, 31]))
    assert recist_probability(whole) == recist_probability(whole)
    assert recist_probability(whole).probabilities != recist_probability(whole, seed=1).probabilities


def test_states_are_kept() -> None:
    """Of two lesions one is gone; whatever is drawn, the other remains: never a complete response."""
    found = recist_probability(course((0, [30, 25]), (56, ["gone", 3])))
    assert found.probabilities == ((Response.PR, 1.0),)
    assert found.monte_carlo_error == 0
    missing = recist_probability(course((0, [30, 25]), (56, [None, 3])))
    assert missing.probabilities == ((Response.NE, 1.0),)


def test_a_new_lesion_decides_whatever_is_drawn() -> None:
    found = recist_probability(course((0, [30]), (56, [10], {"new": ["L1"]})))
    assert found.probabilities == ((Response.PD, 1.0),)


def test_immune_criteria_answer_in_their_own_words() -> None:
    found = diameter_probability(course((0, [30]), (56, [60])), assess_irecist, draws=200)
    assert found.probabilities[0][0] is Response.IUPD


@pytest.mark.parametrize(
    "whole", [course((0, [30])), course((0, [30]), (56, ["gone"])), course((0, []), (56, []))], ids=str
)
def test_without_measurements_it_is_unknown(whole: DiameterCourse) -> None:
    found = recist_probability(whole)
    assert found.probabilities == ()
    assert found.unknown_because.startswith("Unknown, because")


def test_the_correlation_gives_sums_their_own_limits() -> None:
    """The mean of n with correlation r has r + (1 - r) / n of the variance: the square of the ratio of both limits."""
    lesion, whole = log(1.254) - log(0.779), log(1.195) - log(0.808)
    for count in (3, 5, 10):
        share = find_correlation(count, Readers.TWO)
        assert share + (1 - share) / count == pytest.approx((whole / lesion) ** 2)
    assert find_correlation(1, Readers.TWO) == 0


def test_correlated_errors_move_the_sum_more() -> None:
    whole = course((0, [20] * 5), (56, [23] * 5))
    loose = recist_probability(whole, errors=ErrorSettings(correlation=0.0)).of(Response.PD)
    tied = recist_probability(whole, errors=ErrorSettings(correlation=1.0)).of(Response.PD)
    assert loose is not None
    assert tied is not None
    assert tied > loose + 0.05
    half_width = (log(1.254) - log(0.779)) / 2 / 1.959964
    assert tied == pytest.approx(1 - norm.cdf((log(1.2) - log(1.15)) / half_width), abs=0.02)


def test_a_coarse_grid_widens() -> None:
    whole = course((0, [12, 12]), (56, [13, 13]))
    grids = {(lesion, day): (4.0, 20.0) for lesion in ("T1", "T2") for day in (0, 56)}
    fine, coarse = recist_probability(whole), recist_probability(whole, errors=ErrorSettings(grids=grids))
    assert (coarse.of(Response.PD) or 0) > (fine.of(Response.PD) or 0)
    assert "the voxel grid added to 4 of them" in coarse.basis
    opened = recist_probability(whole, errors=ErrorSettings(grids={("T1", 0): (11.0, None)}))
    assert "1 with a grid open at an end" in opened.basis


def test_a_positive_length_never_vanishes_by_drawing() -> None:
    wide = RepeatabilityLimit(Quantity.LONGEST_DIAMETER, Readers.ANY, Decimal(-99), Decimal(9900), 95, "wide", True)
    whole = course((0, [15]), (56, ["0.1"]))
    assert whole.timepoints[1].targets[0].state is TargetState.MEASURED
    found = recist_probability(whole, errors=ErrorSettings(limit=wide))
    assert found.of(Response.CR) == 0.0
    assert np.isclose(sum(p for _, p in found.probabilities), 1.0)
