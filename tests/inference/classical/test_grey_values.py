from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.classical.clustering import find_borders, find_cluster_centres
from inference.classical.grey_values import (
    FlatImageError,
    UnusableGreyValuesError,
    find_body,
    find_body_threshold,
    find_otsu_threshold,
    require_finite,
    sample_grey_values,
)


def test_otsu_separates_two_levels() -> None:
    values = np.repeat(np.array([10, 200], np.float32), (3000, 1000))
    assert 50 < find_otsu_threshold(values) < 160


def test_otsu_is_not_moved_by_hot_pixels() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(100, 10, 50_000), rng.normal(300, 10, 50_000)]).astype(np.float32)
    with_hot = np.concatenate([values, np.full(200, 1e6, np.float32)])
    assert find_otsu_threshold(with_hot) == pytest.approx(find_otsu_threshold(values), abs=10)
    assert 150 < find_otsu_threshold(values) < 250


@settings(max_examples=25, deadline=None)
@given(st.floats(0.1, 50), st.floats(-500, 500))
def test_otsu_follows_scale_and_offset(scale: float, offset: float) -> None:
    rng = np.random.default_rng(4)
    values = np.concatenate([rng.normal(0, 5, 4000), rng.normal(100, 9, 2000)]).astype(np.float32)
    moved = find_otsu_threshold((values * scale + offset).astype(np.float32))
    labels = values > find_otsu_threshold(values)
    assert ((values * scale + offset > moved) == labels).mean() > 0.998


def test_a_flat_image_is_refused_in_words() -> None:
    with pytest.raises(FlatImageError, match="same value") as caught:
        find_otsu_threshold(np.full(100, 7, np.float32))
    assert caught.value.code == "volume.flat"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_numbers_are_refused_with_their_place(bad: float) -> None:
    voxels = np.zeros((4, 5, 6), np.float32)
    voxels[2, 1, :3] = bad
    with pytest.raises(UnusableGreyValuesError, match=r"3 voxels.*slice 3") as caught:
        require_finite(voxels)
    assert caught.value.details == {"voxel_count": 3, "first_slice": 2}
    require_finite(np.zeros((2, 2, 2), np.int16))


def test_sampling_sees_every_column() -> None:
    voxels = np.broadcast_to(np.arange(512, dtype=np.int16), (10, 512, 512))
    sample = sample_grey_values(voxels)
    assert sample.size <= 1_000_000
    assert len(np.unique(sample)) == 512


def test_body_keeps_what_it_encloses_and_leaves_air() -> None:
    rng = np.random.default_rng(2)
    row, column = np.ogrid[:64, :64]
    body = (row - 32) ** 2 + (column - 32) ** 2 <= 24**2
    lung = (row - 32) ** 2 + (column - 32) ** 2 <= 8**2
    planes = (np.where(body & ~lung, 500, 0) + rng.normal(0, 10, (3, 64, 64))).astype(np.float32)
    found = find_body(planes, find_body_threshold(sample_grey_values(planes)))
    assert (found == body).mean() > 0.995
    assert found[:, lung].all()


def test_clusters_are_found_sorted_and_always_the_same() -> None:
    rng = np.random.default_rng(3)
    levels = (50.0, 400.0, 900.0, 1500.0)
    values = np.concatenate([rng.normal(level, 20, 5000) for level in levels]).astype(np.float32)
    centres = find_cluster_centres(rng.permutation(values), 4)
    np.testing.assert_allclose(centres, levels, atol=3)
    np.testing.assert_array_equal(centres, find_cluster_centres(values, 4))
    np.testing.assert_allclose(find_borders(centres), (225, 650, 1200), atol=5)


def test_fewer_values_than_classes_give_fewer_classes() -> None:
    assert find_cluster_centres(np.array([1, 1, 2, 2], np.float32), 5).tolist() == [1.0, 2.0]
    assert find_cluster_centres(np.full(9, 7, np.float32), 3).tolist() == [7.0]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-1000, 3000), min_size=2, max_size=200), st.integers(2, 8))
def test_any_sample_gives_ascending_centres_within_it(values: list[int], classes: int) -> None:
    sample = np.array([*values, min(values) - 1], np.float32)
    centres = find_cluster_centres(sample, classes)
    assert 1 <= centres.size <= classes
    assert (np.diff(centres) > 0).all()
    assert sample.min() <= centres[0]
    assert centres[-1] <= sample.max()
