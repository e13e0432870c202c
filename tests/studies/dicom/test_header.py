"""Headers: what is there is read, what is wrong is noted or refused with a code, and nothing hostile gets far."""

from __future__ import annotations

import datetime
import json
import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest

from studies.dicom.errors import (
    MissingIdentifierError,
)
from studies.dicom.header import read_header
from studies.dicom.image_header import ImageHeader
from tests.phantoms import (
    SeriesSpec,
    write_cine,
    write_enhanced,
    write_pet,
    write_projection,
    write_series,
)


@pytest.fixture
def slice_path(tmp_path: Path) -> Path:
    [path] = write_series(tmp_path, SeriesSpec(shape=(1, 8, 10)))
    return path


def _changed(path: Path, **values: object) -> Path:
    dataset = pydicom.dcmread(path)
    for keyword, value in values.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


def _element(tag: tuple[int, int], vr: bytes, value: bytes, length: int | None = None) -> bytes:
    length = len(value) if length is None else length
    if vr in (b"SQ", b"UN", b"OB", b"OW", b"UT"):
        return struct.pack("<HH2s2xL", *tag, vr, length) + value
    return struct.pack("<HH2sH", *tag, vr, length) + value


def test_everything_the_archive_records_is_read(slice_path):
    header = read_header(slice_path)
    spec = SeriesSpec(shape=(1, 8, 10))
    assert header.patient.patient_id == "PHANTOM-1"
    assert header.patient.patient_name == "Phantom^Sphere"
    assert header.patient.patient_birth_date == datetime.date(1970, 1, 31)
    assert header.patient.is_synthetic
    assert header.study.study_instance_uid == spec.study_instance_uid
    assert header.study.study_date == datetime.date(2026, 1, 2)
    assert header.study.study_time == datetime.time(10, 15)
    assert (header.series.modality, header.series.series_number) == ("CT", 1)
    assert header.series.series_instance_uid == spec.series_instance_uid
    assert (header.image.rows, header.image.columns, header.image.unit) == (8, 10, "HU")
    [frame] = header.image.frames
    assert frame.position_mm == (-14.0, -12.8, 30.0)
    assert frame.pixel_spacing_mm == (0.8, 0.7)
    assert (frame.rescale_slope, frame.rescale_intercept) == (1.0, -1024.0)
    assert header.notes == ()


def test_path_and_bytes_are_read_alike(slice_path):
    assert read_header(slice_path.read_bytes()) == read_header(slice_path)


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: write_series(folder, SeriesSpec(shape=(1, 8, 8)))[0],
        lambda folder: write_enhanced(folder / "e.dcm", SeriesSpec(modality="MR", shape=(4, 8, 8), intercept=0.0)),
        lambda folder: write_cine(folder / "c.dcm", np.zeros((6, 8, 8, 3), np.uint8)),
        lambda folder: write_projection(folder / "x.dcm", np.zeros((8, 8), np.uint16)),
        lambda folder: write_pet(folder, SeriesSpec(shape=(1, 8, 8)), lambda i: 0.37)[0],
    ],
    ids=["ct", "enhanced", "cine", "x-ray", "pet"],
)
def test_the_image_header_survives_json(tmp_path, write):
    image = read_header(write(tmp_path)).image
    assert ImageHeader.from_json(json.loads(json.dumps(image.to_json()))) == image


def test_frames_that_are_alike_are_kept_once(tmp_path):
    image = read_header(write_cine(tmp_path / "c.dcm", np.zeros((400, 4, 4, 3), np.uint8))).image
    assert len(image.frames) == 400
    assert len(json.dumps(image.to_json())) < 1500


def test_functional_groups_shared_and_per_frame(tmp_path):
    spec = SeriesSpec(name="e", modality="MR", shape=(3, 8, 8), intercept=0.0, slope=2.0)
    image = read_header(write_enhanced(tmp_path / "e.dcm", spec, order=[2, 0, 1])).image
    assert [frame.position_mm[2] for frame in image.frames] == [35.0, 30.0, 32.5]
    assert {frame.pixel_spacing_mm for frame in image.frames} == {(0.8, 0.7)}
    assert {frame.rescale_slope for frame in image.frames} == {2.0}
    assert [frame.windows[0].center for frame in image.frames] == [42.0, 40.0, 41.0]


def test_windows_keep_their_names(slice_path):
    _changed(slice_path, WindowCenter=[40, -600], WindowWidth=[400, 0], WindowCenterWidthExplanation=["SOFT", "LUNG"])
    [window] = read_header(slice_path).image.frames[0].windows  # a width of 0 is no window
    assert (window.center, window.width, window.name) == (40.0, 400.0, "SOFT")


@pytest.mark.parametrize(
    ("charset", "name", "encoding"),
    [
        ("ISO_IR 100", "Müller^Jörg", "latin-1"),
        ("ISO_IR 192", "Πατέρας^Ναι", "utf-8"),
        ("ISO_IR 144", "Иванов^Иван", "iso8859_5"),
        ("GB18030", "王^小东", "gb18030"),
    ],
)
def test_names_in_their_own_script(slice_path, charset, name, encoding):
    encoded = name.encode(encoding) + b" " * (len(name.encode(encoding)) % 2)
    content = slice_path.read_bytes()
    old = _element((0x10, 0x10), b"PN", b"Phantom^Sphere")
    assert old in content
    content = content.replace(old, _element((0x10, 0x10), b"PN", encoded))
    charset_bytes = charset.encode() + b" " * (len(charset) % 2)
    content = content.replace(_element((8, 5), b"CS", b"ISO_IR 192"), _element((8, 5), b"CS", charset_bytes))
    assert read_header(content).patient.patient_name == name


@pytest.mark.parametrize("date", ["20261399", "yesterday", "00000000", "2026"])
def test_malformed_dates_are_left_empty_with_a_note(slice_path, date):
    content = slice_path.read_bytes()
    padded = date.encode() + b" " * (len(date) % 2)
    content = content.replace(_element((8, 0x20), b"DA", b"20260102"), _element((8, 0x20), b"DA", padded))
    header = read_header(content)
    assert header.study.study_date is None
    assert any("StudyDate" in note for note in header.notes)


@pytest.mark.parametrize(
    ("written", "read"),
    [("2026.01.02", datetime.date(2026, 1, 2)), ("20260102", datetime.date(2026, 1, 2))],
)
def test_old_dates_are_read(slice_path, written, read):
    content = slice_path.read_bytes().replace(
        _element((8, 0x20), b"DA", b"20260102"), _element((8, 0x20), b"DA", written.encode())
    )
    assert read_header(content).study.study_date == read


def test_text_is_cut_to_its_column_and_cleared_of_control_characters(slice_path):
    dataset = pydicom.dcmread(slice_path)
    dataset.add_new(0x0008103E, "UT", "A" * 300)
    dataset.add_new(0x00081030, "UT", "one\x00two\ntwo")
    dataset.save_as(slice_path)
    header = read_header(slice_path)
    assert header.series.series_description == "A" * 64
    assert header.study.study_description == "one two two"
    assert any("SeriesDescription" in note for note in header.notes)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PixelSpacing", ["0", "0.7"]),
        ("ImageOrientationPatient", ["1", "0", "0", "1", "0", "0"]),
        ("ImagePositionPatient", ["1e30", "0", "0"]),
    ],
)
def test_impossible_geometry_is_not_used_and_noted(slice_path, keyword, value):
    header = read_header(_changed(slice_path, **{keyword: value}))
    [frame] = header.image.frames
    assert None in (frame.pixel_spacing_mm, frame.orientation, frame.position_mm)
    assert any(keyword in note for note in header.notes)


def test_uids_in_the_file_header_stand_in_for_blanked_ones(slice_path):
    uid = pydicom.dcmread(slice_path).SOPInstanceUID
    dataset = pydicom.dcmread(slice_path)
    dataset.SOPInstanceUID = ""
    pydicom.dcmwrite(slice_path, dataset)
    header = read_header(slice_path)
    assert header.sop_instance_uid == uid
    assert any("file header" in note for note in header.notes)


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_an_object_without_study_or_series_cannot_be_archived(slice_path, keyword):
    _changed(slice_path, **{keyword: ""})
    with pytest.raises(MissingIdentifierError, match=keyword):
        read_header(slice_path)
    assert read_header(slice_path, needs_identity=False).is_image


def test_the_pixel_digest_tells_another_image_and_not_another_header(slice_path):
    first = read_header(slice_path).pixel_digest
    assert read_header(_changed(slice_path, SeriesDescription="renamed")).pixel_digest == first
    dataset = pydicom.dcmread(slice_path)
    dataset.PixelData = bytes([dataset.PixelData[0] ^ 1]) + dataset.PixelData[1:]
    dataset.save_as(slice_path)
    assert read_header(slice_path).pixel_digest != first


@pytest.mark.parametrize(
    "sop_class",
    ["1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.481.3"],
)
def test_segmentations_reports_and_plans_are_read_and_are_not_images(slice_path, sop_class):
    dataset = pydicom.dcmread(slice_path)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.save_as(slice_path)
    header = read_header(slice_path)
    assert not header.is_image
    assert len(header.pixel_digest) == 64
