from __future__ import annotations

import numpy as np
import pytest

from inference.classical.grey_values import FlatImageError
from inference.pipeline.preprocess import find_working_shape, measure_grey_scale, pad_to_window, resample, scale_tissue


@pytest.mark.parametrize("shape", [(5, 7, 9), (20, 28, 33), (3, 40, 11), (1, 1, 1)])
def test_a_constant_stays_constant(shape: tuple[int, int, int]) -> None:
    resampled = resample(np.full((10, 14, 18), 7, np.int16), shape)
    assert resampled.shape == shape
    np.testing.assert_allclose(resampled, 7.0, rtol=1e-6)


@pytest.mark.parametrize("size", [10, 16, 40, 60])
def test_a_ramp_keeps_its_place(size: int) -> None:
    # value = position in voxels of the first grid; voxel j of the other one lies at (j + 0.5) * 20 / size - 0.5
    ramp = np.broadcast_to(np.arange(20.0, dtype=np.float32)[:, None, None], (20, 3, 3))
    resampled = resample(ramp, (size, 3, 3))[:, 1, 1]
    expected = (np.arange(size) + 0.5) * 20 / size - 0.5
    inner = slice(size // 5, -(size // 5))
    np.testing.assert_allclose(resampled[inner], expected[inner], atol=0.05)


def test_making_coarser_does_not_alias() -> None:
    stripes = np.broadcast_to((np.arange(64) % 2 * 100.0).astype(np.float32), (4, 4, 64))
    np.testing.assert_allclose(resample(stripes, (4, 4, 16))[..., 2:-2], 50.0, atol=1.0)


def test_working_shape_follows_the_extent() -> None:
    assert find_working_shape((60, 512, 512), (1.5, 0.41, 0.41), (1.5, 1.5, 1.5)) == (60, 140, 140)
    assert find_working_shape((60, 512, 512), (1.5, 0.41, 0.41), None) == (60, 512, 512)
    assert find_working_shape((1, 4, 4), (0.1, 0.1, 0.1), (5.0, 5.0, 5.0)) == (1, 1, 1)


def test_scale_does_not_depend_on_units() -> None:
    rng = np.random.default_rng(1)
    image = rng.normal(20, 5, (20, 32, 32)).astype(np.float32)
    image[:, 8:24, 8:24] = rng.normal(500, 60, (20, 16, 16))
    normalised = measure_grey_scale(image).apply(image)
    np.testing.assert_allclose(measure_grey_scale(image * 7 + 3).apply(image * 7 + 3), normalised, atol=1e-2)
    body = normalised[:, 8:24, 8:24]
    assert abs(float(np.median(body))) < 0.05
    assert float(body.std()) == pytest.approx(1.0, abs=0.1)


def test_tissue_keeps_its_contrast_beside_fat() -> None:
    """Nine tenths tissue, a tenth fat that is much brighter: a step of one spread of the tissue stays about one."""
    rng = np.random.default_rng(1)
    tissue = rng.normal(100, 10, (20, 32, 32)).astype(np.float32)
    tissue[:, :3] = 250.0
    tissue[:, 3:16] = 0.0
    scaled = scale_tissue(tissue, tissue)
    assert 0.7 < scaled[:, 16:].std() < 1.1
    assert abs(np.median(scaled[:, 16:])) < 0.3
    assert scaled.max() == 8.0
    assert -8.0 <= scaled.min() < -5.0
    np.testing.assert_allclose(scaled, scale_tissue(5 * tissue + 40, 5 * tissue + 40), atol=1e-3)


def test_a_flat_image_is_refused_in_words() -> None:
    with pytest.raises(FlatImageError, match="same value"):
        measure_grey_scale(np.full((3, 8, 8), 5, np.int16))


def test_padding_goes_to_both_sides_the_odd_voxel_behind() -> None:
    image = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2)
    padded, before = pad_to_window(image, (5, 2, 3), -3.0)
    assert (padded.shape, before) == ((1, 5, 2, 3), (1, 0, 0))
    np.testing.assert_array_equal(padded[:, 1:3, :, :2], image)
    assert (padded[:, 3:] == -3).all()
    unchanged, _ = pad_to_window(image, (1, 2, 2), 0.0)
    assert unchanged is image
