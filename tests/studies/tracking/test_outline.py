"""Diameters of flat shapes: against geometry, and against looking at every pair of points."""

from __future__ import annotations

import itertools
import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.tracking.equivalence import compare_measures
from studies.tracking.outline import find_longest_pairs, measure_polygon

coordinates = st.integers(-40, 40).map(lambda n: n / 4)
outlines = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=12, unique=True)


def chord(points: np.ndarray, along: np.ndarray, t: float) -> float:
    """Distance between the outermost points of an outline on the line at `t` along `along`, one edge after another."""
    across = np.array([-along[1], along[0]])
    found = []
    for first, second in zip(points, np.roll(points, -1, axis=0), strict=True):
        (t0, s0), (t1, s1) = ((p @ along, p @ across) for p in (first, second))
        if abs(t1 - t0) < 1e-12:
            found += [s0, s1] if abs(t - t0) < 1e-9 else []
        elif min(t0, t1) - 1e-9 <= t <= max(t0, t1) + 1e-9:
            found.append(s0 + (t - t0) / (t1 - t0) * (s1 - s0))
    return max(found) - min(found) if found else 0.0


def test_a_square_is_its_diagonals():
    found = measure_polygon([[0, 0], [30, 0], [30, 30], [0, 30]])
    assert found.longest_mm == pytest.approx(30 * math.sqrt(2), rel=1e-12)
    assert found.perpendicular_mm == pytest.approx(30 * math.sqrt(2), rel=1e-12)
    assert found.product_mm2 == pytest.approx(1800, rel=1e-12)


def test_a_kite_is_its_axes():
    found = measure_polygon([[0, 0], [14, 6], [50, 0], [14, -10]])
    assert found.longest_ends_mm == ((0, 0), (50, 0))
    assert found.perpendicular_mm == pytest.approx(16)
    assert found.perpendicular_ends_mm[0] == pytest.approx((14, -10))
    assert found.perpendicular_ends_mm[1] == pytest.approx((14, 6))


@settings(deadline=None, max_examples=60)
@given(outlines)
def test_the_longest_is_the_longest_of_all_pairs(points):
    found = measure_polygon(points)
    longest = max(math.dist(a, b) for a, b in itertools.combinations(points, 2))
    assert found.longest_mm == pytest.approx(longest, rel=1e-12)
    assert math.dist(*found.longest_ends_mm) == pytest.approx(longest, rel=1e-12)


@settings(deadline=None, max_examples=60)
@given(outlines)
def test_no_line_at_right_angles_holds_a_longer_chord(points):
    found = measure_polygon(points)
    outline = np.asarray(points)
    (x0, y0), (x1, y1) = found.longest_ends_mm
    along = np.array([x1 - x0, y1 - y0]) / found.longest_mm
    lines = np.concatenate([np.linspace(*np.sort(outline @ along)[[0, -1]], 50), outline @ along])
    longest = max(chord(outline, along, t) for t in lines)
    assert found.perpendicular_mm == pytest.approx(longest, abs=1e-7)
    (u0, v0), (u1, v1) = found.perpendicular_ends_mm
    assert np.dot([u1 - u0, v1 - v0], along) == pytest.approx(0, abs=1e-7)


@settings(deadline=None, max_examples=60)
@given(outlines, st.floats(0, 6.28), st.booleans())
def test_turning_mirroring_and_starting_elsewhere_change_nothing(points, angle, is_mirrored):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    mirror = np.diag([-1.0, 1.0]) if is_mirrored else np.eye(2)
    before, after = measure_polygon(points), measure_polygon(np.roll(np.asarray(points), 1, axis=0) @ turn @ mirror + 7)
    assert after.longest_mm == pytest.approx(before.longest_mm, rel=1e-9)
    assert after.perpendicular_mm == pytest.approx(before.perpendicular_mm, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("count", [900, 3700])
def test_many_points_are_compared_in_pieces(count):
    points = np.random.default_rng(5).normal(size=(count, 3))
    points[count // 3], points[-1] = (30, 0, 0), (-30, 5, 0)
    assert find_longest_pairs(points) == [(count // 3, count - 1)]


@pytest.mark.parametrize("points", [[[0, 0]], [[1, 2], [1, 2]], [[0, 0], [math.nan, 1]], [1, 2, 3]])
def test_what_is_no_outline_is_refused(points):
    with pytest.raises(ValueError, match="outline"):
        measure_polygon(points)


@pytest.mark.parametrize(("factor", "area", "volume"), [("0.7", "-51.0", "-65.7"), ("1.2", "44.0", "72.8")])
def test_a_change_of_diameter_in_area_and_volume(factor, area, volume):
    found = compare_measures(Decimal(factor))
    assert (found.area_pct, found.volume_pct) == (Decimal(area), Decimal(volume))
