"""Lesions measured: against every pair of corners, against geometry, and against shifting the grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from studies.imaging.volume import Volume
from studies.label_maps.label_map import LabelMap
from studies.tracking.components import find_lesions
from studies.tracking.diameters import measure_in_plane, measure_through_space
from studies.tracking.intervals import Interval, Quantity, find_slice_factor, sum_dual_grid
from studies.tracking.measurement import Caution, LesionMeasurement, measure_lesions
from studies.tracking.planes import PlaneName, find_plane
from tests.phantoms import SeriesSpec, oblique, sphere, tilted_gantry
from tests.studies.tracking.bodies import corners_of, draw_body, grid, leaning, longest_pair_mm

OBLIQUE = tuple(np.linalg.qr(np.array([[0.3, 0.2, 1.0], [-0.1, 1.0, 0.2], [1.0, 0.1, -0.3]]))[0].reshape(-1))
IN_PLANE_SHEAR = (0.0, 0.0, 1.0, 0.0, 0.96, 0.0, 1.0, 0.28, 0.0)
masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=3, max_dims=3, max_side=6), fill=st.just(False)).filter(np.any)
grids = st.tuples(
    st.sampled_from([(1.0, 1.0, 1.0), (5.0, 0.7, 0.7), (0.8, 1.5, 0.6), (2.0, 0.5, 1.25)]),
    st.sampled_from([leaning(0.0), leaning(20.0), OBLIQUE, IN_PLANE_SHEAR]),
)


def only(label_map: LabelMap, **options) -> LesionMeasurement:
    (found,) = measure_lesions(label_map, **options)
    return found


@settings(deadline=None)
@given(masks, grids)
def test_diameters_are_those_of_every_pair_of_corners(mask, laid):
    geometry = grid(mask.shape, *laid)
    for lesion in find_lesions(LabelMap(mask.astype(np.uint8), geometry)):
        voxels = lesion.voxel_indices()
        in_slices = [
            longest_pair_mm(corners_of(voxels[voxels[:, 0] == index], geometry, in_slice=True))
            for index in np.unique(voxels[:, 0])
        ]
        flat, through = measure_in_plane(lesion, geometry), measure_through_space(lesion, geometry)
        assert flat.longest.length_mm == pytest.approx(max(in_slices), rel=1e-9)
        assert in_slices[flat.slice_index - voxels[:, 0].min()] == pytest.approx(max(in_slices), rel=1e-9)
        assert through.length_mm == pytest.approx(longest_pair_mm(corners_of(voxels, geometry, False)), rel=1e-9)


@settings(deadline=None, max_examples=60)
@given(masks, grids)
def test_end_points_lie_where_they_say(mask, laid):
    geometry = grid(mask.shape, *laid, origin_mm=(5.0, -7.0, 11.0))
    affine = geometry.index_to_patient_mm
    for lesion in find_lesions(LabelMap(mask.astype(np.uint8), geometry)):
        flat, through = measure_in_plane(lesion, geometry), measure_through_space(lesion, geometry)
        for diameter in (flat.longest, flat.perpendicular, through):
            first, second = np.asarray(diameter.ends_mm)
            assert np.linalg.norm(second - first) == pytest.approx(diameter.length_mm, rel=1e-9)
            np.testing.assert_allclose(
                np.asarray(diameter.ends_index) @ affine[:3, :3].T + affine[:3, 3], diameter.ends_mm, atol=1e-9
            )
        along, across = (np.subtract(*each.ends_mm) for each in (flat.longest, flat.perpendicular))
        assert np.dot(along, across) == pytest.approx(0.0, abs=1e-7)
        assert {end[0] for each in (flat.longest, flat.perpendicular) for end in each.ends_index} == {flat.slice_index}


@settings(deadline=None, max_examples=60)
@given(masks, grids, st.sampled_from([(0,), (1,), (2,), (0, 1, 2)]))
def test_turning_the_stack_round_changes_no_length(mask, laid, axes):
    spacing_mm, direction = laid
    sign = np.where(np.isin(np.arange(3), axes), -1.0, 1.0)
    turned = (np.reshape(direction, (3, 3)) * sign).reshape(-1)
    before = measure_lesions(LabelMap(mask.astype(np.uint8), grid(mask.shape, spacing_mm, direction)))
    after = measure_lesions(LabelMap(np.flip(mask, axes).astype(np.uint8), grid(mask.shape, spacing_mm, turned)))

    def lengths(found):
        return sorted(
            (m.voxel_count, round(m.longest_diameter.value, 6), round(m.perpendicular_diameter.value, 4)) for m in found
        )

    assert lengths(before) == lengths(after)


def test_one_voxel():
    voxels = np.zeros((3, 4, 5), np.uint8)
    voxels[1, 2, 3] = 1
    found = only(LabelMap(voxels, grid(voxels.shape, (5.0, 3.0, 4.0))))
    assert found.volume.value == pytest.approx(0.06)
    assert found.longest_diameter.value == pytest.approx(5.0)
    assert found.perpendicular_diameter.value == pytest.approx(3 / (4 / 5))  # from edge to edge, 3 mm apart
    assert found.maximum_diameter.value == pytest.approx(np.sqrt(50))
    assert found.product.value == pytest.approx(5 * 3.75)
    assert found.short_axis is found.perpendicular_diameter
    assert found.in_plane.slice_index == 1
    assert found.longest_diameter.interval.high is None
    assert found.cautions == (Caution.FEW_SLICES,)


def test_the_tilt_of_a_gantry_makes_voxels_smaller_and_leaves_diameters():
    spec = tilted_gantry(SeriesSpec(shape=(21, 41, 41), spacing_mm=(2.0, 1.0, 1.0)), 20.0)
    affine = spec.index_to_patient_mm
    geometry = grid(spec.shape, spec.spacing_mm, (affine[:3, :3] / spec.spacing_mm).reshape(-1), tuple(affine[:3, 3]))
    found = only(LabelMap(sphere(spec, 13.0).astype(np.uint8), geometry))
    assert found.volume.value == pytest.approx(4 / 3 * np.pi * 13**3 / 1000, rel=0.01)
    assert found.longest_diameter.interval.holds(26.0)
    assert found.longest_diameter.value == pytest.approx(26.0, abs=1.5)
    assert found.cautions == (Caution.TILTED,)


def test_a_plane_has_the_name_of_the_nearest():
    axial = SeriesSpec(shape=(3, 4, 5))
    sagittal = replace(axial, row_direction=(0.0, 1.0, 0.0), column_direction=(0.0, 0.0, -1.0))
    planes = []
    for spec in (axial, sagittal, oblique(axial, 25.0), oblique(axial, 40.0)):
        planes.append(
            find_plane(
                grid(spec.shape, spec.spacing_mm, (spec.index_to_patient_mm[:3, :3] / spec.spacing_mm).reshape(-1))
            )
        )
    assert [plane.name for plane in planes] == [PlaneName.AXIAL, PlaneName.SAGITTAL, PlaneName.AXIAL, PlaneName.OBLIQUE]
    assert planes[0].degrees_to(planes[1]) == pytest.approx(90.0)
    assert planes[0].degrees_to(planes[2]) == pytest.approx(25.0)


def test_where_a_number_came_from():
    voxels = np.zeros((6, 9, 9), np.uint8)
    voxels[1:5, 0:3, 2:5], voxels[2, 5:8, 2:4], voxels[2, 5:8, 6:8], voxels[3, 5:8, 2:8] = 1, 2, 2, 2
    label_map = LabelMap(voxels, grid(voxels.shape))
    first, second = measure_lesions(label_map)
    assert first.source.revision_digest == label_map.digest
    assert first.source.plane.name is PlaneName.AXIAL
    assert first.cautions == (Caution.CUT_OFF,)
    assert second.cautions == (Caution.FEW_SLICES, Caution.INTERRUPTED)
    assert second.in_plane.part_count == 2


def test_intensities_are_those_of_the_voxels():
    voxels = np.zeros((3, 4, 4), np.uint8)
    voxels[1, 1:3, 1:3] = 1
    values = np.arange(48, dtype=np.int16).reshape(3, 4, 4)
    geometry = grid(voxels.shape)
    found = only(LabelMap(voxels, geometry), image=Volume(values, geometry), unit="HU").intensity
    assert found is not None
    inside = np.array([21, 22, 25, 26])
    assert (found.mean, found.minimum, found.maximum, found.unit) == (inside.mean(), 21, 26, "HU")
    assert found.standard_deviation == pytest.approx(inside.std())
    hollow = values.astype(np.float32)
    hollow[1, 1, 1] = np.nan
    assert only(LabelMap(voxels, geometry), image=Volume(hollow, geometry)).intensity is None
    smaller = Volume(values[:2, :2], grid((2, 2, 4)))
    with pytest.raises(ValueError, match="grid"):
        measure_lesions(LabelMap(voxels, geometry), image=smaller)


def test_the_dual_grid_of_a_cube_is_epsteins_sum():
    assert sum_dual_grid(grid((1, 1, 1), (2.0, 2.0, 2.0))) == pytest.approx(16.532315 * 2**4, rel=2e-3)


@pytest.mark.parametrize(
    ("spacing_mm", "radius_mm", "direction"),
    [
        ((1.0, 1.0, 1.0), 3.0, leaning(0.0)),
        ((1.0, 1.0, 1.0), 7.0, leaning(0.0)),
        ((5.0, 0.7, 0.7), 4.0, leaning(0.0)),
        ((5.0, 0.8, 0.8), 11.0, leaning(0.0)),
        ((2.0, 1.0, 0.5), 6.0, OBLIQUE),
        ((2.0, 1.0, 1.0), 7.0, leaning(20.0)),
    ],
)
def test_intervals_hold_what_the_grid_leaves_open(spacing_mm, radius_mm, direction):
    random, count = np.random.default_rng(11), 80
    held = dict.fromkeys(("volume", "longest", "perpendicular", "product", "maximum", "limits"), 0)
    for _ in range(count):
        body = draw_body(random, spacing_mm, radius_mm, direction)
        found = only(LabelMap(body.label_map.voxels, body.label_map.geometry), revision_digest="given")
        truths = {
            "volume": (found.volume, body.volume_ml),
            "longest": (found.longest_diameter, body.longest_mm),
            "perpendicular": (found.perpendicular_diameter, body.perpendicular_mm),
            "product": (found.product, body.longest_mm * body.perpendicular_mm),
            "maximum": (found.maximum_diameter, body.maximum_mm),
        }
        for name, (quantity, truth) in truths.items():
            held[name] += quantity.interval.holds(truth)
        held["limits"] += all(quantity.limit.holds(truth) for quantity, truth in truths.values())
    shares = {name: number / count for name, number in held.items()}
    assert min(shares.values()) >= 0.95 - 2 * np.sqrt(0.95 * 0.05 / count), shares


def test_intervals_narrow_with_the_grid():
    widths = []
    for spacing in (2.0, 1.0, 0.5):
        body = draw_body(np.random.default_rng(3), (spacing,) * 3, 6.0)
        found: Quantity = only(body.label_map).longest_diameter
        assert found.interval.high is not None
        widths.append(found.interval.high - found.interval.low)
    assert widths[0] > 1.6 * widths[1] > 1.6 * 1.6 * widths[2]


def test_the_longest_section_between_two_slices():
    """Sections of a ball of radius 10 at -2, 2 and 6 mm: the largest, between them, is 20 mm."""
    diameters = [2 * np.sqrt(100 - z**2) for z in (-2.0, 2.0, 6.0)]
    factor = find_slice_factor(diameters[1], (diameters[0], diameters[2]), 3)
    assert factor is not None
    assert factor * diameters[1] == pytest.approx(20.0)
    assert find_slice_factor(10.0, (0.0, 0.0), 2) is None


def test_an_interval_runs_upwards():
    with pytest.raises(ValueError, match="upwards"):
        Interval(2.0, 1.0)
    assert Interval(1.0, None).times(Interval(2.0, 3.0)) == Interval(2.0, None)
    assert Interval(1.0, None).holds(1e9)
