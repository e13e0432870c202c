"""Decode the frames of one object.

Uncompressed grey values and RGB are viewed in place; everything else goes through pydicom's decoders (OpenJPEG, CharLS,
RLE, GDCM, libjpeg through Pillow). JPEG Extended with 12 bits per sample has no decoder among them and is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL.Image import DecompressionBombError
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames, get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from studies.dicom.codestream import check_codestream
from studies.dicom.errors import FileRefusedError, PixelsUndecodableError
from studies.dicom.header import read_attributes
from studies.dicom.image_header import ImageHeader
from studies.dicom.structure import Buffer, open_buffer, read_structure
from studies.dicom.values import PARSER_ERRORS

DECODER_ERRORS = (*PARSER_ERRORS, RuntimeError, OSError, MemoryError, DecompressionBombError)
"""What the decoders raise on content that breaks the rules."""

Pixels = npt.NDArray[np.generic]

_FLOAT_TYPES = {0x7FE00008: "f4", 0x7FE00009: "f8"}
_ITEM = struct.Struct("<HHL")
_EMPTY_OFFSET_TABLE = _ITEM.pack(0xFFFE, 0xE000, 0)


class PixelReader:
    """Frames of one object, decoded on demand.

    `frame` returns stored values, axes (row, column), or RGB as uint8 with axes (row, column, 3): palettes and YBR are
    converted, MONOCHROME1 is left as it is. A modality LUT is applied; slope and intercept are not.
    """

    def __init__(self, source: Path | bytes, image: ImageHeader, transfer_syntax_uid: str) -> None:
        self.source, self.image, self.transfer_syntax_uid = source, image, transfer_syntax_uid
        is_deflated = transfer_syntax_uid == DeflatedExplicitVRLittleEndian
        self.buffer: Buffer = read_structure(source).buffer if is_deflated else open_buffer(source)
        self._dataset: Dataset | None = None
        if image.pixels.offset + image.pixels.length > len(self.buffer):
            raise PixelsUndecodableError(
                "The stored file is shorter than when it arrived. Restore it or send it again."
            )

    def frames(self) -> Iterator[Pixels]:
        """Yield all frames in stored order."""
        if not self.image.pixels.is_encapsulated:
            for index in range(self.image.number_of_frames):
                yield self.frame(index)
            return
        decoded = 0
        try:
            for encoded in self._encoded_frames():
                yield self._finish(self._decompress(encoded))
                decoded += 1
        except DECODER_ERRORS as error:
            raise _undecodable(decoded, error) from error
        if decoded != self.image.number_of_frames:
            raise PixelsUndecodableError(
                f"The file states {self.image.number_of_frames} frames and holds {decoded}. Send it again."
            )

    def frame(self, index: int) -> Pixels:
        """Return one frame.

        Raises
        ------
        IndexError
            Where there is no such frame.
        PixelsUndecodableError
            Where its bytes are not what the header says.
        """
        if not 0 <= index < self.image.number_of_frames:
            raise IndexError(f"Frame {index} of {self.image.number_of_frames}.")
        try:
            return self._finish(self._stored(index))
        except DECODER_ERRORS as error:
            raise _undecodable(index, error) from error

    def _stored(self, index: int) -> Pixels:
        if self.image.pixels.is_encapsulated:
            return self._decompress(self._encoded_frame(index))
        stored_type = self._native_type()
        if stored_type is None:
            return self._through_dataset(index)
        image = self.image
        count = image.rows * image.columns * image.samples_per_pixel
        offset = image.pixels.offset + index * count * stored_type.itemsize
        flat = np.frombuffer(self.buffer, dtype=stored_type, count=count, offset=offset)
        shape = (image.rows, image.columns, 3)[: 2 if image.samples_per_pixel == 1 else 3]
        return self._mask(flat.reshape(shape))

    def _native_type(self) -> np.dtype[Any] | None:
        """Return the type in which uncompressed pixels can be viewed in place, None where they need decoding."""
        image, is_big_endian = self.image, self.transfer_syntax_uid == ExplicitVRBigEndian
        order = ">" if is_big_endian else "<"
        if image.pixels.tag in _FLOAT_TYPES:
            return np.dtype(order + _FLOAT_TYPES[image.pixels.tag])
        if image.samples_per_pixel == 3:
            is_plain = (image.photometric_interpretation, image.bits_allocated, image.planar_configuration)
            return np.dtype("u1") if is_plain == ("RGB", 8, 0) and not is_big_endian else None
        if image.bits_allocated not in (8, 16, 32) or (is_big_endian and image.bits_allocated == 8):
            return None
        return np.dtype(f"{order}{'i' if image.pixel_representation else 'u'}{image.bits_allocated // 8}")

    def _mask(self, stored: Pixels) -> Pixels:
        """Clear the bits that hold no sample: old writers put overlays there (PS3.5 section 8.1.1)."""
        image = self.image
        if image.pixels.tag in _FLOAT_TYPES or image.bits_stored == image.bits_allocated:
            return stored
        above = image.bits_allocated - 1 - image.high_bit
        below = image.bits_allocated - image.bits_stored
        native: npt.NDArray[np.integer] = stored.astype(stored.dtype.newbyteorder("="))
        return (native << above) >> below

    def _through_dataset(self, index: int) -> Pixels:
        """Decode uncompressed pixels that need more than a view: bit-packed, sub-sampled, planar, swapped."""
        source = BytesIO(self.source) if isinstance(self.source, bytes) else self.source
        if self.transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
            read_structure(self.source)  # bounds the inflated size, pydicom does not
        pixels, _properties = get_decoder(self.transfer_syntax_uid).as_array(dcmread(source), index=index)
        return np.asarray(pixels)

    def _encoded_frames(self) -> Iterator[bytes]:
        frames = generate_frames(
            self._encapsulated(),
            number_of_frames=self.image.number_of_frames,
            extended_offsets=self._extended_offsets(),
        )
        return iter(frames)

    def _encoded_frame(self, index: int) -> bytes:
        return bytes(
            get_frame(
                self._encapsulated(),
                index,
                number_of_frames=self.image.number_of_frames,
                extended_offsets=self._extended_offsets(),
            )
        )

    def _encapsulated(self) -> bytes:
        span = self.image.pixels
        return bytes(self.buffer[span.offset : span.offset + span.length])

    def _extended_offsets(self) -> tuple[bytes, bytes] | None:
        dataset = self._attributes()
        if dataset is None or "ExtendedOffsetTable" not in dataset:
            return None
        return dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths

    def _attributes(self) -> Dataset | None:
        """Return the parsed attributes where the header does not hold all that decoding takes."""
        if self._dataset is None and self.image.needs_dataset:
            try:
                self._dataset = read_attributes(read_structure(self.source))
            except FileRefusedError as error:
                raise PixelsUndecodableError("The stored file cannot be read any more. Restore it.") from error
        return self._dataset

    def _decompress(self, encoded: bytes) -> Pixels:
        image = self.image
        check_codestream(encoded, self.transfer_syntax_uid, rows=image.rows, columns=image.columns)
        encoded += bytes(len(encoded) % 2)
        wrapped = _EMPTY_OFFSET_TABLE + _ITEM.pack(0xFFFE, 0xE000, len(encoded)) + encoded
        options: dict[str, Any] = {
            "rows": image.rows,
            "columns": image.columns,
            "number_of_frames": 1,
            "samples_per_pixel": image.samples_per_pixel,
            "photometric_interpretation": image.photometric_interpretation,
            "planar_configuration": image.planar_configuration,
            "bits_allocated": image.bits_allocated,
            "bits_stored": image.bits_stored,
            "pixel_representation": image.pixel_representation,
            "pixel_keyword": "PixelData",
        }
        pixels, _properties = get_decoder(self.transfer_syntax_uid).as_array(wrapped, index=0, **options)
        return np.asarray(pixels)

    def _finish(self, pixels: Pixels) -> Pixels:
        """Turn what was decoded into RGB or stored grey values."""
        dataset = self._attributes()
        bits = self.image.bits_stored
        if self.image.photometric_interpretation == "PALETTE COLOR":
            if dataset is None:
                raise PixelsUndecodableError("The image is in palette colours and has no palette. Export it again.")
            pixels = apply_color_lut(pixels, dataset)
            bits = pixels.dtype.itemsize * 8
        elif dataset is not None and "ModalityLUTSequence" in dataset:
            return np.asarray(apply_modality_lut(pixels, dataset))
        if pixels.ndim == 3 and pixels.dtype != np.uint8:
            return (pixels.astype(np.uint32) >> max(0, bits - 8)).astype(np.uint8)
        return pixels


def _undecodable(index: int, error: BaseException) -> PixelsUndecodableError:
    if isinstance(error, PixelsUndecodableError):
        return error
    return PixelsUndecodableError(
        f"Image {index + 1} of the file cannot be decoded: its pixel data is damaged or in a form SegWeb does not "
        "know. Send the file again, or export it uncompressed.",
        cause=type(error).__name__,
    )
