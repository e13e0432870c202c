"""One volume's values on another one's grid, held against geometry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from studies.imaging.geometry import VolumeGeometry
from studies.imaging.resampling import resample_onto
from studies.imaging.volume import Volume

AXIAL = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)
SAGITTAL = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0)


def places(geometry: VolumeGeometry) -> np.ndarray:
    index = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij"), axis=-1)
    affine = geometry.index_to_patient_mm
    return index @ affine[:3, :3].T + affine[:3, 3]


def ramp(geometry: VolumeGeometry) -> np.ndarray:
    return (places(geometry) @ (3.0, -2.0, 5.0) + 700.0).astype(np.float32)


FINE = VolumeGeometry((40, 40, 40), (1.0, 1.0, 1.0), (-20.0, -20.0, -20.0), AXIAL)
WITHIN = VolumeGeometry((9, 12, 10), (1.2, 1.1, 1.3), (-6.0, 6.0, -7.0), SAGITTAL)


def test_a_ramp_is_the_same_ramp_on_a_grid_of_other_axes() -> None:
    found = resample_onto(Volume(ramp(FINE), FINE, "MR"), WITHIN)
    np.testing.assert_allclose(found, ramp(WITHIN), atol=2e-3)


def test_a_way_between_the_two_is_followed() -> None:
    way = np.eye(4)
    way[:3, 3] = (2.0, -1.0, 3.0)
    found = resample_onto(Volume(ramp(FINE), FINE, "MR"), WITHIN, way)
    np.testing.assert_allclose(found, ramp(WITHIN) + 3 * 2.0 + 2 * 1.0 + 5 * 3.0, atol=2e-3)


def test_the_same_grid_is_left_alone_and_outside_is_the_least_value() -> None:
    values = np.random.default_rng(1).integers(5, 900, FINE.shape).astype(np.int16)
    np.testing.assert_array_equal(resample_onto(Volume(values, FINE, "CT"), FINE), values.astype(np.float32))
    away = replace(FINE, origin_mm=(500.0, 0.0, 0.0))
    assert (resample_onto(Volume(values, FINE, "CT"), away) == values.min()).all()


def test_a_coarser_grid_averages_instead_of_picking() -> None:
    """Independent noise of deviation 100 under voxels of 5 x 5 x 5 keeps a few percent of its variance."""
    noise = np.random.default_rng(2).normal(0.0, 100.0, FINE.shape).astype(np.float32)
    coarse = VolumeGeometry((6, 6, 6), (5.0, 5.0, 5.0), (-14.0, -14.0, -14.0), AXIAL)
    assert resample_onto(Volume(noise, FINE, "MR"), coarse).std() < 15.0
    assert resample_onto(Volume(ramp(FINE), FINE, "MR"), coarse) == pytest.approx(ramp(coarse), abs=1.0)
