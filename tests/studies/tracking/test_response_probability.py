"""Probabilities of responses: against the engine on the same draws, and against the normal table."""

from __future__ import annotations

import itertools
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
from studies.tracking.true_change import STEP_DEVIATIONS, draw_errors
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


def share_grown(measured: float, needed: float, deviation: float, lesions: int = 1, correlation: float = 0.0) -> float:
    """P(true ratio >= needed) where each of some lesions was read to change by one ratio between two dates.

    For a pair of step deviations the mean over the lesions has a prior and an error that are normal, and what the
    lesions differ by, here nothing, weighs by its own density (conjugate normal; Gelman, section 2.5).
    """
    weights, shares = [], []
    for shared, own in itertools.product(STEP_DEVIATIONS**2, STEP_DEVIATIONS**2):
        prior = shared + own / lesions
        error = deviation**2 * (correlation + (1 - correlation) / lesions)
        apart = own + deviation**2 * (1 - correlation)
        weights.append(norm.pdf(log(measured), scale=sqrt(prior + error)) * apart ** (-(lesions - 1) / 2))
        mean, spread = log(measured) * prior / (prior + error), sqrt(prior * error / (prior + error))
        shares.append(norm.sf(log(needed), mean, spread))
    return float(np.average(shares, weights=weights))


def test_one_lesion_of_one_reader_by_the_normal_table() -> None:
    """30 to 36.5 mm: growth of 20 % of the true baseline."""
    found = recist_probability(course((0, [30]), (56, ["36.5"])), errors=ONE, draws=40_000)
    deviation = (log(1.161) - log(0.822)) / 2 / 1.959964  # of a ratio
    grown = share_grown(36.5 / 30, 1.2, deviation)
    assert grown < norm.sf(log(1.2), log(36.5 / 30), deviation)  # what was read large is mostly read too large
    assert found.of(Response.PD) == pytest.approx(grown, abs=0.01)
    assert found.of(Response.CR) == 0.0
    assert sum(p for _, p in found.probabilities) == pytest.approx(1)


def test_a_site_limit_moves_a_volume_by_the_normal_table() -> None:
    """10 to 13 mL by RANO: 40 % growth is progression."""
    whole = brain((0, 10), (56, 13), mode=MeasurementMode.VOLUME_3D)
    found = brain_probability(whole, assess_rano_2_0, limit=SITE)
    grown = share_grown(1.3, 1.4, SITE_DEVIATION * sqrt(2))
    assert found.of(Response.PD) == pytest.approx(grown, abs=4 * 0.01)
    assert "a site" in found.basis


def test_products_of_several_lesions_are_drawn_one_by_one() -> None:
    """Five equal products: the error of their mean is 1 / sqrt(5) of one."""
    whole = brain((0, [100] * 5), (56, [120] * 5))
    found = brain_probability(whole, assess_rano_2_0, limit=SITE)
    grown = share_grown(1.2, 1.25, SITE_DEVIATION * sqrt(2), lesions=5)
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
    deviation = (log(1.254) - log(0.779)) / 2 / 1.959964
    assert loose == pytest.approx(share_grown(1.15, 1.2, deviation, lesions=5), abs=0.03)
    assert tied == pytest.approx(share_grown(1.15, 1.2, deviation, lesions=5, correlation=1.0), abs=0.03)


def test_steady_dates_before_make_a_sudden_growth_less_probable() -> None:
    """The same last step after dates on which nothing changed, and after dates that went up and down by half."""
    steady = recist_probability(course((0, [30]), (56, ["30.2"]), (112, ["29.9"]), (168, ["30.1"]), (224, [37])))
    lively = recist_probability(course((0, [30]), (56, [45]), (112, [30]), (168, [45]), (224, [37])))
    assert (steady.of(Response.PD) or 0) + 0.1 < (lively.of(Response.PD) or 0)


def test_far_above_the_errors_the_errors_stay_as_they_are() -> None:
    """Halved and doubled in turn: the errors of the latest date have the deviation of the readings alone."""
    log_sizes = np.log(np.array([[30.0], [60.0], [30.0], [60.0], [30.0], [60.0]]))
    deviations, days = np.full((6, 1), 0.05), np.arange(6) * 56.0
    random = np.random.default_rng(1)
    errors = draw_errors(log_sizes, deviations, 0.0, days, draws=20_000, random=random)
    assert errors[:, -1, 0].std() == pytest.approx(0.05, rel=0.03)
    assert errors[:, -1, 0].mean() == pytest.approx(0.0, abs=0.005)


def test_what_was_not_measured_has_no_error() -> None:
    log_sizes = np.array([[3.0, 3.0], [np.nan, 3.2], [3.1, np.nan]])
    random = np.random.default_rng(2)
    errors = draw_errors(log_sizes, np.full((3, 2), 0.1), 0.3, np.array([0.0, 56.0, 70.0]), draws=500, random=random)
    assert (errors[:, 1, 0] == 0).all()
    assert (errors[:, 2, 1] == 0).all()
    assert errors[:, 2, 0].std() > 0.02


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


def test_of_nodes_alone_nothing_is_known_and_beside_others_the_assumption_is_named() -> None:
    alone = recist_probability(course((0, [20, 20]), (56, [30, 20]), nodes=[0, 1]))
    assert alone.probabilities == ()
    assert "no repeatability figure is known for short axis" in alone.unknown_because
    mixed = recist_probability(course((0, [20, 20]), (56, [30, 20]), nodes=[1]))
    assert "short axis, of which no figure is known, is taken to repeat like" in mixed.basis
    assert "short axis" not in recist_probability(course((0, [20, 20]), (56, [30, 20]))).basis
    site = RepeatabilityLimit(Quantity.SHORT_AXIS, Readers.ANY, Decimal(-15), Decimal(15), 95, "a site", True)
    own = recist_probability(course((0, [20, 20]), (56, [30, 20]), nodes=[0, 1]), errors=ErrorSettings(limit=site))
    assert own.probabilities
