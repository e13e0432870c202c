"""Pictures and volumes as DICOM: what goes in comes out, at the same place, and nothing is made up."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import zlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from studies.dicom.acquisition import read_acquisition
from studies.dicom.header import read_header
from studies.dicom.sequence_words import read_sequence_words
from studies.dicom.series import SeriesImage, SeriesVerdict, judge_series
from studies.dicom.wrap import (
    DetailsMissingError,
    ModalityUnfitError,
    SourceDamagedError,
    SourceTooLargeError,
    StatedDetails,
    WrapContext,
    WrapError,
    encode_object,
)
from studies.dicom.wrap_nifti import ShearedVolumeError, ValuesUnfitError, fit_sixteen_bits, wrap_nifti
from studies.dicom.wrap_picture import wrap_picture

DETAILS = StatedDetails(
    patient_id="P-7", patient_name="Müller^Änne", modality="OP", study_date=date(2026, 5, 4), study_description="Eye"
)
RNG = np.random.default_rng(5)


def context(**changes: object) -> WrapContext:
    return WrapContext(replace(DETAILS, **changes), "team", "a" * 64)


def picture(array: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, kind, **options)
    return stream.getvalue()


def wrapped(content: bytes, **changes: object) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(encode_object(wrap_picture(content, context(**changes)))))


def validate(path: Path) -> None:
    """Hold a file against the Standard with another tool."""
    tool = shutil.which("dciodvfy")
    if tool is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed")
    report = subprocess.run([tool, "-new", str(path)], capture_output=True, text=True, check=False).stderr
    assert [line for line in report.splitlines() if line.startswith("Error")] == []


# --- pictures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("modality", ["OP", "XC"])
def test_colour_stays_colour(modality: str) -> None:
    array = RNG.integers(0, 256, (21, 33, 3), dtype=np.uint8)
    dataset = wrapped(picture(array), modality=modality)
    assert dataset.PhotometricInterpretation == "RGB"
    assert np.array_equal(dataset.pixel_array, array)


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 256), (np.uint16, 65536)])
def test_grey_stays_grey_at_its_depth(dtype: type, top: int) -> None:
    array = RNG.integers(0, top, (17, 9)).astype(dtype)
    dataset = wrapped(picture(array), modality="DX")
    assert dataset.PhotometricInterpretation == "MONOCHROME2"
    assert np.array_equal(dataset.pixel_array, array)


def test_an_xray_saved_in_colour_is_grey_and_a_grey_fundus_stays_rgb() -> None:
    grey = RNG.integers(0, 256, (8, 8, 1), dtype=np.uint8).repeat(3, axis=2)
    assert wrapped(picture(grey), modality="DX").PhotometricInterpretation == "MONOCHROME2"
    assert wrapped(picture(grey), modality="OP").PhotometricInterpretation == "RGB"


def test_exif_turns_the_picture_and_stays_behind() -> None:
    array = np.zeros((4, 8, 3), np.uint8)
    array[0, 0] = 255  # a bright mark top left
    exif = Image.Exif()
    exif[0x0112], exif[0x010E], exif[0x013B] = 6, "Mr Secret", "Dr Secret"  # turn right; description; artist
    content = picture(array, exif=exif)
    dataset = wrapped(content)
    assert (dataset.Rows, dataset.Columns) == (8, 4)
    assert np.argwhere(dataset.pixel_array[..., 0]).tolist() == [[0, 3]]
    assert b"Secret" in content
    assert b"Secret" not in encode_object(wrap_picture(content, context()))


def test_transparency_is_laid_on_black() -> None:
    array = np.full((4, 4, 4), 200, np.uint8)
    array[..., 3] = 255
    array[0, 0, 3] = 0
    pixels = wrapped(picture(array)).pixel_array
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[1, 1].tolist() == [200, 200, 200]


def test_a_palette_is_resolved() -> None:
    array = RNG.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    image = Image.fromarray(array).quantize(16)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    assert np.array_equal(wrapped(stream.getvalue()).pixel_array, np.asarray(image.convert("RGB")))


def test_lossy_compression_is_declared() -> None:
    array = RNG.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    content = picture(array, "JPEG", quality=60)
    dataset = wrapped(content)
    assert dataset.LossyImageCompression == "01"
    assert dataset.LossyImageCompressionMethod == "ISO_10918_1"
    assert float(dataset.LossyImageCompressionRatio) == pytest.approx(array.nbytes / len(content), abs=0.01)
    assert wrapped(picture(array)).LossyImageCompression == "00"


def test_a_picture_cut_short_is_damaged() -> None:
    content = picture(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    for cut in (20, 60, len(content) // 2, len(content) - 30):
        with pytest.raises(SourceDamagedError):
            wrap_picture(content[:cut], context())


def test_a_picture_that_announces_a_huge_size_is_refused_before_it_is_decoded() -> None:
    content = bytearray(picture(np.zeros((8, 8), np.uint8)))
    content[16:24] = (60_000).to_bytes(4, "big") * 2
    header = bytes(content[12:29])
    content[29:33] = zlib.crc32(header).to_bytes(4, "big")
    with pytest.raises(SourceTooLargeError):
        wrap_picture(bytes(content), context())


@pytest.mark.parametrize(
    ("modality", "spacing"), [("OP", None), ("XC", None), ("DX", (0.15, 0.15)), ("US", (0.1, 0.1)), ("XC", (0.5, 0.5))]
)
def test_wrapped_pictures_conform(tmp_path: Path, modality: str, spacing: tuple[float, float] | None) -> None:
    array = RNG.integers(0, 256, (16, 12, 3), dtype=np.uint8)
    for kind in ("PNG", "JPEG"):
        dataset = wrap_picture(picture(array, kind), context(modality=modality, pixel_spacing_mm=spacing))
        path = tmp_path / f"{kind}.dcm"
        path.write_bytes(encode_object(dataset))
        validate(path)
        assert read_header(path).patient.patient_name == "Müller^Änne"


def test_the_same_source_gives_the_same_uids_and_another_team_others() -> None:
    content = picture(np.zeros((4, 4), np.uint8))
    first, again = wrap_picture(content, context()), wrap_picture(content, context())
    other = wrap_picture(content, WrapContext(DETAILS, "other team", "a" * 64))
    assert encode_object(first) == encode_object(again)
    assert first.SOPInstanceUID != other.SOPInstanceUID
    assert first.StudyInstanceUID != other.StudyInstanceUID
    assert all(len(uid) <= 64 and uid.startswith("2.25.") for uid in (first.SOPInstanceUID, first.SeriesInstanceUID))


@pytest.mark.parametrize("missing", ["patient_id", "patient_name", "modality"])
def test_nothing_about_a_patient_is_made_up(missing: str) -> None:
    with pytest.raises(DetailsMissingError):
        replace(DETAILS, **{missing: " "})


@pytest.mark.parametrize("name", ["A\\B", "A\\"])
def test_a_backslash_cannot_split_a_name(name: str) -> None:
    with pytest.raises(WrapError):
        replace(DETAILS, patient_name=name)


def test_details_survive_as_json() -> None:
    full = replace(DETAILS, patient_birth_date=date(1950, 2, 3), patient_sex="F", pixel_spacing_mm=(0.1, 0.2))
    for details in (DETAILS, full):
        assert StatedDetails.from_json(details.to_json()) == details


# --- volumes ----------------------------------------------------------------------------------------------------


def oblique_affine(spacing: tuple[float, float, float] = (0.9, 1.1, 2.5)) -> np.ndarray:
    turn, tip = np.radians(20), np.radians(-15)
    about_z = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(tip), -np.sin(tip)], [0, np.sin(tip), np.cos(tip)]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x @ np.diag(spacing)
    affine[:3, 3] = (-31.5, 12.25, 7.125)
    return affine


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("TCGA-DU-7294_t1c_bet.nii.gz", "T1 with contrast"),
        ("TCGA-DU-7294_t1_bet.nii.gz", "T1"),
        ("BraTS-GLI-00001-000-t2f.nii.gz", "FLAIR"),
        ("TCGA-DU-7294_fla_bet.nii.gz", "FLAIR"),
        ("BraTS-GLI-00001-000-t1n.nii", "T1"),
        ("zip/of/DOE_JANE_T1w_post.nii", "T1 with contrast"),
        ("sub-01_T2w.nii.gz", "T2"),
        ("ADC.nii", "ADC"),
        ("Flaherty_Patty.nii.gz", ""),
        ("t1/scan.nii", ""),
    ],
)
def test_a_files_name_tells_its_sequence_and_nothing_else(name: str, words: str) -> None:
    assert read_sequence_words(name) == words


def test_a_volume_is_named_by_its_sequence_and_read_as_it(tmp_path: Path) -> None:
    source = nifti(tmp_path / "v.nii", np.zeros((6, 5, 4), np.int16), np.eye(4))
    for words, weighting, has_contrast in (
        ("T1 with contrast", "T1", True),
        ("T1", "T1", None),
        ("FLAIR", "FLAIR", None),
    ):
        slices = list(wrap_nifti(source, replace(context(modality="MR"), sequence=words)))
        assert slices[0].SeriesDescription == f"{words} made into DICOM"
        facts = read_acquisition(slices)
        assert (facts.weighting, facts.has_contrast) == (weighting, has_contrast)


def nifti(path: Path, array: np.ndarray, affine: np.ndarray, *, slope: float = 1, inter: float = 0) -> Path:
    image = nibabel.Nifti1Image(array, affine)
    image.header.set_slope_inter(slope, inter)
    image.header.set_data_dtype(array.dtype)
    stream = image.to_bytes()
    path.write_bytes(gzip.compress(stream) if path.suffix == ".gz" else stream)
    return path


def written(source: Path, folder: Path, modality: str = "MR") -> list[Path]:
    folder.mkdir()
    paths = []
    for number, dataset in enumerate(wrap_nifti(source, context(modality=modality))):
        paths.append(folder / f"{number:03}.dcm")
        paths[-1].write_bytes(encode_object(dataset))
    return paths


@pytest.mark.parametrize("modality", ["CT", "MR"])
@pytest.mark.parametrize("name", ["volume.nii", "volume.nii.gz"])
def test_each_voxel_lies_where_the_affine_puts_it(tmp_path: Path, modality: str, name: str) -> None:
    """Held against SimpleITK's own NIfTI and DICOM readers."""
    array = RNG.integers(-1000, 3000, (7, 6, 5)).astype(np.int16)
    source = nifti(tmp_path / name, array, oblique_affine())
    paths = written(source, tmp_path / "series", modality)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in paths])
    image, truth = reader.Execute(), SimpleITK.ReadImage(str(source))
    for index in ((0, 0, 0), (6, 5, 4), (3, 1, 2)):
        assert image.TransformIndexToPhysicalPoint(index) == pytest.approx(
            truth.TransformIndexToPhysicalPoint(index), abs=1e-4
        )
    assert np.array_equal(SimpleITK.GetArrayFromImage(image), SimpleITK.GetArrayFromImage(truth))
    for path in paths:
        validate(path)


def test_a_wrapped_volume_is_regular(tmp_path: Path) -> None:
    source = nifti(tmp_path / "v.nii", np.zeros((6, 5, 4), np.int16), oblique_affine())
    headers = [read_header(path) for path in written(source, tmp_path / "series")]
    verdict = judge_series([SeriesImage(h.instance_number, h.sop_instance_uid, h.image) for h in headers])
    assert verdict.verdict is SeriesVerdict.REGULAR
    assert verdict.spacing_mm == pytest.approx((2.5, 1.1, 0.9))


def test_slope_and_intercept_are_carried_not_applied(tmp_path: Path) -> None:
    array = RNG.integers(0, 4000, (4, 5, 3)).astype(np.int16)
    source = nifti(tmp_path / "v.nii", array, np.eye(4), slope=0.25, inter=-17.5)
    for k, path in enumerate(written(source, tmp_path / "series", "CT")):
        dataset = pydicom.dcmread(path)
        assert np.array_equal(dataset.pixel_array, array[:, :, k].T)
        assert (dataset.RescaleSlope, dataset.RescaleIntercept) == (0.25, -17.5)


def test_each_volume_of_four_dimensions_is_a_series(tmp_path: Path) -> None:
    array = RNG.integers(0, 100, (3, 4, 2, 3)).astype(np.uint8)
    source = nifti(tmp_path / "v.nii.gz", array, np.eye(4))
    datasets = [pydicom.dcmread(path) for path in written(source, tmp_path / "series")]
    series = list(dict.fromkeys(dataset.SeriesInstanceUID for dataset in datasets))
    assert len(series) == 3
    assert len({dataset.SOPInstanceUID for dataset in datasets}) == 6
    for dataset in datasets:
        number, k = series.index(dataset.SeriesInstanceUID), dataset.InstanceNumber - 1
        assert np.array_equal(dataset.pixel_array, array[:, :, k, number].T)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.float32, np.float64]),
    st.integers(0, 2**32 - 1),
    st.floats(0.001, 1e6),
)
def test_values_fit_sixteen_bits_within_the_stated_error(dtype: type, seed: int, scale: float) -> None:
    generator = np.random.default_rng(seed)
    raw = np.clip(generator.normal(0, scale, (3, 4, 2)), *_limits(dtype)).astype(dtype)
    stored = fit_sixteen_bits(raw, slope=2.0, intercept=1.0)
    values = stored.voxels.astype(np.float64) * stored.slope + stored.intercept
    error = np.abs(values - (raw.astype(np.float64) * 2.0 + 1.0)).max()
    assert error <= stored.largest_error * (1 + 1e-6) + 1e-9 * scale
    if np.issubdtype(dtype, np.integer) and np.iinfo(dtype).bits <= 16:
        assert stored.largest_error == 0


def _limits(dtype: type) -> tuple[float, float]:
    return (np.iinfo(dtype).min, np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else (-np.inf, np.inf)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_no_number_are_refused(bad: float) -> None:
    with pytest.raises(ValuesUnfitError):
        fit_sixteen_bits(np.array([[[1.0, bad]]]), slope=1, intercept=0)


def test_a_sheared_volume_is_not_resampled_silently(tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[0, 1] = 0.2
    with pytest.raises(ShearedVolumeError):
        list(wrap_nifti(nifti(tmp_path / "v.nii", np.zeros((3, 3, 3), np.int16), affine), context(modality="MR")))


def test_a_volume_is_ct_or_mr(tmp_path: Path) -> None:
    source = nifti(tmp_path / "v.nii", np.zeros((3, 3, 3), np.int16), np.eye(4))
    with pytest.raises(ModalityUnfitError):
        list(wrap_nifti(source, context(modality="PT")))


def test_a_volume_cut_short_is_damaged(tmp_path: Path) -> None:
    source = nifti(tmp_path / "v.nii.gz", RNG.integers(0, 9999, (20, 20, 20)).astype(np.int16), np.eye(4))
    content = source.read_bytes()
    for cut in (40, 500, len(content) - 10):
        source.write_bytes(content[:cut])
        with pytest.raises(SourceDamagedError):
            list(wrap_nifti(source, context(modality="MR")))


def test_a_volume_that_announces_a_huge_size_is_refused_before_it_is_read(tmp_path: Path) -> None:
    source = nifti(tmp_path / "v.nii", np.zeros((3, 3, 3), np.int16), np.eye(4))
    content = bytearray(source.read_bytes())
    content[40:56] = np.array([3, 30_000, 30_000, 30_000, 1, 1, 1, 1], "<i2").tobytes()
    source.write_bytes(bytes(content))
    with pytest.raises(SourceTooLargeError):
        list(wrap_nifti(source, context(modality="MR")))


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "modality"), [("t1_head/t1_crop.nii.gz", "MR"), ("totalseg_example/example_ct_sm.nii.gz", "CT")]
)
def test_real_volumes_come_through_unchanged(shared_data: Path, tmp_path: Path, name: str, modality: str) -> None:
    source = shared_data / name
    paths = written(source, tmp_path / "series", modality)
    truth = nibabel.load(source)
    values = np.asarray(truth.get_fdata())
    middle = len(paths) // 2
    dataset = pydicom.dcmread(paths[middle])
    read = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    assert np.abs(read - values[:, :, middle].T).max() <= float(dataset.RescaleSlope) / 2 + 1e-6
    validate(paths[middle])
