"""The calibration bench: its truth is geometry, and its plot is drawn."""

from __future__ import annotations

import argparse
from math import sqrt
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from segweb.benches import calibration
from segweb.reliability_plot import Decile, draw_reliability
from studies.tracking.repeatability import Quantity, Readers, find_limit
from studies.tracking.retest_simulation import Ellipsoid, draw_ellipsoid, draw_pair, scan


def test_a_small_run_covers_and_draws(tmp_path: Path) -> None:
    plot = tmp_path / "reliability.svg"
    figures = calibration.run(argparse.Namespace(pairs=25, patients=8, seed=1, plot=plot))
    for name, coverage in figures["coverage_of_the_formula_by_itself"].items():
        assert coverage == pytest.approx(0.95, abs=0.005), name
    for case in figures["coverage_from_geometry"].values():
        assert case["n"] == 25
        assert case["coverage"] >= 0.76  # 95 % less four standard errors of 25
    assert figures["growth"]["n"] == 100
    assert figures["growth"]["brier_score"] < 0.15  # always saying 0.5 scores 0.25
    root = ElementTree.fromstring(plot.read_text())
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == sum(len(each["deciles"]) for each in (figures["growth"], *figures["progression"].values()))


def test_circles_lie_where_the_forecasts_do() -> None:
    root = ElementTree.fromstring(draw_reliability([("a < b", [Decile(10, 0.25, 0.75), Decile(40, 1.0, 0.0)])]))
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    assert [(c.get("cx"), c.get("cy"), c.get("r")) for c in circles] == [
        ("113.0", "113.0", "4.5"),
        ("308.0", "308.0", "9.0"),
    ]
    assert "a < b" in [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]


def test_a_ball_is_as_long_and_as_large_as_geometry_says() -> None:
    random = np.random.default_rng(4)
    ball = Ellipsoid(np.full(3, 9.0), np.eye(3))
    assert ball.longest_mm == pytest.approx(18.0)
    assert ball.volume_ml == pytest.approx(4 / 3 * np.pi * 0.729)
    found = scan(random, ball, (1.0, 0.8, 0.8))
    assert found.volume.interval.holds(ball.volume_ml)
    assert found.longest_diameter.interval.holds(18.0)


def test_the_longest_section_of_a_turned_body() -> None:
    """An ellipsoid of half axes 4, 4, 8 stood up has a round section of 8; laid down it is 16 long."""
    lying = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    axes = np.array([4.0, 4.0, 8.0])
    assert Ellipsoid(axes, np.eye(3)).longest_mm == pytest.approx(8.0)
    assert Ellipsoid(axes, lying).longest_mm == pytest.approx(16.0)
    body = draw_ellipsoid(np.random.default_rng(0))
    assert body.scaled(2.0).volume_ml == pytest.approx(8 * body.volume_ml)


def test_readings_of_a_pair_spread_as_the_literature_says() -> None:
    random = np.random.default_rng(2)
    limit = find_limit(Quantity.LONGEST_DIAMETER, readers=Readers.TWO)
    assert limit is not None
    percent = np.array([(new / old - 1) * 100 for old, new in (draw_pair(random, limit) for _ in range(8000))])
    deviation = (25.4 + 22.1) / 2 / 1.959964
    assert percent.mean() == pytest.approx((25.4 - 22.1) / 2, abs=4 * deviation / sqrt(8000))
    assert np.mean((percent > -22.1) & (percent < 25.4)) == pytest.approx(0.95, abs=0.01)
