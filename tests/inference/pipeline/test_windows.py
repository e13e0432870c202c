"""Grids and weights against the definitions of the references, written out anew."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.pipeline.windows import GridRule, WindowGrid, find_starts, weigh_window

RULES = list(GridRule)


@given(st.sampled_from(RULES), st.integers(1, 40), st.integers(0, 80), st.floats(0.0, 0.9))
def test_windows_cover_an_axis_and_stay_inside(rule: GridRule, window: int, more: int, overlap: float) -> None:
    size = window + more
    starts = find_starts(rule, size, window, overlap)
    covered = np.zeros(size, int)
    for start in starts:
        assert 0 <= start <= size - window
        covered[start : start + window] += 1
    assert (covered > 0).all()
    assert list(starts) == sorted(set(starts))


def test_the_references_step_differently() -> None:
    # MONAI: whole steps of int(32 * 0.5), the last window moved inward; nnU-Net: three even steps of 38 / 3
    assert find_starts(GridRule.MONAI, 70, 32, 0.5) == (0, 16, 32, 38)
    assert find_starts(GridRule.NNUNET, 70, 32, 0.5) == (0, 13, 25, 38)
    assert find_starts(GridRule.NNUNET, 24, 24, 0.5) == (0,)


def test_an_axis_shorter_than_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="padded"):
        find_starts(GridRule.MONAI, 10, 24, 0.5)


def test_monais_weights_are_a_gaussian_with_a_floor() -> None:
    weights = weigh_window(GridRule.MONAI, (1, 16, 16))
    # two voxels from the middle line along rows, three along columns; sigma 16 / 8
    assert weights[0, 9, 10] == pytest.approx(math.exp(-0.5 * (1.5**2 + 2.5**2) / 4), rel=1e-6)
    assert weights.min() == pytest.approx(1e-3)
    np.testing.assert_array_equal(weights, weights[:, ::-1, ::-1])


def test_nnunets_weights_peak_behind_the_middle() -> None:
    weights = weigh_window(GridRule.NNUNET, (8, 16, 16))
    assert np.unravel_index(weights.argmax(), weights.shape) == (4, 8, 8)
    assert weights.max() == 10.0
    assert weights.min() > 0
    assert (weights == weights.astype(np.float16)).all()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("shape", "window", "overlap"), [((21, 20, 17), (4, 8, 8), 0.5), ((9, 30, 16), (9, 8, 8), 0.7)]
)
def test_shares_are_weights_over_their_sum(
    rule: GridRule, shape: tuple[int, int, int], window: tuple[int, int, int], overlap: float
) -> None:
    grid = WindowGrid(shape, window, overlap, rule)
    numbers = list(product(*(range(len(axis.starts)) for axis in grid.axes)))
    assert len(numbers) == grid.window_count
    boxes = [tuple(slice(s, s + w) for s, w in zip(grid.start_of(n), window, strict=True)) for n in numbers]
    weights = weigh_window(rule, window).astype(np.float64)
    total, shares = np.zeros(shape), np.zeros(shape)
    for box in boxes:
        total[box] += weights
    for number, box in zip(numbers, boxes, strict=True):
        np.testing.assert_allclose(grid.weigh_share(number), weights / total[box], rtol=1e-5)
        shares[box] += grid.weigh_share(number)
    np.testing.assert_allclose(shares, 1.0, rtol=1e-5)


@given(st.sampled_from(RULES), st.integers(1, 20), st.integers(0, 60), st.floats(0.0, 0.9))
def test_no_window_border_crosses_a_zone(rule: GridRule, window: int, more: int, overlap: float) -> None:
    axis = WindowGrid((window + more, 1, 1), (window, 1, 1), overlap, rule).axes[0]
    for zone, (first, last) in enumerate(axis.zones):
        for number, start in enumerate(axis.starts):
            is_over = start <= first and last <= start + window
            assert is_over or last <= start or first >= start + window
            assert is_over == (number in axis.covering[zone]) == (zone in axis.zones_of[number])
        assert axis.zone_at(first) == axis.zone_at(last - 1) == zone
    assert axis.zones[0][0] == 0
    assert axis.zones[-1][1] == window + more
