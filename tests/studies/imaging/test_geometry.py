"""Grids: where voxels lie and how large they are."""

from __future__ import annotations

import numpy as np
import pytest

from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume

AXIAL = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)


def test_an_index_has_its_place():
    geometry = VolumeGeometry((4, 5, 6), (3.0, 0.5, 0.25), (10.0, 20.0, 30.0), AXIAL)
    place = geometry.index_to_patient_mm @ [2, 4, 6, 1]
    np.testing.assert_allclose(place, [10 + 6 * 0.25, 20 + 4 * 0.5, 30 + 2 * 3.0, 1])


def test_a_sheared_voxel_is_smaller_than_its_edges():
    lean = np.radians(30)
    axes = np.array([[0.0, 0.0, 1.0], [0.0, np.cos(lean), 0.0], [1.0, np.sin(lean), 0.0]])
    geometry = VolumeGeometry((2, 2, 2), (2.0, 1.0, 1.0), (0, 0, 0), tuple(axes.reshape(-1)))
    assert geometry.voxel_volume_ml == pytest.approx(2.0 * np.cos(lean) / 1000)


@pytest.mark.parametrize(
    ("shape", "spacing", "direction"),
    [
        ((0, 1, 1), (1, 1, 1), AXIAL),
        ((1, 1, 1), (0, 1, 1), AXIAL),
        ((1, 1, 1), (1, float("nan"), 1), AXIAL),
        ((1, 1, 1), (1, 1, 1), (1.0, 1.0, 0, 0, 0, 1.0, 0, 0, 0)),
    ],
)
def test_what_is_no_grid_is_refused(shape, spacing, direction):
    with pytest.raises(ValueError, match=r"volume|Spacing"):
        VolumeGeometry(shape, spacing, (0, 0, 0), direction)


def test_voxels_must_fit_their_grid():
    with pytest.raises(ValueError, match="grid"):
        Volume(np.zeros((1, 2, 2)), VolumeGeometry((2, 2, 2), (1, 1, 1), (0, 0, 0), AXIAL))
