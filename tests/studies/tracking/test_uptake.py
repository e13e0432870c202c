"""Uptake in PET: the peak ball, metabolic volume and total glycolysis."""

from __future__ import annotations

import numpy as np
import pytest

from studies.imaging.volume import Volume
from studies.label_maps.label_map import LabelMap
from studies.tracking.components import Lesion, find_lesions
from studies.tracking.uptake import PEAK_RADIUS_MM, measure_uptake, weigh_ball
from tests.studies.tracking.bodies import grid, leaning

SPACING_MM = (3.0, 4.0, 4.0)


def pet(values: np.ndarray, mask: np.ndarray, spacing_mm=SPACING_MM) -> tuple[Lesion, Volume]:
    geometry = grid(values.shape, spacing_mm)
    (lesion,) = find_lesions(LabelMap(mask.astype(np.uint8), geometry))
    return lesion, Volume(values.astype(np.float32), geometry, "PT")


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (3.0, 4.0, 4.0), (5.0, 2.0, 2.0), (8.0, 8.0, 8.0)])
@pytest.mark.parametrize("degrees", [0.0, 20.0])
def test_the_ball_is_one_millilitre(spacing_mm, degrees):
    geometry = grid((1, 1, 1), spacing_mm, leaning(degrees))
    ball = weigh_ball(tuple(geometry.index_to_patient_mm[:3, :3].reshape(-1)))
    assert abs(PEAK_RADIUS_MM - 6.2035) < 1e-4
    assert ball.sum() * geometry.voxel_volume_ml == pytest.approx(1.0, rel=0.02)
    assert all(side % 2 for side in ball.shape)
    np.testing.assert_allclose(ball, ball[::-1, ::-1, ::-1])


def test_a_flat_lesion_has_one_value():
    mask = np.zeros((15, 15, 15), bool)
    mask[4:11, 4:11, 4:11] = True
    lesion, image = pet(np.where(mask, 5.0, 5.0), mask)
    found = measure_uptake(lesion, image, factor=2.0, unit="SUL g/mL")
    assert found is not None
    assert found.peak is not None
    assert found.peak.value == pytest.approx(10.0)
    assert found.metabolic_volume_ml == pytest.approx(7**3 * 48 / 1000)
    assert found.total_glycolysis == pytest.approx(10.0 * 7**3 * 48 / 1000)


def test_the_peak_of_a_slope_is_its_value_at_the_centre():
    """The mean of a linear image over a ball is the value at its centre: the farthest centre along the slope wins."""
    mask = np.zeros((15, 15, 15), bool)
    mask[5:10, 5:10, 5:10] = True
    slices, rows, _ = np.indices(mask.shape)
    lesion, image = pet(7.0 + 2.0 * slices - 1.0 * rows, mask)
    found = measure_uptake(lesion, image, factor=0.5, unit="SUL g/mL")
    assert found is not None
    assert found.peak is not None
    assert found.peak.value == pytest.approx(0.5 * (7 + 2 * 9 - 5), rel=1e-6)
    assert found.peak.centre_index[:2] == (9, 5)
    assert found.peak.centre_mm == pytest.approx((4.0 * found.peak.centre_index[2], 20.0, 27.0))


def test_the_peak_is_that_of_every_centre_looked_at_in_turn():
    random = np.random.default_rng(4)
    mask = np.zeros((12, 13, 14), bool)
    mask[3:8, 4:9, 5:10] = random.random((5, 5, 5)) < 0.8
    mask[5, 6, :][5:10] = True
    values = random.gamma(2.0, 2.0, mask.shape).astype(np.float32)
    geometry = grid(mask.shape, SPACING_MM)
    lesion = max(find_lesions(LabelMap(mask.astype(np.uint8), geometry)), key=lambda each: each.voxel_count)
    ball = weigh_ball(tuple(geometry.index_to_patient_mm[:3, :3].reshape(-1)))
    half = np.asarray(ball.shape) // 2
    means = []
    for s, r, c in lesion.voxel_indices():
        around = values[s - half[0] : s + half[0] + 1, r - half[1] : r + half[1] + 1, c - half[2] : c + half[2] + 1]
        means.append((around * ball).sum() / ball.sum())
    found = measure_uptake(lesion, Volume(values, geometry, "PT"), factor=1.0, unit="SUL g/mL")
    assert found is not None
    assert found.peak is not None
    assert found.peak.value == pytest.approx(max(means), rel=1e-6)


def test_thresholds():
    mask = np.zeros((9, 9, 9), bool)
    mask[3:6, 3:6, 3:6] = True
    values = np.zeros(mask.shape)
    values[mask] = np.arange(1, 28)
    lesion, image = pet(values, mask)
    absolute = measure_uptake(lesion, image, factor=1.0, unit="SUVbw g/mL", absolute_threshold=20.0)
    relative = measure_uptake(lesion, image, factor=1.0, unit="SUVbw g/mL", relative_threshold=20 / 27)
    none = measure_uptake(lesion, image, factor=1.0, unit="SUVbw g/mL", absolute_threshold=100.0)
    assert absolute is not None
    assert none is not None
    assert absolute == relative
    assert absolute.metabolic_volume_ml == pytest.approx(8 * 0.048)
    assert absolute.mean == pytest.approx(np.arange(20, 28).mean())
    assert absolute.total_glycolysis == pytest.approx(np.arange(20, 28).sum() * 0.048)
    assert (none.metabolic_volume_ml, none.total_glycolysis) == (0.0, 0.0)
    with pytest.raises(ValueError, match="one threshold"):
        measure_uptake(lesion, image, factor=1, unit="", absolute_threshold=1, relative_threshold=1)


def test_no_ball_outside_the_image_and_no_number_from_no_number():
    mask = np.zeros((9, 9, 9), bool)
    mask[0, 0, 0] = True
    lesion, image = pet(np.ones(mask.shape), mask)
    found = measure_uptake(lesion, image, factor=1.0, unit="SUL g/mL")
    assert found is not None
    assert found.peak is None
    holes = np.ones(mask.shape)
    holes[0, 0, 0] = np.nan
    lesion, image = pet(holes, mask)
    assert measure_uptake(lesion, image, factor=1.0, unit="SUL g/mL") is None
