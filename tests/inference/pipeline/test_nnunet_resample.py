"""Resampling against the plain functions of scikit-image and scipy that nnU-Net calls, one volume at a time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage.transform import resize

from inference.pipeline.nnunet_resample import (
    find_nearest,
    find_thick_axis,
    find_working_shape,
    resample_image,
    resample_labels,
)

SHAPES = [
    ((9, 20, 31), (12, 17, 50)),
    ((5, 6, 7), (9, 3, 13)),
    ((1, 30, 40), (1, 33, 31)),
    ((70, 8, 9), (140, 8, 9)),
    ((200, 3, 4), (67, 6, 2)),
]


def smooth(shape: tuple[int, int, int], seed: int = 1) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=shape)
    return gaussian_filter(values, 0.8).astype(np.float32) * 100


@pytest.mark.parametrize(("shape", "wanted"), SHAPES)
@pytest.mark.parametrize("order", [1, 3])
def test_a_volume_is_resampled_as_by_scikit_image(
    shape: tuple[int, int, int], wanted: tuple[int, int, int], order: int
) -> None:
    image = smooth(shape)
    expected = resize(image.astype(float), wanted, order, mode="edge", anti_aliasing=False)
    found = resample_image(image, wanted, (order, 0, None), None)
    assert np.abs(found - expected).max() < 2e-6 * np.ptp(image)


@pytest.mark.parametrize("thick", [0, 1, 2])
@pytest.mark.parametrize("order_across", [0, 1])
def test_thick_slices_are_resampled_one_by_one(thick: int, order_across: int) -> None:
    image = np.moveaxis(smooth((7, 20, 24)), 0, thick)
    wanted = [30, 17]
    wanted.insert(thick, 11)
    slices = [
        resize(plane.astype(float), [30, 17], 3, mode="edge", anti_aliasing=False)
        for plane in np.moveaxis(image, thick, 0)
    ]
    across = 7 / 11 * (np.arange(11) + 0.5) - 0.5
    places = np.meshgrid(across, np.arange(30), np.arange(17), indexing="ij")
    expected = np.moveaxis(
        map_coordinates(np.stack(slices), places, order=order_across, mode="nearest", prefilter=False), 0, thick
    )
    found = resample_image(image, (wanted[0], wanted[1], wanted[2]), (3, order_across, None), thick)
    assert np.abs(found - expected).max() < 2e-6 * np.ptp(image)


def test_labels_go_to_the_one_with_the_largest_share_and_ties_to_the_nearest() -> None:
    labels = np.array([[[0, 0, 2, 2, 5, 5, 5]]], np.int16)
    # twice as fine: each voxel is three quarters of its own label; half as fine, the last one halfway between two
    assert resample_labels(labels, (1, 1, 14), None).tolist() == [[[0, 0, 0, 0, 2, 2, 2, 2, 5, 5, 5, 5, 5, 5]]]
    halves = np.array([[[0, 1, 3, 2]]], np.int16)
    assert resample_labels(halves, (1, 1, 2), None).tolist() == [[[1, 2]]]  # halfway, the later voxel is the nearest


def test_halfway_between_two_voxels_the_later_one_is_nearest() -> None:
    assert find_nearest(4, 2).tolist() == [1, 3]
    assert find_nearest(2, 4).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("spacing", "target", "forced", "expected"),
    [
        ((5.0, 1.0, 1.0), (1.0, 1.0, 1.0), None, 0),
        ((1.0, 1.0, 1.0), (1.0, 4.0, 1.0), None, 1),
        ((3.0, 1.0, 1.0), (1.0, 1.0, 1.0), None, None),
        ((0.2, 1.0, 1.0), (0.2, 1.0, 1.0), None, None),
        ((5.0, 1.0, 1.0), (1.0, 1.0, 1.0), False, None),
        ((1.0, 1.0, 2.0), (1.0, 1.0, 1.0), True, 2),
    ],
)
def test_an_axis_is_thick_from_three_times_the_finest_on(
    spacing: tuple[float, ...], target: tuple[float, ...], forced: bool | None, expected: int | None
) -> None:
    assert find_thick_axis((3, 0, forced), spacing, target) == expected


def test_a_grid_covers_the_same_extent() -> None:
    assert find_working_shape((10, 100, 100), (5.0, 0.5, 0.5), (2.5, 1.0, 1.0)) == (20, 50, 50)
