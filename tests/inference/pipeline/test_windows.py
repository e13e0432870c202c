from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.pipeline.windows import LARGEST_SCORE, WindowGrid, find_starts, weigh_axis


@given(st.integers(1, 40), st.integers(0, 80), st.floats(0.0, 0.9))
def test_windows_cover_an_axis_and_stay_inside(window: int, more: int, overlap: float) -> None:
    size = window + more
    starts = find_starts(size, window, overlap)
    covered = np.zeros(size, int)
    for start in starts:
        assert 0 <= start <= size - window
        covered[start : start + window] += 1
    assert (covered > 0).all()
    assert list(starts) == sorted(set(starts))


def test_half_overlap_steps_by_half_a_window() -> None:
    assert find_starts(60, 24, 0.5) == (0, 12, 24, 36)
    assert find_starts(24, 24, 0.5) == (0,)


def test_an_axis_shorter_than_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="padded"):
        find_starts(10, 24, 0.5)


def test_weights_are_symmetric_and_largest_in_the_middle() -> None:
    weights = weigh_axis(24)
    np.testing.assert_array_equal(weights, weights[::-1])
    assert weights[11] == 1.0
    assert weights[0] == pytest.approx(0.1)


def test_weight_sums_are_what_adding_every_window_gives() -> None:
    grid = WindowGrid((10, 20, 17), (4, 8, 8), 0.5)
    total = np.zeros(grid.shape, np.float64)
    for z in grid.starts[0]:
        for y in grid.starts[1]:
            for x in grid.starts[2]:
                total[z : z + 4, y : y + 8, x : x + 8] += grid.window_weights
    np.testing.assert_allclose(grid.axis_sums[0][:, None, None] * grid.plane_sums, total, rtol=1e-5)
    assert total.max() * LARGEST_SCORE * grid.scale < 2**31
