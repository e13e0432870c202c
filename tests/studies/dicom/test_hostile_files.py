"""Files that are no images, are damaged or mean harm: refused with a code, quickly, and never anything else."""

from __future__ import annotations

import json
import struct
import time
import tracemalloc
import zlib
from contextlib import suppress
from pathlib import Path

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
    NestedTooDeepError,
    NoPixelsError,
    NotDicomError,
    TooManyElementsError,
    TruncatedFileError,
    UnknownTransferSyntaxError,
)
from studies.dicom.header import read_header
from studies.dicom.image_header import ImageHeader
from tests.phantoms import SeriesSpec, one_item, save, write_enhanced, write_series


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
def test_a_sequence_that_ends_in_its_middle_is_refused(shared_data):
    content = bytearray((shared_data / "dicom_seg_sr/segmentations/liver.dcm").read_bytes())
    content[3707] = 0
    with pytest.raises(MalformedFileError):
        read_header(bytes(content), needs_identity=False)


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
