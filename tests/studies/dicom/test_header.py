"""Headers: what is there is read, what is wrong is noted or refused with a code, and nothing hostile gets far."""

from __future__ import annotations

import datetime
import json
import struct
import time
import tracemalloc
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import DeflatedExplicitVRLittleEndian

from studies.dicom import structure
from studies.dicom.errors import (
    AbsurdSizeError,
    DirectoryRecordError,
    FileRefusedError,
    MalformedFileError,
    MissingIdentifierError,
    NestedTooDeepError,
    NoPixelsError,
    NotDicomError,
    TooManyElementsError,
    TruncatedFileError,
    UnknownTransferSyntaxError,
)
from studies.dicom.header import read_header
from studies.dicom.image_header import ImageHeader
from tests.phantoms import (
    SeriesSpec,
    one_item,
    save,
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


def _file(dataset: bytes, syntax: str = "1.2.840.10008.1.2.1") -> bytes:
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    return bytes(128) + b"DICM" + _element((2, 0x10), b"UI", uid) + dataset


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


# --- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"hello", bytes(132), b"\x89PNG" + bytes(400), bytes(128) + b"DICN"])
def test_what_is_no_dicom_file(content, tmp_path):
    with pytest.raises(NotDicomError):
        read_header(content)
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(NotDicomError):
        read_header(tmp_path / "f")


def test_every_truncation_is_refused(slice_path):
    content = slice_path.read_bytes()
    for length in [*range(0, len(content) - 200, 7), *range(len(content) - 200, len(content))]:
        with pytest.raises(FileRefusedError) as refusal:
            read_header(content[:length])
        assert refusal.value.code in ("file.truncated", "file.not_dicom", "file.no_pixels", "file.missing_identifier")


def test_compressed_pixels_cut_off_are_truncated(slice_path):
    dataset = pydicom.dcmread(slice_path)
    pydicom.pixels.compress(dataset, pydicom.uid.RLELossless)
    dataset.save_as(slice_path)
    content = slice_path.read_bytes()
    for cut in (1, 8, 20, 60):
        with pytest.raises(TruncatedFileError):
            read_header(content[:-cut])


def test_an_image_without_pixels(slice_path):
    with pytest.raises(NoPixelsError):
        read_header(_changed(slice_path, PixelData=None))


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"Rows": 65535, "Columns": 65535}, AbsurdSizeError),
        ({"Rows": 0}, AbsurdSizeError),
        ({"NumberOfFrames": "2000000000"}, AbsurdSizeError),
        ({"NumberOfFrames": "-3"}, AbsurdSizeError),
        ({"Rows": 9}, TruncatedFileError),
        ({"NumberOfFrames": "2"}, TruncatedFileError),
        ({"BitsAllocated": 13}, MalformedFileError),
        ({"BitsStored": 17}, MalformedFileError),
        ({"SamplesPerPixel": 4}, MalformedFileError),
        ({"PixelRepresentation": 7}, MalformedFileError),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else value.code,
)
def test_impossible_formats_are_refused(slice_path, values, error):
    with pytest.raises(error):
        read_header(_changed(slice_path, **values))


def test_an_unknown_encoding(slice_path):
    content = slice_path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.9.9\0")
    with pytest.raises(UnknownTransferSyntaxError):
        read_header(content)


def test_a_dicomdir_is_told_apart(slice_path):
    dataset = pydicom.dcmread(slice_path)
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    pydicom.dcmwrite(slice_path, dataset)
    with pytest.raises(DirectoryRecordError):
        read_header(slice_path)


def _nested_defined(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        item = struct.pack("<HHL", 0xFFFE, 0xE000, len(content)) + content
        content = _element((8, 0x1140), b"SQ", item)
    return content


def _nested_undefined(depth: int) -> bytes:
    opening = _element((8, 0x1140), b"SQ", b"", 0xFFFFFFFF) + struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    return opening * depth


def _nested_unknown(depth: int) -> bytes:
    """Public sequences of defined length behind VR UN, which a reader would convert when it is asked for them."""
    content = b""
    for _ in range(depth):
        item = struct.pack("<HHL", 0xFFFE, 0xE000, len(content)) + content
        content = struct.pack("<HHL", 8, 0x1140, len(item)) + item
    return _element((8, 0x1140), b"UN", content[8:])


@pytest.mark.parametrize("nest", [_nested_defined, _nested_undefined, _nested_unknown])
def test_ten_thousand_sequences_deep(nest):
    with pytest.raises(NestedTooDeepError):
        read_header(_file(nest(10_000)))


def test_a_sensible_depth_is_read(slice_path):
    item = pydicom.Dataset()
    for _ in range(20):
        outer = pydicom.Dataset()
        outer.ReferencedImageSequence = [item]
        item = outer
    dataset = pydicom.dcmread(slice_path)
    dataset.ReferencedImageSequence = [item]
    dataset.save_as(slice_path)
    assert read_header(slice_path).is_image


def test_stated_lengths_allocate_nothing():
    content = _file(_element((8, 0x60), b"UT", b"CT", 0xFFFFFFF0))
    tracemalloc.start()
    with pytest.raises(TruncatedFileError):
        read_header(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_millions_of_elements_are_not_waited_for(monkeypatch):
    monkeypatch.setattr(structure, "MAX_ELEMENTS", 1000)
    with pytest.raises(TooManyElementsError):
        read_header(_file(_element((9, 0x10), b"LO", b"") * 2000))


def test_a_deflated_dataset_is_read_and_a_bomb_is_not(slice_path, monkeypatch):
    dataset = pydicom.dcmread(slice_path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    save_to = slice_path.with_name("deflated.dcm")
    pydicom.dcmwrite(save_to, dataset)
    assert read_header(save_to).image.rows == 8
    monkeypatch.setattr(structure, "MAX_INFLATED_BYTES", 10_000)
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = deflater.compress(bytes(10_000_000)) + deflater.flush()
    with pytest.raises(AbsurdSizeError):
        read_header(_file(bomb, DeflatedExplicitVRLittleEndian))
    with pytest.raises(MalformedFileError):
        read_header(_file(b"\xff" * 40, DeflatedExplicitVRLittleEndian))


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_random_damage_is_read_or_refused_but_never_anything_else(data, tmp_path_factory):
    content = bytearray(_seed(tmp_path_factory))
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(128, len(content) - 1))
        content[position] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, 40))
    try:
        header = read_header(bytes(content[: len(content) - cut] if cut > 20 else content))
    except FileRefusedError:
        return
    if header.image is not None:
        assert ImageHeader.from_json(json.loads(json.dumps(header.image.to_json()))) == header.image


_SEEDS: list[bytes] = []


def _seed(factory) -> bytes:
    if not _SEEDS:
        folder = factory.mktemp("seed")
        path = write_enhanced(folder / "e.dcm", SeriesSpec(name="e", modality="MR", shape=(2, 4, 4), intercept=0.0))
        dataset = pydicom.dcmread(path)
        dataset.ReferencedImageSequence = one_item(ReferencedSOPInstanceUID="1.2.3")
        save(dataset, path)
        _SEEDS.append(path.read_bytes())
    return _SEEDS[0]


@pytest.mark.real_data
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_damaged_real_files_are_read_or_refused(data, shared_data):
    names = ["dicom_transfer_syntaxes/4.dcm", "dicom_seg_sr/sr-example/sr.dcm", "dicom_seg_sr/segmentations/liver.dcm"]
    content = bytearray((shared_data / data.draw(st.sampled_from(names))).read_bytes())
    for _ in range(data.draw(st.integers(1, 20))):
        content[data.draw(st.integers(128, min(len(content) - 1, 60_000)))] = data.draw(st.integers(0, 255))
    started = time.perf_counter()
    with suppress(FileRefusedError):
        read_header(bytes(content), needs_identity=False)
    assert time.perf_counter() - started < 30
