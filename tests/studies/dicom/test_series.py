"""The verdict on a series' geometry: what it is, the numbers in its words, and the order of frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.dicom.folder import FoundSeries, read_folder
from studies.dicom.frames import FrameHeader
from studies.dicom.image_header import ImageHeader
from studies.dicom.series import SeriesImage, SeriesVerdict, judge_series
from studies.dicom.structure import PixelSpan
from studies.models import GeometryVerdict
from tests.phantoms import (
    SeriesSpec,
    oblique,
    tilted_gantry,
    write_cine,
    write_enhanced,
    write_projection,
    write_series,
)


def _judge(folder, spec: SeriesSpec) -> FoundSeries:
    write_series(folder, spec)
    [series] = read_folder(folder).series
    return series


def _image(position, number, orientation=(1, 0, 0, 0, 1, 0), spacing=(0.5, 0.5), rows=8) -> SeriesImage:
    frame = FrameHeader(position_mm=tuple(position), orientation=tuple(orientation), pixel_spacing_mm=spacing)
    header = ImageHeader(
        rows=rows,
        columns=8,
        number_of_frames=1,
        samples_per_pixel=1,
        photometric_interpretation="MONOCHROME2",
        planar_configuration=0,
        bits_allocated=16,
        bits_stored=16,
        high_bit=15,
        pixel_representation=1,
        pixels=PixelSpan(0x7FE00010, 0, 128, False),
        needs_dataset=False,
        spacing_source="image",
        unit="",
        padding_value=None,
        frames=(frame,),
    )
    return SeriesImage(number, f"1.2.{number}", header)


def test_the_records_know_the_same_verdicts():
    assert {verdict.value for verdict in SeriesVerdict} == set(GeometryVerdict.values)


@pytest.mark.parametrize("turn", [lambda spec: spec, oblique], ids=["axial", "oblique"])
def test_regular(tmp_path, turn):
    spec = turn(SeriesSpec(shape=(9, 8, 10)))
    series = _judge(tmp_path, spec)
    assert series.geometry.verdict is SeriesVerdict.REGULAR
    assert series.geometry.spacing_mm == pytest.approx((2.5, 0.8, 0.7), abs=1e-6)
    np.testing.assert_allclose(
        series.geometry.geometry.index_to_patient_mm, spec.index_to_patient_mm, rtol=0, atol=1e-5
    )
    assert series.geometry.explanation == "9 slices, 2.50 mm apart, pixels of 0.8 x 0.7 mm."


@pytest.mark.parametrize("turn", [lambda spec: spec, oblique], ids=["axial", "oblique"])
def test_simpleitk_puts_the_volume_in_the_same_place(tmp_path, turn):
    spec = turn(SeriesSpec(shape=(9, 8, 10)))
    place = _judge(tmp_path, spec).geometry.geometry
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path)))
    image = reader.Execute()
    for index in [(0, 0, 0), (8, 7, 9), (3, 0, 5)]:
        theirs = image.TransformIndexToPhysicalPoint([int(i) for i in reversed(index)])
        np.testing.assert_allclose((place.index_to_patient_mm @ [*index, 1])[:3], theirs, atol=1e-4)


def test_slices_follow_the_normal_whatever_the_order_of_files_and_numbers(tmp_path):
    spec = SeriesSpec(shape=(6, 8, 8), slice_direction=(0.0, 0.0, -1.0))  # numbered from head to feet
    series = _judge(tmp_path, spec)
    numbers = [series.instances[ref.image_index].header.instance_number for ref in series.geometry.order]
    assert numbers == [6, 5, 4, 3, 2, 1]
    assert series.geometry.geometry.origin_mm == pytest.approx((-14.0, -12.8, 30.0 - 5 * 2.5))


def test_gaps_name_how_many_slices_are_missing_and_where(tmp_path):
    spec = SeriesSpec(shape=(10, 8, 8), spacing_mm=(3.0, 1, 1), origin_mm=(0, 0, 31.5), missing=frozenset({2, 3, 7}))
    series = _judge(tmp_path, spec)
    assert series.geometry.verdict is SeriesVerdict.GAPS
    assert series.geometry.explanation == (
        "3 slices are missing between 34.5 mm and 43.5 mm, between 49.5 mm and 55.5 mm. "
        "It is shown as a stack; volumes cannot be measured."
    )
    assert series.geometry.spacing_mm[0] == pytest.approx(3.0)
    assert series.geometry.geometry is None
    assert len(series.geometry.order) == 7


def test_repeated_positions_are_duplicates_and_nothing_is_dropped(tmp_path):
    series = _judge(tmp_path, SeriesSpec(shape=(6, 8, 8), origin_mm=(0, 0, 10.0), repeated=frozenset({1, 4})))
    assert series.geometry.verdict is SeriesVerdict.DUPLICATES
    assert "4 images share 2 positions (at 12.5, 20.0 mm)" in series.geometry.explanation
    assert len(series.geometry.order) == 8


def test_several_times_in_one_series_are_said_to_be_that(tmp_path):
    series = _judge(tmp_path, SeriesSpec(shape=(4, 8, 8), repeated=frozenset(range(4))))
    assert series.geometry.verdict is SeriesVerdict.DUPLICATES
    assert series.geometry.explanation.startswith("Each of 4 positions holds 2 images")


def test_images_of_two_sizes(tmp_path):
    series = _judge(tmp_path, SeriesSpec(shape=(5, 8, 8), sizes={3: (6, 7)}))
    assert series.geometry.verdict is SeriesVerdict.MIXED_SIZE
    assert "4 of 8 x 8, 1 of 6 x 7 pixels" in series.geometry.explanation
    assert series.geometry.nominal_geometry is None


def test_a_tilted_gantry_names_its_angle_and_knows_the_sheared_grid(tmp_path):
    spec = tilted_gantry(SeriesSpec(shape=(8, 8, 8)), degrees=15.0)
    series = _judge(tmp_path, spec)
    assert series.geometry.verdict is SeriesVerdict.GANTRY_TILT
    assert "15.0 degrees" in series.geometry.explanation
    assert series.geometry.spacing_mm[0] == pytest.approx(2.5 * np.cos(np.radians(15.0)))
    grid = series.geometry.nominal_geometry
    np.testing.assert_allclose(grid.index_to_patient_mm, spec.index_to_patient_mm, atol=1e-5)
    assert grid.voxel_volume_ml == pytest.approx(2.5 * 0.8 * 0.7 * np.cos(np.radians(15.0)) / 1000)


def test_a_cine_has_no_positions(tmp_path):
    write_cine(tmp_path / "c.dcm", np.zeros((5, 8, 8, 3), np.uint8))
    [series] = read_folder(tmp_path).series
    assert series.geometry.verdict is SeriesVerdict.NO_POSITIONS
    assert series.geometry.explanation.startswith("5 frames of a cine")
    assert [ref.frame_index for ref in series.geometry.order] == [0, 1, 2, 3, 4]


def test_a_projection_is_a_single_slice(tmp_path):
    write_projection(tmp_path / "x.dcm", np.zeros((8, 9), np.uint16))
    [series] = read_folder(tmp_path).series
    assert series.geometry.verdict is SeriesVerdict.SINGLE_SLICE
    assert series.geometry.explanation == "One image, pixels of 0.143 x 0.143 mm."


def test_an_enhanced_object_is_judged_by_its_frames(tmp_path):
    spec = SeriesSpec(name="e", modality="MR", shape=(5, 8, 8), intercept=0.0)
    write_enhanced(tmp_path / "e.dcm", spec, order=[3, 0, 4, 1, 2])
    [series] = read_folder(tmp_path).series
    assert series.geometry.verdict is SeriesVerdict.REGULAR
    assert [ref.frame_index for ref in series.geometry.order] == [1, 3, 4, 0, 2]


def test_localisers_lie_in_several_directions():
    planes = [(1, 0, 0, 0, 1, 0), (1, 0, 0, 0, 0, -1), (0, 1, 0, 0, 0, -1)]
    judged = judge_series([_image((0, 0, n), n, orientation) for n, orientation in enumerate(planes)])
    assert judged.verdict is SeriesVerdict.MIXED_ORIENTATION
    assert "3 different directions" in judged.explanation


def test_varying_spacing_names_its_range():
    judged = judge_series([_image((0, 0, z), n) for n, z in enumerate((0.0, 2.0, 4.6, 6.0, 9.1))])
    assert judged.verdict is SeriesVerdict.VARYING_SPACING
    assert "from 1.40 to 3.10 mm" in judged.explanation


def test_a_slice_out_of_line_is_seen():
    shifts = (0.0, 0.0, 3.0, 0.0, 0.0)
    judged = judge_series([_image((x, 0, 2.0 * n), n) for n, x in enumerate(shifts)])
    assert judged.verdict is SeriesVerdict.VARYING_SPACING
    assert "sideways by up to 3.0 mm" in judged.explanation


def test_slow_drift_of_the_spacing_is_not_taken_for_regular():
    positions = np.cumsum([0.0] + [1.0 + 0.002 * n for n in range(40)])  # every gap within 5 % of its neighbours
    judged = judge_series([_image((0, 0, z), n) for n, z in enumerate(positions)])
    assert judged.verdict is SeriesVerdict.VARYING_SPACING


def test_positions_rounded_by_the_scanner_are_regular():
    positions = np.round(np.arange(200) * 0.6249, 2)
    judged = judge_series([_image((0, 0, z), n) for n, z in enumerate(positions)])
    assert judged.verdict is SeriesVerdict.REGULAR
    assert judged.spacing_mm[0] == pytest.approx(0.6249, abs=1e-4)


def test_different_pixel_sizes_are_different_sizes():
    judged = judge_series([_image((0, 0, n), n, spacing=(0.5, 0.5) if n else (0.7, 0.7)) for n in range(3)])
    assert judged.verdict is SeriesVerdict.MIXED_SIZE
    assert "from 0.5 to 0.7 mm" in judged.explanation


def test_objects_that_are_not_images_are_said_to_be_that():
    judged = judge_series([SeriesImage(1, "1.2", None)])
    assert judged.verdict is SeriesVerdict.NOT_IMAGES
    assert judged.order == ()


@settings(deadline=None, max_examples=60)
@given(
    count=st.integers(2, 30),
    step=st.floats(0.3, 12),
    angles=st.tuples(*[st.floats(-3, 3)] * 2),
    order=st.randoms(use_true_random=False),
)
def test_a_regular_stack_is_regular_in_any_direction_and_file_order(count, step, angles, order):
    (ca, cb), (sa, sb) = np.cos(angles), np.sin(angles)
    row, column = np.array([ca, sa, 0.0]), np.array([-sa * cb, ca * cb, sb])
    normal = np.cross(row, column)
    images = [_image(normal * step * n + (5, -7, 11), n, (*row, *column)) for n in range(count)]
    order.shuffle(images)
    judged = judge_series(images)
    assert judged.verdict is SeriesVerdict.REGULAR
    assert judged.spacing_mm[0] == pytest.approx(step, rel=1e-6)
    assert [images[ref.image_index].instance_number for ref in judged.order] == list(range(count))
    np.testing.assert_allclose(judged.geometry.origin_mm, (5, -7, 11), atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(data=st.data(), count=st.integers(5, 25), step=st.floats(0.5, 8))
def test_any_hole_is_a_gap_and_never_a_volume(data, count, step):
    missing = data.draw(st.integers(2, count - 3))
    images = [_image((0, 0, step * n), n) for n in range(count) if n != missing]
    judged = judge_series(images)
    assert judged.verdict is SeriesVerdict.GAPS
    assert judged.explanation.startswith("1 slice is missing")
    assert len(judged.order) == count - 1


@pytest.mark.real_data
def test_real_series_are_judged_as_they_are(shared_data):
    found = {
        folder: read_folder(shared_data / folder).series[0].geometry
        for folder in ("mr_vs_seg_001/dicom", "ct_torso_dicom", "dicom_transfer_syntaxes")
    }
    assert found["mr_vs_seg_001/dicom"].verdict is SeriesVerdict.REGULAR
    assert found["mr_vs_seg_001/dicom"].spacing_mm == pytest.approx((1.5, 0.41015625, 0.41015625), abs=1e-5)
    assert found["ct_torso_dicom"].verdict is SeriesVerdict.REGULAR
    assert found["ct_torso_dicom"].spacing_mm == pytest.approx((2.0, 0.9765625, 0.9765625), abs=1e-5)
    assert found["dicom_transfer_syntaxes"].verdict is SeriesVerdict.DUPLICATES


def test_a_series_with_every_second_slice_missing_is_regular_at_twice_the_distance(tmp_path):
    spec = SeriesSpec(shape=(9, 8, 8), missing=frozenset({1, 3, 5, 7}))
    series = _judge(tmp_path, replace(spec, name="half"))
    assert series.geometry.verdict is SeriesVerdict.REGULAR
    assert series.geometry.spacing_mm[0] == pytest.approx(5.0)
