"""Change and growth: intervals from the literature's limits, probabilities from the normal table."""

from __future__ import annotations

from decimal import Decimal
from math import exp, inf, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from scipy.stats import t as student

from studies.tracking.change import find_change, quantity_of_sum
from studies.tracking.growth import DatedMeasure, Growth, GrowthTrend, find_growth
from studies.tracking.measurement_error import Measured, RatioError, add_up, find_ratio_error
from studies.tracking.repeatability import Quantity, Readers

LENGTHS = st.floats(1.0, 300.0)


def of(value: float, *ends: float | None) -> Measured:
    return Measured(value, *ends)


def test_the_interval_divides_by_the_limits() -> None:
    """Two readers: a ratio of an unchanged lesion lies between 0.779 and 1.254, so the true one between r / these."""
    change = find_change(Quantity.LONGEST_DIAMETER, of(20), of(30))
    assert change.interval is not None
    assert change.interval.low_percent == pytest.approx((1.5 / 1.254 - 1) * 100)
    assert change.interval.high_percent == pytest.approx((1.5 / 0.779 - 1) * 100)
    assert change.interval.low == pytest.approx(20 * (1.5 / 1.254 - 1))
    assert (change.absolute, change.percent) == (10, 50)
    assert change.interval.is_growth
    assert "Yoon 2016" in change.basis


@pytest.mark.parametrize(("ratio", "probability"), [(1.254, 0.975), (0.779, 0.025), (1.0, 0.5)])
def test_a_change_at_a_limit_is_growth_in_975_of_1000(ratio: float, probability: float) -> None:
    change = find_change(Quantity.LONGEST_DIAMETER, of(100), of(100 * ratio))
    assert change.growth_probability == pytest.approx(probability, abs=1e-6)
    assert change.shrinkage_probability == pytest.approx(1 - probability, abs=1e-6)


def test_each_half_has_its_own_width() -> None:
    change = find_change(Quantity.SUM_OF_DIAMETERS, of(100), of(95), readers=Readers.ONE)
    assert change.growth_probability == pytest.approx(norm.cdf(log(0.95) / (-log(0.902) / 1.959964)), abs=1e-9)


@given(LENGTHS, LENGTHS, st.sampled_from(list(Readers)[:2]))
def test_interval_and_probability_agree(old: float, new: float, readers: Readers) -> None:
    """Growth beyond the interval is growth in more than 97.5 of 100, and the other way round."""
    change = find_change(Quantity.LONGEST_DIAMETER, of(old), of(new), readers=readers)
    assert change.interval is not None
    assert change.growth_probability is not None
    if abs(change.interval.low) > 1e-9 * old:
        assert change.interval.is_growth == (change.growth_probability > 0.975 - 1e-9)
    assert change.interval.high is not None
    assert change.interval.low < new - old < change.interval.high


@given(LENGTHS, LENGTHS, st.floats(0.1, 10.0))
def test_the_unit_does_not_matter(old: float, new: float, scale: float) -> None:
    one = find_change(Quantity.LONGEST_DIAMETER, of(old), of(new))
    other = find_change(Quantity.LONGEST_DIAMETER, of(old * scale), of(new * scale))
    assert one.growth_probability == pytest.approx(other.growth_probability)


@pytest.mark.parametrize(
    ("quantity", "readers", "size"),
    [
        (Quantity.SINGLE_LESION_BURDEN, Readers.ONE, None),
        (Quantity.TUMOUR_VOLUME, Readers.TWO, Decimal(5)),
        (Quantity.TUMOUR_VOLUME, Readers.TWO, None),
    ],
)
def test_without_a_figure_it_is_unknown(quantity: Quantity, readers: Readers, size: Decimal | None) -> None:
    change = find_change(quantity, of(10), of(30), readers=readers, size_mm=size)
    assert (change.interval, change.growth_probability, change.shrinkage_probability) == (None, None, None)
    assert change.unknown_because.startswith("Unknown, because")
    assert change.percent == 200


def test_a_figure_not_verified_says_so() -> None:
    change = find_change(Quantity.TUMOUR_VOLUME, of(10), of(20), size_mm=Decimal(40))
    assert change.interval is not None
    assert any("not verified" in caution for caution in change.cautions)


@pytest.mark.parametrize(("old", "new", "percent"), [(0, 5, None), (5, 0, -100), (0, 0, 0)])
def test_nothing_has_no_ratio(old: float, new: float, percent: float | None) -> None:
    change = find_change(Quantity.LONGEST_DIAMETER, of(old), of(new))
    assert change.interval is None
    assert change.percent == percent
    assert "no ratio" in change.unknown_because


def test_a_negative_measurement_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        find_change(Quantity.LONGEST_DIAMETER, of(-1), of(2))


def test_grid_and_literature_add_as_squares() -> None:
    """New may be 4 mm shorter of 10 or 1 mm longer, old 1 mm either way."""
    change = find_change(Quantity.LONGEST_DIAMETER, of(10, 9, 11), of(10, 6, 11))
    up = sqrt(log(1.254) ** 2 + log(10 / 6) ** 2 + log(11 / 10) ** 2)
    down = sqrt(log(0.779) ** 2 + log(11 / 10) ** 2 + log(10 / 9) ** 2)
    assert change.interval is not None
    assert change.interval.low_percent == pytest.approx((exp(-up) - 1) * 100)
    assert change.interval.high_percent == pytest.approx((exp(down) - 1) * 100)
    assert "the voxel grids added" in change.basis


def test_a_grid_without_an_end_is_said() -> None:
    change = find_change(Quantity.LONGEST_DIAMETER, of(10, 9, None), of(12, 11, 13))
    assert change.interval is not None
    assert any("fewer than three slices" in caution for caution in change.cautions)


def test_a_grid_that_reaches_zero_leaves_the_interval_open() -> None:
    change = find_change(Quantity.LONGEST_DIAMETER, of(1, 0, 2), of(10, 9, 11))
    assert change.interval is not None
    assert change.interval.high is None
    assert change.interval.low > 0


def test_sums_add_as_squares() -> None:
    total = add_up([of(10, 7, 11), of(20, 16, None)])
    assert (total.value, total.low, total.high) == (30, 25, None)
    assert quantity_of_sum(1) is Quantity.SINGLE_LESION_BURDEN
    assert quantity_of_sum(2) is Quantity.SUM_OF_DIAMETERS
    assert quantity_of_sum(3, node_count=2) is Quantity.SUM_OF_DIAMETERS
    assert {quantity_of_sum(count, node_count=count) for count in (1, 2)} == {Quantity.SHORT_AXIS}


def test_the_error_of_one_date_makes_a_pair_as_wide_as_the_limits() -> None:
    error = find_ratio_error(Quantity.SUM_OF_DIAMETERS)
    assert isinstance(error, RatioError)
    pair = 1.959964 * sqrt(2) * error.one_date_deviation
    assert 2 * pair == pytest.approx(log(1.195) - log(0.808))


def grown(*dated: tuple[int, float], quantity: Quantity = Quantity.LONGEST_DIAMETER, **more) -> Growth:
    return find_growth(quantity, [DatedMeasure(day, of(value)) for day, value in dated], **more)


def test_a_volume_that_doubles_in_100_days() -> None:
    growth = grown((0, 1.0), (100, 2.0), quantity=Quantity.LUNG_NODULE_VOLUME)
    assert growth.trend is GrowthTrend.GROWING
    assert growth.doubling_time.days == pytest.approx(100)
    fast, slow = (log(2) - log(0.75)) / 100, (log(2) - log(1.25)) / 100
    assert growth.doubling_time.low_days == pytest.approx(log(2) / fast)
    assert growth.doubling_time.high_days == pytest.approx(log(2) / slow)
    assert growth.percent_per_month.value == pytest.approx((2 ** (30.4375 / 100) - 1) * 100)
    assert growth.per_day.value == pytest.approx(log(2) / 100 * sqrt(2))  # slope of the curve at day 50


def test_a_diameter_counts_three_times() -> None:
    """A third of a doubling in each direction doubles the volume."""
    growth = grown((0, 20.0), (90, 20.0 * 2 ** (1 / 3)))
    assert growth.doubling_time.days == pytest.approx(90)


def test_a_rate_that_may_be_zero_leaves_the_doubling_time_open() -> None:
    growth = grown((0, 20.0), (90, 21.0))
    assert growth.trend is GrowthTrend.UNCERTAIN
    assert growth.per_day.low is not None
    assert growth.per_day.low < 0
    assert growth.doubling_time.high_days is None
    assert growth.doubling_time.low_days == pytest.approx(log(2) * 90 / 3 / (log(1.05) - log(0.779)))
    assert "no upper end" in growth.doubling_time.sentence


def test_shrinkage_has_a_halving_time() -> None:
    growth = grown((0, 2.0), (100, 1.0), quantity=Quantity.LUNG_NODULE_VOLUME)
    assert growth.trend is GrowthTrend.SHRINKING
    assert growth.doubling_time.days == pytest.approx(-100)
    low, high = growth.doubling_time.low_days, growth.doubling_time.high_days
    assert low is not None
    assert high is not None
    assert low == pytest.approx(100 * log(2) / (log(2) + log(1.25)))
    assert low < 100 < high
    assert growth.doubling_time.sentence.startswith("Shrinking")


def test_unchanged_has_no_doubling_time() -> None:
    growth = grown((0, 20.0), (90, 20.0))
    assert growth.doubling_time.days is None
    assert growth.doubling_time.sentence.startswith("Unchanged")


def test_without_a_figure_two_dates_have_a_rate_and_no_interval() -> None:
    growth = grown((0, 1.0), (100, 2.0), quantity=Quantity.TUMOUR_VOLUME)
    assert growth.trend is GrowthTrend.UNKNOWN
    assert growth.doubling_time.days == pytest.approx(100)
    assert (growth.doubling_time.low_days, growth.per_day.low, growth.per_day.high) == (None, None, None)
    assert "Unknown, because" in growth.doubling_time.sentence


def test_without_a_figure_three_dates_give_their_own_spread() -> None:
    days, values = [0, 50, 100], [1.0, 1.5, 2.0]
    growth = grown(*zip(days, values, strict=True), quantity=Quantity.TUMOUR_VOLUME)
    slope, middle = np.polyfit(np.array(days) - 50, np.log(values), 1)
    residuals = np.log(values) - middle - slope * (np.array(days) - 50)
    half = student.ppf(0.975, 1) * sqrt((residuals**2).sum() / 5000)
    assert growth.doubling_time.days == pytest.approx(log(2) / slope)
    assert growth.percent_per_month.high == pytest.approx(np.expm1((slope + half) * 30.4375) * 100)
    assert growth.trend is GrowthTrend.GROWING or slope - half <= 0
    assert growth.date_count == 3


def test_a_perfect_line_keeps_the_spread_of_the_literature() -> None:
    growth = grown((0, 10.0), (100, 20.0), (200, 40.0))
    half = 1.959964 * (log(1.254) - log(0.779)) / 2 / 1.959964 / sqrt(2) / sqrt(20000)
    assert growth.percent_per_month.low == pytest.approx(np.expm1((log(2) / 100 - half) * 30.4375) * 100)


def test_a_grid_that_reaches_zero_bounds_nothing() -> None:
    dated = [DatedMeasure(day, Measured(1.0, 0.0, 2.0)) for day in (0, 50, 100)]
    growth = find_growth(Quantity.LONGEST_DIAMETER, dated)
    assert (growth.per_day.low, growth.per_day.high, growth.doubling_time.low_days) == (None, None, None)
    assert growth.trend is GrowthTrend.UNKNOWN
    assert inf not in (growth.per_day.value, growth.doubling_time.days)


@pytest.mark.parametrize("dated", [((0, 1.0),), ((0, 1.0), (0, 2.0)), ((5, 1.0), (0, 2.0)), ((0, 0.0), (9, 1.0))])
def test_what_has_no_rate_is_refused(dated: tuple[tuple[int, float], ...]) -> None:
    with pytest.raises(ValueError, match=r"dates|Growth"):
        grown(*dated)


@given(st.floats(-0.01, 0.01), st.integers(2, 6))
def test_an_exponential_gives_back_its_rate(rate: float, count: int) -> None:
    growth = grown(*((30 * n, 10 * exp(rate * 30 * n)) for n in range(count)))
    assert growth.percent_per_month.value == pytest.approx(np.expm1(rate * 30.4375) * 100, abs=1e-6)
    low, high = growth.percent_per_month.low, growth.percent_per_month.high
    assert low is not None
    assert high is not None
    assert low < growth.percent_per_month.value < high
