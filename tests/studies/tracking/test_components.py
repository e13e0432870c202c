"""Lesions of a label map, and parting two that touch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from studies.imaging.geometry import VolumeGeometry
from studies.label_maps.label_map import LabelMap
from studies.tracking.components import (
    CutError,
    CutMissesError,
    Lesion,
    cut_by_line,
    cut_by_plane,
    find_crossed,
    find_lesions,
)
from tests.phantoms import SeriesSpec, centre_mm, oblique, sphere, touching_pair

AXIAL = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)


def label_map(voxels: np.ndarray, spacing_mm=(2.0, 1.0, 1.0)) -> LabelMap:
    return LabelMap(voxels, VolumeGeometry(voxels.shape, spacing_mm, (0.0, 0.0, 0.0), AXIAL))


def geometry_of(spec: SeriesSpec) -> VolumeGeometry:
    direction = spec.index_to_patient_mm[:3, :3] / np.asarray(spec.spacing_mm)
    return VolumeGeometry(spec.shape, spec.spacing_mm, spec.origin_mm, tuple(direction.reshape(-1)))


def painted(lesions: tuple[Lesion, ...], shape: tuple[int, ...]) -> np.ndarray:
    """Each voxel's lesion, from 1, and every voxel in one lesion only."""
    image = np.zeros(shape, int)
    for number, lesion in enumerate(lesions, 1):
        assert not image[lesion.box][lesion.mask].any()
        image[lesion.box][lesion.mask] = number
    return image


@settings(deadline=None)
@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.uint16]),
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=7),
        elements=st.integers(0, 3),
        fill=st.nothing(),
    )
)
def test_lesions_are_the_components_of_each_segment(voxels):
    lesions = find_lesions(label_map(voxels))
    image, expected = painted(lesions, voxels.shape), 0
    for segment in (1, 2, 3):
        components, count = ndimage.label(voxels == segment, np.ones((3, 3, 3)))
        for component in range(1, count + 1):
            assert len(np.unique(image[components == component])) == 1
        expected += count
    assert len(lesions) == expected
    np.testing.assert_array_equal(image > 0, voxels > 0)
    for lesion in lesions:
        assert (voxels[lesion.box][lesion.mask] == lesion.segment_number).all()
        assert all(lesion.mask.any(axis=across)[[0, -1]].all() for across in ((1, 2), (0, 2), (0, 1)))


def test_order_is_segment_then_first_voxel():
    voxels = np.zeros((6, 8, 8), np.uint8)
    voxels[5, 0, 0], voxels[0, 5, 5], voxels[0, 0, 7], voxels[3, 3, 3] = 1, 1, 2, 2
    found = find_lesions(label_map(voxels))
    assert [(each.segment_number, each.lesion_number, each.start) for each in found] == [
        (1, 1, (0, 5, 5)),
        (1, 2, (5, 0, 0)),
        (2, 1, (0, 0, 7)),
        (2, 2, (3, 3, 3)),
    ]


def test_specks_can_be_left_out_and_nothing_is_nothing():
    voxels = np.zeros((3, 4, 4), np.uint8)
    assert find_lesions(label_map(voxels)) == ()
    voxels[0, 0, 0] = voxels[2, 2, 1] = voxels[2, 2, 2] = 1
    assert [each.voxel_count for each in find_lesions(label_map(voxels), smallest_voxel_count=2)] == [2]


def test_rows_and_slices_do_not_run_into_each_other():
    voxels = np.zeros((2, 3, 4), np.uint8)
    voxels[0, 0, 3] = voxels[0, 2, 0] = voxels[1, 0, 3] = 1
    assert [each.voxel_count for each in find_lesions(label_map(voxels))] == [2, 1]


def test_the_centroid_lies_in_the_patient():
    spec = oblique(SeriesSpec(shape=(21, 31, 31), spacing_mm=(2.0, 1.0, 1.0)))
    (ball,) = find_lesions(LabelMap(sphere(spec, 9.3).astype(np.uint8), geometry_of(spec)))
    assert ball.centroid_mm(geometry_of(spec)) == pytest.approx(centre_mm(spec), abs=1e-9)


@pytest.fixture
def dumbbell() -> tuple[Lesion, VolumeGeometry, SeriesSpec]:
    """Two balls of radius 8 mm that touch in the middle, one segment."""
    spec = SeriesSpec(shape=(17, 30, 48), spacing_mm=(2.0, 1.0, 1.0))
    voxels = (touching_pair(spec, 8.0) > 0).astype(np.uint8)
    voxels[8, 13:17, 22:26] = 1
    (lesion,) = find_lesions(LabelMap(voxels, geometry_of(spec)))
    return lesion, geometry_of(spec), spec


def test_a_plane_and_a_line_part_two_balls(dumbbell):
    lesion, geometry, spec = dumbbell
    middle = tuple(centre_mm(spec))
    by_plane = cut_by_plane(lesion, geometry, middle, (3.0, 0.0, 0.0))
    ends = tuple(tuple(np.add(middle, (0.0, y, 0.0))) for y in (-20.0, 20.0))
    by_line = cut_by_line(lesion, geometry, ends, (0.0, 0.0, 1.0))
    for halves in (by_plane, by_line):
        assert halves[0].voxel_count == halves[1].voxel_count == lesion.voxel_count / 2
        assert [each.lesion_number for each in halves] == [1, 2]
        together = painted(halves, spec.shape)
        np.testing.assert_array_equal(together[lesion.box] > 0, lesion.mask)
        distance = np.subtract(halves[0].centroid_mm(geometry), halves[1].centroid_mm(geometry))
        assert np.abs(distance) == pytest.approx((16.0, 0.0, 0.0), abs=0.5)


def test_a_line_finds_the_one_lesion_it_runs_through(dumbbell):
    _, geometry, spec = dumbbell
    voxels = np.zeros(spec.shape, np.uint8)
    voxels[8, 10:14, 5:9], voxels[8, 10:14, 20:24], voxels[8, 14, 9] = 1, 1, 1  # the last touches the first's corner
    lesions = find_lesions(LabelMap(voxels, geometry))
    first, second = lesions

    def line(start, end):
        return tuple(tuple((spec.index_to_patient_mm @ [*index, 1.0])[:3]) for index in (start, end))

    assert find_crossed(lesions, geometry, line((8, 2, 6), (8, 20, 6))) is first
    assert find_crossed(lesions, geometry, line((8, 14, 9), (8, 14, 9))) is first
    assert find_crossed(lesions, geometry, line((8, 2, 21.4), (8, 20, 21.4))) is second
    for ends, words in (
        (line((8, 2, 15), (8, 20, 15)), "crosses no lesion"),
        (line((7, 2, 6), (7, 20, 6)), "crosses no lesion"),  # the slice beside it
        (line((8, 12, 0), (8, 12, 40)), "crosses 2 lesions"),
        (line((8, 12, -1e9), (8, 12, 1e9)), "far beyond"),
        (((np.nan, 0.0, 0.0), (1.0, 0.0, 0.0)), "no places"),
    ):
        with pytest.raises(CutMissesError, match=words):
            find_crossed(lesions, geometry, ends)


def test_a_cut_beside_the_lesion_is_refused(dumbbell):
    lesion, geometry, _ = dumbbell
    with pytest.raises(CutError, match="beside"):
        cut_by_plane(lesion, geometry, (500.0, 0.0, 0.0), (1.0, 0.0, 0.0))
    with pytest.raises(CutError, match="no length"):
        cut_by_line(lesion, geometry, ((0.0, 0.0, 0.0), (0.0, 0.0, 5.0)), (0.0, 0.0, 1.0))
