"""Noise, shapes, vessel trees and the table of truth, against values computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from inference.training.synthetic.noise import correlated_noise, enlarge, rician, smooth_noise, smooth_step
from inference.training.synthetic.shapes import Ellipsoid, Rod, near, open_grid
from inference.training.synthetic.truth import longest_axial_diameter_mm
from inference.training.synthetic.vessel_tree import grow_tree


def test_smooth_noise_has_unit_spread_and_the_scale_asked_for() -> None:
    field = smooth_noise(np.random.default_rng(0), (160, 160), (1.0, 1.0), scale_mm=8.0)
    assert field.std() == pytest.approx(1.0, abs=0.15)
    neighbours = np.corrcoef(field[:-1].ravel(), field[1:].ravel())[0, 1]
    far = np.corrcoef(field[:-40].ravel(), field[40:].ravel())[0, 1]
    assert neighbours > 0.95
    assert abs(far) < 0.2


def test_rician_noise_of_no_signal_has_rayleighs_mean() -> None:
    noise = rician(np.random.default_rng(0), np.zeros(200_000, dtype=np.float32), sigma=2.0)
    assert noise.mean() == pytest.approx(2.0 * np.sqrt(np.pi / 2.0), rel=0.01)


def test_correlated_noise_is_correlated_in_plane_only() -> None:
    noise = correlated_noise(np.random.default_rng(0), (20, 64, 64), sigma_pixels=(0.0, 0.8, 0.8))
    assert noise.std() == pytest.approx(1.0, abs=1e-3)
    assert np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1] > 0.4
    assert abs(np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1]) < 0.05


def test_enlarge_reproduces_a_linear_field() -> None:
    coarse = np.add.outer(np.arange(5.0) * 2, np.arange(4.0) * 3).astype(np.float32)
    fine = enlarge(coarse, (9, 10), factors=(2, 3))
    np.testing.assert_allclose(fine, np.add.outer(np.arange(9.0), np.arange(10.0)), atol=1e-5)


def test_smooth_step_is_half_on_the_surface() -> None:
    step = smooth_step(np.asarray([-2.0, -0.5, 0.0, 0.5, 2.0]), width=1.0)
    np.testing.assert_allclose(step, [1.0, 1.0, 0.5, 0.0, 0.0])


def test_distances_of_a_ball_and_of_a_tapering_rod() -> None:
    at = open_grid((1, 1, 21), (1.0, 1.0, 1.0), (0.0, 0.0, -10.0))
    ball = Ellipsoid((0.0, 0.0, 0.0), (4.0, 4.0, 4.0)).distance(at)[0, 0]
    np.testing.assert_allclose(ball, np.abs(np.arange(-10.0, 11.0)) - 4.0, atol=1e-5)
    rod = Rod((3.0, 0.0, -10.0), (3.0, 0.0, 10.0), 1.0, 2.0).distance(at)[0, 0]
    np.testing.assert_allclose(rod[[0, 10, 20]], [2.0, 1.5, 1.0], atol=1e-5)


def test_near_covers_the_shape_and_little_more() -> None:
    at = open_grid((40, 40, 40), (1.0, 1.0, 1.0), (-20.0, -20.0, -20.0))
    window, here = near(Ellipsoid((0.0, 5.0, 0.0), (3.0, 4.0, 5.0)), at, margin_mm=1.0)
    assert [(w.start, w.stop) for w in window] == [(16, 24), (20, 30), (14, 26)]
    assert here.shape == (8, 10, 12)


def test_a_tree_reaches_every_target_and_obeys_murray() -> None:
    targets = np.random.default_rng(0).uniform(-30.0, 30.0, (80, 3))
    tree = grow_tree((0.0, 0.0, -40.0), targets, twig_radius_mm=0.5, exponent=3.0)
    np.testing.assert_allclose(np.sort(tree.places_mm[1:], axis=0), np.sort(targets, axis=0))
    for node in range(len(tree.parents)):
        children = tree.radii_mm[tree.parents == node]
        assert tree.radii_mm[node] ** 3 == pytest.approx((children**3).sum() + 0.5**3)
    assert tree.radii_mm[0] == tree.radii_mm.max()


def test_the_longest_diameter_of_a_box_is_its_diagonal() -> None:
    inside = np.zeros((3, 20, 20), dtype=bool)
    inside[1, 2:6, 3:15] = True
    expected = np.hypot(3 * 2.0, 11 * 0.5)  # between voxel centres
    assert longest_axial_diameter_mm(inside, (2.0, 0.5)) == pytest.approx(expected, rel=1e-4)
    assert longest_axial_diameter_mm(np.zeros((2, 4, 4), dtype=bool), (1.0, 1.0)) == 0.0
