"""Cuts through a volume: the right values at the right place, as a reader faces the plane."""

from __future__ import annotations

import numpy as np
import pytest

from studies.imaging.cut import cut_square, face_plane
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume

SHAPE, SPACING_MM, ORIGIN_MM = (20, 30, 40), (3.0, 1.5, 1.0), (-20.0, -22.0, 5.0)
AXES = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)


def gradient() -> Volume:
    """Values 2 x + 3 y + 5 z of the place: linear, so that interpolation is exact."""
    geometry = VolumeGeometry(SHAPE, SPACING_MM, ORIGIN_MM, AXES)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1)
    affine = geometry.index_to_patient_mm
    places = index @ affine[:3, :3].T + affine[:3, 3]
    return Volume((places @ [2.0, 3.0, 5.0]).astype(np.float32), geometry)


@pytest.mark.parametrize("normal", [(0, 0, 1), (0, 1, 0), (1, 0, 0), (0.2, -0.1, 0.97)])
def test_a_cut_holds_the_values_of_its_places(normal):
    middle = np.array([0.0, 0.0, 33.0])
    cut = cut_square(gradient(), centre_mm=middle, normal=normal, size_mm=12.0, side=13)
    right, down = face_plane(normal)
    steps = (np.arange(13) - 6) * 12.0 / 13
    places = middle + steps[:, None, None] * down + steps[None, :, None] * right
    np.testing.assert_allclose(cut, places @ [2.0, 3.0, 5.0], atol=1e-3)


def test_outside_there_is_nothing():
    cut = cut_square(gradient(), centre_mm=(-20.0, 0.0, 33.0), normal=(0, 0, 1), size_mm=20.0, side=20)
    assert np.isnan(cut[:, :9]).all()
    assert np.isfinite(cut[:, 10:]).all()


@pytest.mark.parametrize(
    ("normal", "right", "down"),
    [((0, 0, -1), (1, 0, 0), (0, 1, 0)), ((0, 1, 0), (1, 0, 0), (0, 0, -1)), ((-1, 0, 0), (0, 1, 0), (0, 0, -1))],
)
def test_planes_face_the_reader_whichever_way_their_normal_points(normal, right, down):
    found = face_plane(normal)
    np.testing.assert_allclose(found, (right, down), atol=1e-12)


def test_an_oblique_plane_keeps_to_itself():
    normal = np.array([0.3, 0.2, 0.9])
    right, down = face_plane(normal)
    np.testing.assert_allclose([right @ normal, down @ normal, right @ down], 0.0, atol=1e-12)
