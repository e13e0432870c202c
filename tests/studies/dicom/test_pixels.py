"""Every encoding decodes to the same pixels; what cannot be decoded is an error with a code."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.pixels import compress
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from studies.dicom.codestream import check_codestream
from studies.dicom.errors import PixelsUndecodableError
from studies.dicom.frames import FrameHeader
from studies.dicom.header import read_header
from studies.dicom.image_header import ImageHeader
from studies.dicom.modality import FLOAT32, INT16, UINT16, DoesNotFitError, candidate_types, to_modality
from studies.dicom.pixels import PixelReader
from tests.phantoms import SeriesSpec, save, write_cine, write_enhanced, write_projection, write_series


def _reader(path: Path) -> PixelReader:
    header = read_header(path, needs_identity=False)
    image = ImageHeader.from_json(json.loads(json.dumps(header.image.to_json())))
    return PixelReader(path, image, header.transfer_syntax_uid)


def _slice(folder: Path) -> tuple[Path, np.ndarray]:
    random = np.random.default_rng(1).integers(-1024, 3000, (1, 72, 80)).astype(np.int16)
    [path] = write_series(folder, SeriesSpec(shape=(1, 72, 80), voxels=random))
    return path, random[0] + 1024  # stored values: intercept -1024


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless])
def test_compressed_pixels_are_the_uncompressed_ones(tmp_path, syntax):
    path, stored = _slice(tmp_path)
    dataset = pydicom.dcmread(path)
    compress(dataset, syntax)
    dataset.save_as(path)
    reader = _reader(path)
    np.testing.assert_array_equal(reader.frame(0), stored)
    np.testing.assert_array_equal(next(reader.frames()), stored)


@pytest.mark.parametrize(
    ("syntax", "implicit", "little"),
    [
        (ImplicitVRLittleEndian, True, True),
        (ExplicitVRBigEndian, False, False),
        (DeflatedExplicitVRLittleEndian, False, True),
    ],
)
def test_uncompressed_pixels_in_every_byte_order(tmp_path, syntax, implicit, little):
    path, stored = _slice(tmp_path)
    dataset = pydicom.dcmread(path)
    if not little:
        dataset.PixelData = dataset.pixel_array.astype(">i2").tobytes()
    dataset.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite(path, dataset, implicit_vr=implicit, little_endian=little, force_encoding=True)
    np.testing.assert_array_equal(_reader(path).frame(0), stored)


@pytest.mark.real_data
def test_one_image_in_nine_encodings_is_one_image(shared_data):
    frames, syntaxes = [], set()
    for number in range(1, 10):
        path = shared_data / "dicom_transfer_syntaxes" / f"{number}.dcm"
        reader = _reader(path)
        frames.append(reader.frame(0))
        syntaxes.add(reader.transfer_syntax_uid)
        np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))[0], frames[-1])
    assert len(syntaxes) == 7
    for frame in frames[1:]:
        np.testing.assert_array_equal(frame, frames[0])


@pytest.mark.real_data
@pytest.mark.parametrize("folder", ["ct_torso_dicom", "mr_vs_seg_001/dicom", "dicom_seg_sr/segmentations/ct-3slice"])
def test_real_images_have_the_modality_values_simpleitk_reads(shared_data, folder):
    if not (shared_data / folder).is_dir():
        pytest.skip(f"{folder} is absent")
    paths = [path for path in sorted((shared_data / folder).iterdir()) if path.suffix not in (".txt", "")]
    for path in [path for path in paths if path.name != "LICENSE"][:3]:
        reader = _reader(path)
        ours = to_modality(reader.frame(0), reader.image.frames[0], INT16)
        theirs = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))[0]
        np.testing.assert_array_equal(ours, theirs)


def test_rgb_stays_rgb_and_ybr_becomes_rgb(tmp_path):
    colours = np.zeros((2, 16, 16, 3), np.uint8)
    colours[0, ..., 0], colours[1, ..., 2] = 255, 200
    path = write_cine(tmp_path / "c.dcm", colours)
    np.testing.assert_array_equal(list(_reader(path).frames()), colours)
    dataset = pydicom.dcmread(path)
    ybr = pydicom.pixels.convert_color_space(colours, "RGB", "YBR_FULL")
    dataset.PixelData, dataset.PhotometricInterpretation = ybr.tobytes(), "YBR_FULL"
    dataset.save_as(path)
    assert np.abs(np.stack(list(_reader(path).frames())).astype(int) - colours).max() <= 2  # rounding of YBR itself
    dataset.PixelData = np.moveaxis(colours, -1, 1).tobytes()
    dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", 1
    dataset.save_as(path)
    np.testing.assert_array_equal(list(_reader(path).frames()), colours)


@pytest.mark.parametrize("written", ["YBR_FULL_422", "YBR_FULL", "RGB"])
def test_baseline_jpeg_cines_become_rgb(tmp_path, written):
    down, along = np.mgrid[0:32, 0:48]
    colours = np.stack([np.stack([down * 7, along * 5, 200 - down - n], axis=-1) for n in range(3)]).astype(np.uint8)
    path = write_cine(tmp_path / "c.dcm", colours)
    dataset = pydicom.dcmread(path)
    encoded = []
    for frame in colours:
        jpeg = BytesIO()
        options = {"keep_rgb": True} if written == "RGB" else {"subsampling": 2 if written == "YBR_FULL_422" else 0}
        Image.fromarray(frame).save(jpeg, "JPEG", quality=98, **options)
        encoded.append(jpeg.getvalue())
    dataset.PixelData = encapsulate(encoded)
    dataset["PixelData"].is_undefined_length = True
    dataset.PhotometricInterpretation = written
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.save_as(path)
    decoded = np.stack(list(_reader(path).frames()))
    assert decoded.dtype == np.uint8
    assert np.abs(decoded.astype(int) - colours).mean() < 3  # lossy, but the same colours


def test_palette_colours_become_rgb(tmp_path):
    path = write_projection(tmp_path / "p.dcm", np.array([[0, 1], [2, 1]], np.uint16))
    dataset = pydicom.dcmread(path)
    dataset.PixelData = bytes([0, 1, 2, 1])
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    reds, greens, blues = (0, 255, 17), (0, 128, 34), (0, 64, 51)
    for name, values in (("Red", reds), ("Green", greens), ("Blue", blues)):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [3, 0, 16])
        dataset[f"{name}PaletteColorLookupTableDescriptor"].VR = "US"
        words = np.array([value * 257 for value in values], "<u2").tobytes()
        setattr(dataset, f"{name}PaletteColorLookupTableData", words)
    save(dataset, path)
    expected = np.stack([np.array(values, np.uint8)[[[0, 1], [2, 1]]] for values in (reds, greens, blues)], axis=-1)
    np.testing.assert_array_equal(_reader(path).frame(0), expected)


def test_bits_beside_the_sample_are_cleared(tmp_path):
    samples = np.array([[5, 4095], [0, 2048]], np.uint16)
    path = write_projection(tmp_path / "o.dcm", samples | 0xA000)  # an overlay in the high bits, 12 stored
    np.testing.assert_array_equal(_reader(path).frame(0), samples)


def test_signed_samples_of_12_bits_keep_their_sign(tmp_path):
    samples = np.array([[-2048, 2047], [-1, 0]], np.int16)
    path = write_projection(tmp_path / "s.dcm", samples.view(np.uint16) & 0x0FFF)
    dataset = pydicom.dcmread(path)
    dataset.PixelRepresentation = 1
    dataset.save_as(path)
    np.testing.assert_array_equal(_reader(path).frame(0), samples)


def test_single_bits_are_unpacked(tmp_path):
    mask = np.random.default_rng(3).integers(0, 2, (5, 7), dtype=np.uint16)
    path = write_projection(tmp_path / "b.dcm", mask)
    dataset = pydicom.dcmread(path)
    packed = np.packbits(mask.reshape(-1).astype(np.uint8), bitorder="little").tobytes()
    dataset.PixelData = packed + bytes(len(packed) % 2)
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = 0
    dataset.save_as(path)
    np.testing.assert_array_equal(_reader(path).frame(0), mask)


def test_a_modality_lut_is_applied(tmp_path):
    path = write_projection(tmp_path / "l.dcm", np.array([[0, 1], [2, 3]], np.uint16))
    dataset = pydicom.dcmread(path)
    item = Dataset()
    item.LUTDescriptor, item.ModalityLUTType = [4, 0, 16], "US"
    item.LUTData = [10, 400, 20, 7]
    item["LUTData"].VR = item["LUTDescriptor"].VR = "US"
    dataset.ModalityLUTSequence = [item]
    dataset.save_as(path)
    np.testing.assert_array_equal(_reader(path).frame(0), [[10, 400], [20, 7]])


@pytest.mark.parametrize("has_table", ["basic", "extended", "none"])
def test_any_frame_of_a_compressed_object_can_be_read_alone(tmp_path, has_table):
    spec = SeriesSpec(name="e", modality="MR", shape=(5, 16, 12), intercept=0.0)
    path = write_enhanced(tmp_path / "e.dcm", spec)
    dataset = pydicom.dcmread(path)
    compress(dataset, RLELossless)
    frames = list(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=5))
    if has_table == "extended":
        dataset.PixelData, offsets, lengths = encapsulate_extended(frames)
        dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = offsets, lengths
    else:
        dataset.PixelData = encapsulate(frames, has_bot=has_table == "basic")
    dataset.save_as(path)
    reader = _reader(path)
    for index in (3, 0, 4):
        np.testing.assert_array_equal(reader.frame(index), spec.modality_values()[index])
    np.testing.assert_array_equal(list(reader.frames()), spec.modality_values())
    with pytest.raises(IndexError):
        reader.frame(5)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless])
def test_damaged_codestreams_are_refused_with_a_code(tmp_path, syntax):
    path, _stored = _slice(tmp_path)
    dataset = pydicom.dcmread(path)
    compress(dataset, syntax)
    dataset.PixelData = encapsulate([b"\x00" * 400])
    dataset.save_as(path)
    with pytest.raises(PixelsUndecodableError) as refusal:
        _reader(path).frame(0)
    assert refusal.value.code == "pixels.undecodable"


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless])
def test_a_codestream_larger_than_its_header_is_not_decoded(tmp_path, syntax):
    path, _stored = _slice(tmp_path)
    dataset = pydicom.dcmread(path)
    compress(dataset, syntax)
    dataset.Rows, dataset.Columns = 4, 4
    dataset.save_as(path)
    with pytest.raises(PixelsUndecodableError, match="72 x 80, its header says 4 x 4"):
        _reader(path).frame(0)


@given(frame=st.binary(max_size=120), syntax=st.sampled_from([JPEG2000Lossless, JPEGLSLossless, RLELossless, "1.2.3"]))
def test_any_bytes_as_a_codestream_are_judged_without_harm(frame, syntax):
    try:
        check_codestream(frame, syntax, rows=4, columns=4)
    except PixelsUndecodableError:
        return
    assert syntax == RLELossless
    assert len(frame) >= 64


def test_a_frame_count_that_is_not_there_is_noticed(tmp_path):
    path = write_enhanced(tmp_path / "e.dcm", SeriesSpec(name="e", modality="MR", shape=(3, 16, 12), intercept=0.0))
    dataset = pydicom.dcmread(path)
    compress(dataset, RLELossless)
    frames = list(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=3))
    dataset.PixelData = encapsulate(frames[:2])
    dataset.save_as(path)
    with pytest.raises(PixelsUndecodableError):
        list(_reader(path).frames())


@given(
    stored=st.lists(st.integers(-32768, 32767), min_size=1, max_size=20),
    slope=st.integers(-3, 3).filter(bool),
    intercept=st.integers(-3000, 3000),
)
def test_whole_numbers_stay_exact_or_are_refused(stored, slope, intercept):
    frame = FrameHeader(rescale_slope=float(slope), rescale_intercept=float(intercept))
    exact = [value * slope + intercept for value in stored]
    for dtype in (INT16, UINT16):
        limits = np.iinfo(dtype)
        try:
            values = to_modality(np.array([stored], np.int16), frame, dtype)
        except DoesNotFitError:
            assert min(exact) < limits.min or max(exact) > limits.max
        else:
            assert values[0].tolist() == exact
    assert to_modality(np.array([stored], np.int16), frame, FLOAT32)[0].tolist() == exact


def test_fractional_slopes_become_float(tmp_path):
    path, stored = _slice(tmp_path)
    image = read_header(path).image
    frame = FrameHeader(rescale_slope=0.1)
    assert candidate_types([ImageHeader.from_json({**image.to_json(), "frames": [_json(frame)]})]) == (FLOAT32,)
    np.testing.assert_allclose(to_modality(stored, frame, FLOAT32), stored * 0.1, rtol=1e-6)


def _json(frame: FrameHeader) -> dict:
    return {name: getattr(frame, name) for name in FrameHeader.__slots__}
