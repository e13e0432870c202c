"""Synthetic DICOM: valid, labelled in pixels and header, read back by another reader in the right place."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK

from inference.training.synthetic.brain_mr import AXIAL, PROTOCOLS
from inference.training.synthetic.cases import GENERATORS
from inference.training.synthetic.catalogue import DEMO_CASES
from inference.training.synthetic.chest_ct import FULL_SHAPE
from inference.training.synthetic.dicom_files import write_dicom
from inference.training.synthetic.dicom_series import Examination, SyntheticSeries
from inference.training.synthetic.lettering import word_mask
from studies.imaging.geometry import VolumeGeometry

VISIT = Examination("SYN-TEST", "SYNTHETIC^TEST", "20260101", "101500", "Test (synthetic)", 1)
GEOMETRY = VolumeGeometry((4, 90, 100), (2.5, 0.8, 0.7), (-30.0, -20.0, 12.5), AXIAL)


def make_series(modality: str) -> SyntheticSeries:
    rng = np.random.default_rng(1)
    stack = rng.integers(0, 800, (4, 90, 100)).astype(np.uint16)
    if modality in ("MR", "CT"):
        attributes = (("ScanningSequence", "SE"), ("SequenceVariant", "NONE"), ("MRAcquisitionType", "2D"))
        timing = (("RepetitionTime", "500"), ("EchoTime", "10"), ("EchoTrainLength", 1))
        return SyntheticSeries(
            VISIT,
            1,
            modality,
            modality,
            "HEAD",
            stack,
            mark=3000,
            geometry=GEOMETRY,
            window=(400, 800),
            rescale_intercept=-1024 if modality == "CT" else 0,
            attributes=(*attributes, *timing) if modality == "MR" else (),
        )
    if modality == "DX":
        return SyntheticSeries(VISIT, 2, "DX", "DX", "CHEST", stack[:1], 3000, None, (0.2, 0.3), (400, 800))
    grey = (stack // 4).astype(np.uint8)
    if modality == "US":
        return SyntheticSeries(VISIT, 3, "US", "US", "HEART", grey, 255, None, (0.2, 0.3), frame_time_ms=33.0)
    return SyntheticSeries(VISIT, 4, "OP", "OP", "EYE", np.stack([grey[:1]] * 3, axis=-1), 255)


@pytest.mark.parametrize("modality", ["MR", "CT", "DX", "US", "OP"])
def test_every_file_says_synthetic_in_its_pixels_and_its_header(modality: str, tmp_path: Path) -> None:
    series = make_series(modality)
    for path in write_dicom(series, tmp_path):
        dataset = pydicom.dcmread(path)
        assert "SYNTHETIC" in str(dataset.PatientName)
        assert dataset.QualityControlSubject == dataset.BurnedInAnnotation == "YES"
        assert "SYNTHETIC" in dataset.ImageComments
        assert "SYNTHETIC" in dataset.PatientComments
        assert "SYNTHETIC" in dataset.DerivationDescription
        assert not dataset.PatientBirthDate
        assert modality == "OP" or dataset.ImageType[0] == "DERIVED"
        word = word_mask(1)
        pixels = dataset.pixel_array.reshape(-1, 90, 100, dataset.SamplesPerPixel)
        corner = pixels[:, 2 : 2 + word.shape[0], 98 - word.shape[1] : 98]
        assert (corner[:, word] == series.mark).all()
        assert (corner[:, ~word] != series.mark).any()


def test_the_word_can_be_read() -> None:
    word = word_mask(1)
    assert word.shape == (7, 51)  # eight letters of 5 and an I of 3 columns, 8 gaps
    np.testing.assert_array_equal(word_mask(2)[::2, ::2], word)


@pytest.mark.parametrize("modality", ["MR", "CT", "DX", "US", "OP"])
def test_the_validator_finds_no_error(modality: str, tmp_path: Path) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    for path in write_dicom(make_series(modality), tmp_path):
        report = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False).stderr
        assert not [line for line in report.splitlines() if line.startswith("Error")], report


@pytest.mark.parametrize("modality", ["MR", "CT"])
def test_another_reader_finds_the_volume_in_its_place(modality: str, tmp_path: Path) -> None:
    series = make_series(modality)
    names = [str(path) for path in write_dicom(series, tmp_path)]
    image = SimpleITK.ReadImage(names)
    assert image.GetSpacing() == pytest.approx((0.7, 0.8, 2.5))
    assert image.GetOrigin() == pytest.approx((-30.0, -20.0, 12.5))
    assert image.GetDirection() == pytest.approx((1, 0, 0, 0, 1, 0, 0, 0, 1))
    voxels = SimpleITK.GetArrayFromImage(image)
    expected = series.pixels.astype(int) + series.rescale_intercept
    np.testing.assert_array_equal(voxels[:, 12:], expected[:, 12:])  # below the word


def test_files_are_the_same_each_time(tmp_path: Path) -> None:
    first = [path.read_bytes() for path in write_dicom(make_series("MR"), tmp_path / "first")]
    assert first == [path.read_bytes() for path in write_dicom(make_series("MR"), tmp_path / "again")]


def test_an_unknown_modality_is_refused(tmp_path: Path) -> None:
    series = make_series("DX")
    unknown = SyntheticSeries(VISIT, 9, "?", "XX", "CHEST", series.pixels, 1)
    with pytest.raises(ValueError, match="CT, DX, MR, OP, US"):
        write_dicom(unknown, tmp_path)


def test_the_catalogue_knows_what_the_generators_write() -> None:
    counts = {case.name: case.file_counts for case in DEMO_CASES}
    assert set(counts) == set(GENERATORS)
    assert counts["glioma"] == (sum(protocol.shape[0] for protocol in PROTOCOLS),) * 3
    assert counts["chest-ct"] == (FULL_SHAPE[0],) * 4
    uids = [uid for case in DEMO_CASES for uid in case.study_instance_uids]
    assert len(set(uids)) == len(uids) == 10
    assert all(len(uid) <= 64 for uid in uids)
