"""From the archive's files to frames, volumes and thumbnails."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from PIL import Image

from studies.dicom.errors import PixelsUndecodableError
from studies.services import decoded_series
from studies.services.decoded_series import SeriesEmptyError
from studies.services.thumbnails import read_thumbnail
from studies.services.volumes import (
    FrameNotFoundError,
    NoColoursError,
    NotAStackError,
    NotAVolumeError,
    describe_frames,
    describe_grid,
    iterate_pixels,
    load_colours,
    load_stack,
    load_volume,
    prepare_series,
    read_frame,
)
from studies.storage import blob_store
from tests.archives import archive_series
from tests.phantoms import (
    SeriesSpec,
    oblique,
    sphere,
    sphere_volume_ml,
    tilted_gantry,
    write_cine,
    write_enhanced,
    write_pet,
    write_projection,
    write_series,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, settings) -> None:
    settings.SEGWEB_DATA_DIR = tmp_path / "data"


def test_a_regular_series_is_a_volume_of_modality_values_in_its_place(tmp_path):
    spec = oblique(SeriesSpec(shape=(9, 20, 24)))
    series = archive_series(list(reversed(write_series(tmp_path / "dicom", spec))))
    volume = load_volume(series)
    np.testing.assert_array_equal(volume.voxels, spec.modality_values())
    assert volume.voxels.dtype == np.int16
    assert volume.modality == "CT"
    np.testing.assert_allclose(volume.geometry.index_to_patient_mm, spec.index_to_patient_mm, atol=1e-4)


def test_a_ball_has_the_volume_of_a_ball(tmp_path):
    spec = SeriesSpec(shape=(40, 60, 60), spacing_mm=(1.0, 0.5, 0.5))
    ball = np.where(sphere(spec, radius_mm=12.0), 60, -100)
    volume = load_volume(archive_series(write_series(tmp_path / "dicom", replace(spec, voxels=ball))))
    measured = np.count_nonzero(volume.voxels == 60) * volume.geometry.voxel_volume_ml
    assert measured == pytest.approx(sphere_volume_ml(12.0), rel=0.01)


def test_frames_tell_where_their_bytes_lie(tmp_path):
    spec = SeriesSpec(shape=(5, 16, 20))
    series = archive_series(write_series(tmp_path / "dicom", spec))
    frames = describe_frames(series)
    everything = b"".join(iterate_pixels(series))
    assert frames.is_volume
    assert (frames.dtype, frames.unit, frames.total_bytes) == ("int16", "HU", len(everything))
    assert (frames.minimum, frames.maximum) == (spec.modality_values().min(), spec.modality_values().max())
    for frame in frames.frames:
        part = everything[frame.byte_offset : frame.byte_offset + frame.byte_length]
        assert read_frame(series, frame.index) == part
        expected = spec.modality_values()[frame.index].astype("<i2")
        np.testing.assert_array_equal(np.frombuffer(part, "<i2").reshape(frame.rows, frame.columns), expected)
        expected_place = spec.index_to_patient_mm @ [frame.index, 0, 0, 1]
        np.testing.assert_allclose(frame.image_position_mm, expected_place[:3], atol=1e-6)
    assert [preset.name for preset in frames.window_presets][:2] == ["Abdomen", "Lung"]
    with pytest.raises(FrameNotFoundError):
        read_frame(series, 5)


def test_pet_slices_are_scaled_by_their_own_slope(tmp_path):
    spec = SeriesSpec(name="pet", modality="PT", shape=(4, 8, 8), intercept=0.0, voxels=np.full((4, 8, 8), 5000.0))
    series = archive_series(write_pet(tmp_path / "dicom", spec, lambda index: 0.25 + index))
    frames, voxels = describe_frames(series), load_volume(series).voxels
    assert (frames.dtype, frames.unit) == ("float32", "Bq/ml")
    for index, plane in enumerate(voxels):  # stored as whole multiples of the slope, so off by half of it at most
        assert np.abs(plane - 5000.0).max() <= (0.25 + index) / 2


@pytest.mark.parametrize(
    ("change", "is_sheared"),
    [({"missing": frozenset({3})}, False), ({"repeated": frozenset({2})}, False), ({"tilt": 12.0}, True)],
    ids=["gap", "repeated", "tilt"],
)
def test_what_is_no_volume_is_a_stack(tmp_path, change, is_sheared):
    base = SeriesSpec(shape=(7, 16, 16))
    spec = tilted_gantry(base, change["tilt"]) if "tilt" in change else replace(base, **change)
    paths = write_series(tmp_path / "dicom", spec)
    series = archive_series(paths)
    with pytest.raises(NotAVolumeError, match=r"stack") as refusal:
        load_volume(series)
    assert refusal.value.code == "series.not_a_volume"
    stack = load_stack(series)
    assert stack.voxels.shape == (len(paths), 16, 16) == describe_grid(series).shape
    frames = describe_frames(series)
    assert not frames.is_volume
    assert frames.geometry is None
    if is_sheared:
        np.testing.assert_allclose(stack.geometry.index_to_patient_mm, spec.index_to_patient_mm, atol=1e-4)


def test_images_of_two_sizes_are_shown_and_not_stacked(tmp_path):
    spec = SeriesSpec(shape=(4, 16, 16), sizes={2: (10, 12)})
    series = archive_series(write_series(tmp_path / "dicom", spec))
    assert [(f.rows, f.columns) for f in describe_frames(series).frames] == [(16, 16), (16, 16), (10, 12), (16, 16)]
    assert len(read_frame(series, 2)) == 10 * 12 * 2
    with pytest.raises(NotAStackError):
        load_stack(series)


def test_colour_stays_colour_and_is_grey_for_methods(tmp_path):
    colours = np.zeros((3, 6, 8, 3), np.uint8)
    colours[..., 0], colours[1, ..., 1], colours[2, ..., 2] = 200, 100, 50
    series = archive_series([write_cine(tmp_path / "cine.dcm", colours)])
    frames = describe_frames(series)
    assert (frames.photometric_interpretation, frames.samples_per_pixel, frames.dtype) == ("RGB", 3, "uint8")
    assert b"".join(iterate_pixels(series)) == colours.tobytes()
    assert frames.frames[0].frame_time_ms == pytest.approx(33.3)
    assert frames.frames[0].pixel_spacing_mm == pytest.approx((0.2, 0.2))
    grey = load_stack(series).voxels
    assert [int(plane[0, 0]) for plane in grey] == [round(0.299 * 200), round(59.8 + 58.7), round(59.8 + 5.7)]
    for number, plane in enumerate(load_colours(series)):
        np.testing.assert_array_equal(plane, colours[..., number])


def test_grey_images_have_no_colours(tmp_path):
    series = archive_series(write_series(tmp_path / "dicom", SeriesSpec(shape=(3, 16, 16))))
    with pytest.raises(NoColoursError) as refusal:
        load_colours(series)
    assert refusal.value.code == "series.no_colours"


def test_an_x_ray_keeps_its_photometric_interpretation(tmp_path):
    pixels = np.arange(30 * 40, dtype=np.uint16).reshape(30, 40)
    series = archive_series([write_projection(tmp_path / "x.dcm", pixels)])
    frames = describe_frames(series)
    assert frames.photometric_interpretation == "MONOCHROME1"
    assert frames.frames[0].pixel_spacing_mm == pytest.approx((0.143, 0.143))
    assert frames.window_presets[0].width == 4096
    np.testing.assert_array_equal(np.frombuffer(read_frame(series, 0), frames.dtype).reshape(30, 40), pixels)


def test_values_beyond_int16_are_kept_exactly(tmp_path):
    pixels = np.array([[0, 65535], [40000, 7]], np.uint16)
    path = write_projection(tmp_path / "x.dcm", pixels)
    import pydicom

    dataset = pydicom.dcmread(path)
    dataset.BitsStored, dataset.HighBit = 16, 15
    dataset.save_as(path)
    series = archive_series([path])
    assert describe_frames(series).dtype == "uint16"
    assert np.frombuffer(read_frame(series, 0), "<u2").tolist() == pixels.reshape(-1).tolist()


def test_an_enhanced_object_is_a_volume_in_any_frame_order(tmp_path):
    spec = SeriesSpec(name="enhanced", modality="MR", shape=(6, 12, 10), intercept=0.0)
    series = archive_series([write_enhanced(tmp_path / "e.dcm", spec, order=[4, 2, 0, 5, 1, 3])])
    volume = load_volume(series)
    np.testing.assert_array_equal(volume.voxels, spec.modality_values())
    np.testing.assert_allclose(volume.geometry.index_to_patient_mm, spec.index_to_patient_mm, atol=1e-4)
    assert [frame.frame_number for frame in describe_frames(series).frames] == [3, 5, 2, 6, 1, 4]


def test_decoding_happens_once_and_can_be_forgotten(tmp_path, monkeypatch):
    series = archive_series(write_series(tmp_path / "dicom", SeriesSpec(shape=(3, 8, 8))))
    prepare_series(series.pk, contents_digest=series.contents_digest)
    first = b"".join(iterate_pixels(series))
    with monkeypatch.context() as patched:
        patched.setattr(decoded_series, "PixelReader", None)  # decoding again would fail
        assert b"".join(iterate_pixels(series)) == first
    shutil.rmtree(tmp_path / "data" / "derived")
    assert b"".join(iterate_pixels(series)) == first


def test_a_series_that_has_grown_since_is_left_to_the_next_preparation(tmp_path):
    series = archive_series(write_series(tmp_path / "dicom", SeriesSpec(shape=(3, 8, 8))))
    prepare_series(series.pk, contents_digest="0" * 64)
    assert list((tmp_path / "data").rglob("*.raw")) == []
    prepare_series(series.pk, contents_digest=series.contents_digest)
    assert len(list((tmp_path / "data").rglob("*.raw"))) == 1


def test_a_cut_derived_file_is_made_again(tmp_path):
    series = archive_series(write_series(tmp_path / "dicom", SeriesSpec(shape=(3, 8, 8))))
    first = b"".join(iterate_pixels(series))
    [values] = (tmp_path / "data" / "derived").rglob("*.raw")
    os.truncate(values, 100)
    assert b"".join(iterate_pixels(series)) == first


def test_a_damaged_archive_file_is_an_error_with_a_code_and_leaves_nothing(tmp_path):
    series = archive_series(write_series(tmp_path / "dicom", SeriesSpec(shape=(3, 8, 8))))
    stored = blob_store().path(series.instances.all()[1].blob_id)
    stored.chmod(0o644)
    os.truncate(stored, 200)
    with pytest.raises(PixelsUndecodableError):
        describe_frames(series)
    assert list((tmp_path / "data" / "derived").rglob("*.*")) == []


def test_a_series_without_images_says_so(tmp_path):
    series = archive_series(write_series(tmp_path / "dicom", SeriesSpec(shape=(1, 8, 8))))
    series.instances.update(image_header={})
    series.contents_digest = "0" * 64
    with pytest.raises(SeriesEmptyError):
        describe_frames(series)
    with pytest.raises(SeriesEmptyError):
        read_thumbnail(series)


def test_a_thumbnail_is_a_small_picture_in_true_proportions(tmp_path):
    spec = SeriesSpec(shape=(3, 40, 20), spacing_mm=(2.0, 1.0, 4.0), modality="MR", intercept=0.0)
    values = np.zeros(spec.shape)
    values[1, :, 10:] = 500
    series = archive_series(write_series(tmp_path / "dicom", replace(spec, voxels=values)))
    picture = Image.open(BytesIO(read_thumbnail(series)))
    assert picture.format == "PNG"
    assert picture.size == (256, 128)  # 80 mm x 40 mm
    assert picture.getpixel((20, 64)) < 20
    assert picture.getpixel((230, 64)) > 235


@pytest.mark.real_data
@pytest.mark.parametrize("folder", ["mr_vs_seg_001/dicom"])
def test_a_real_series_lies_where_simpleitk_says(shared_data, folder):
    paths = sorted((shared_data / folder).glob("*.dcm"))
    volume = load_volume(archive_series(paths))
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(shared_data / folder)))
    image = reader.Execute()
    np.testing.assert_array_equal(volume.voxels, SimpleITK.GetArrayFromImage(image))
    for index in [(0, 0, 0), (59, 511, 511), (13, 200, 77)]:
        ours = volume.geometry.index_to_patient_mm @ [*index, 1]
        theirs = image.TransformContinuousIndexToPhysicalPoint([float(i) for i in reversed(index)])
        np.testing.assert_allclose(ours[:3], theirs, atol=1e-3)
