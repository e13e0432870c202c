"""The skeleton of a DICOM file, walked before anything trusts it.

The walk is a loop with a stack of its own, so nesting costs no recursion; it allocates nothing that the file states. It
ends at the pixel data, whose place it reports: nothing that follows is needed to show an image.

References
----------
DICOM PS3.5 sections 7 and A.4; PS3.10 section 7.
"""

from __future__ import annotations

import mmap
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from struct import Struct

from pydicom.datadict import dictionary_VR
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from studies.dicom.errors import (
    AbsurdSizeError,
    MalformedFileError,
    NestedTooDeepError,
    NotDicomError,
    TooManyElementsError,
    TruncatedFileError,
)

Buffer = bytes | mmap.mmap

MAX_DEPTH = 32
"""Deepest nesting met in practice is about 10 (structured reports)."""
MAX_ELEMENTS = 500_000
"""An enhanced object of 2,000 frames has about 200,000."""
MAX_ELEMENT_BYTES = 256 * 1024**2
"""For any single element but the pixel data."""
MAX_INFLATED_BYTES = 1024**3

PIXEL_DATA_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
UNDEFINED = 0xFFFFFFFF
PREAMBLE_BYTES = 132

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_TRANSFER_SYNTAX, _MEDIA_CLASS, _MEDIA_INSTANCE = 0x00020010, 0x00020002, 0x00020003


@dataclass(frozen=True, slots=True)
class PixelSpan:
    """Where the encoded pixels lie: `length` bytes of value from `offset` in the dataset's buffer.

    For encapsulated pixels the value begins with the Basic Offset Table's item and ends before the sequence delimiter.
    """

    tag: int
    offset: int
    length: int
    is_encapsulated: bool


@dataclass(frozen=True, slots=True)
class FileStructure:
    """A file whose skeleton is sound up to its pixel data.

    Attributes
    ----------
    buffer
        The whole file; for the deflated transfer syntax, the inflated dataset alone.
    dataset_offset, dataset_end
        Where the dataset begins in `buffer` and where it ends or its pixel data element begins.
    is_implicit, is_little_endian
        The dataset's encoding as found, which may differ from what its transfer syntax says.
    pixels
        Place of the pixel data, None where there is none.
    """

    buffer: Buffer
    transfer_syntax_uid: str
    media_storage_sop_class_uid: str
    media_storage_sop_instance_uid: str
    dataset_offset: int
    dataset_end: int
    is_implicit: bool
    is_little_endian: bool
    pixels: PixelSpan | None


def open_buffer(source: Path | bytes) -> Buffer:
    """Return the file's bytes, mapped rather than read where `source` is a path."""
    if isinstance(source, bytes):
        return source
    with source.open("rb") as stream:
        try:
            return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # an empty file cannot be mapped
            return b""


def read_structure(source: Path | bytes) -> FileStructure:
    """Walk a Part 10 file up to its pixel data.

    Raises
    ------
    FileRefusedError
        With the code that says what is wrong.
    """
    buffer = open_buffer(source)
    if len(buffer) < PREAMBLE_BYTES or buffer[128:PREAMBLE_BYTES] != b"DICM":
        raise NotDicomError("This is not a DICOM file: the letters DICM are missing. Send the file the device wrote.")
    meta, offset = _read_meta(buffer)
    syntax = meta.get(_TRANSFER_SYNTAX, ImplicitVRLittleEndian)
    if syntax == DeflatedExplicitVRLittleEndian:
        buffer, offset = _inflate(buffer, offset), 0
    is_little_endian = syntax != ExplicitVRBigEndian
    is_implicit = _looks_implicit(buffer, offset, assumed=syntax == ImplicitVRLittleEndian)
    walk = _Walk(buffer, offset, is_implicit=is_implicit, is_little_endian=is_little_endian)
    pixels, end = walk.run()
    return FileStructure(
        buffer=buffer,
        transfer_syntax_uid=syntax,
        media_storage_sop_class_uid=meta.get(_MEDIA_CLASS, ""),
        media_storage_sop_instance_uid=meta.get(_MEDIA_INSTANCE, ""),
        dataset_offset=offset,
        dataset_end=end,
        is_implicit=is_implicit,
        is_little_endian=is_little_endian,
        pixels=pixels,
    )


def _read_meta(buffer: Buffer) -> tuple[dict[int, str], int]:
    """Return the UIDs of group 0002 and where the dataset begins. Group 0002 is always Explicit VR Little Endian."""
    uids: dict[int, str] = {}
    position, short, long = PREAMBLE_BYTES, Struct("<HH2sH"), Struct("<L")
    while position + 8 <= len(buffer):
        group, element, vr, length = short.unpack_from(buffer, position)
        if group != 0x0002:
            break
        position += 8
        if vr in _LONG_VRS:
            if position + 4 > len(buffer):
                break
            length = long.unpack_from(buffer, position)[0]
            position += 4
        if length > len(buffer) - position:
            raise TruncatedFileError("The file ends inside its own file header. Send it again.")
        if vr == b"UI":
            text = buffer[position : position + min(length, 128)].decode("ascii", errors="replace")
            uids[group << 16 | element] = text.rstrip("\0 ")
        position += length
    if position + 8 > len(buffer):
        raise TruncatedFileError("The file ends right after its file header. Send it again.")
    return uids, position


def _inflate(buffer: Buffer, offset: int) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(buffer[offset:], MAX_INFLATED_BYTES)
    except zlib.error as error:
        raise MalformedFileError("The deflated dataset cannot be inflated. Send the file again.") from error
    if inflater.unconsumed_tail:
        raise AbsurdSizeError(f"The deflated dataset grows beyond {MAX_INFLATED_BYTES // 1024**2} MiB.")
    if not inflater.eof:
        raise TruncatedFileError("The deflated dataset is cut off. Send the file again.")
    return inflated


def _looks_implicit(buffer: Buffer, offset: int, *, assumed: bool) -> bool:
    """Tell from the first element whether VRs are written, as readers in the field do; writers get it wrong."""
    vr = buffer[offset + 4 : offset + 6]
    return not (len(vr) == 2 and vr.isalpha() and vr.isupper()) if len(vr) == 2 else assumed


@dataclass(slots=True)
class _Level:
    """One open sequence or item of the walk; `end` is the parent's where the own length is undefined."""

    is_sequence: bool
    end: int
    is_undefined: bool
    is_implicit: bool


class _Walk:
    """One pass over the elements of a dataset."""

    def __init__(self, buffer: Buffer, offset: int, *, is_implicit: bool, is_little_endian: bool) -> None:
        order = "<" if is_little_endian else ">"
        self.buffer, self.position = buffer, offset
        self.tag_length, self.explicit, self.long = Struct(order + "HHL"), Struct(order + "HH2sH"), Struct(order + "L")
        self.level = _Level(is_sequence=False, end=len(buffer), is_undefined=False, is_implicit=is_implicit)
        self.outer: list[_Level] = []
        self.elements = 0

    def run(self) -> tuple[PixelSpan | None, int]:
        """Return the pixel data's place and the end of what precedes it."""
        while True:
            if self.level.end - self.position < 8:
                if self._close_level():
                    return None, self.level.end
                continue
            self._count()
            if self.level.is_sequence:
                self._item()
                continue
            started = self.position
            if (pixels := self._element()) is not None:
                return pixels, started

    def _count(self) -> None:
        self.elements += 1
        if self.elements > MAX_ELEMENTS:
            raise TooManyElementsError(f"The file has more than {MAX_ELEMENTS} data elements. No device writes that.")

    def _close_level(self) -> bool:
        """Leave a level whose bytes are used up; True at the end of the dataset."""
        rest = self.level.end - self.position
        if self.level.is_undefined:
            raise TruncatedFileError("The file ends inside a sequence. Send it again.")
        if rest < 0 or (rest > 0 and any(self.buffer[self.position : self.level.end])):
            raise TruncatedFileError("The file ends inside a data element. Send it again.")
        if not self.outer:
            return True
        self.position = self.level.end
        self.level = self.outer.pop()
        return False

    def _item(self) -> None:
        group, element, length = self.tag_length.unpack_from(self.buffer, self.position)
        tag = group << 16 | element
        self.position += 8
        if tag == _SEQUENCE_END and self.level.is_undefined:
            self.level = self.outer.pop()
        elif tag == _ITEM:
            self._open(is_sequence=False, length=length, is_implicit=self.level.is_implicit)
        else:
            raise MalformedFileError(f"A sequence holds ({group:04X},{element:04X}) where an item should begin.")

    def _element(self) -> PixelSpan | None:
        tag, vr, length = self._element_header()
        if tag == _ITEM_END:
            if not self.level.is_undefined:
                raise MalformedFileError("An item delimiter stands where no item is open.")
            self.level = self.outer.pop()
        elif tag in PIXEL_DATA_TAGS and not self.outer:
            return self._pixels(tag, length)
        elif self._is_sequence(tag, vr, length):
            self._open(is_sequence=True, length=length, is_implicit=vr in (None, b"UN"))
        elif length == UNDEFINED:
            self._fragments()
        else:
            self._skip(length)
        return None

    def _element_header(self) -> tuple[int, bytes | None, int]:
        """Return tag, VR (None where it is not written) and length, and step behind them."""
        group, element, length = self.tag_length.unpack_from(self.buffer, self.position)
        vr = None
        if not self.level.is_implicit and group != 0xFFFE:
            written, short_length = self.explicit.unpack_from(self.buffer, self.position)[2:]
            if b"AA" <= written <= b"ZZ":
                vr, length = written, short_length
        self.position += 8
        if vr in _LONG_VRS:
            if self.level.end - self.position < 4:
                raise TruncatedFileError("The file ends inside a data element. Send it again.")
            length = self.long.unpack_from(self.buffer, self.position)[0]
            self.position += 4
        return group << 16 | element, vr, length

    def _is_sequence(self, tag: int, vr: bytes | None, length: int) -> bool:
        if vr == b"SQ":
            return True
        if vr is not None and vr != b"UN":
            return False
        if length == UNDEFINED:
            return True
        with suppress(KeyError):
            return dictionary_VR(tag) == "SQ"
        return False

    def _open(self, *, is_sequence: bool, length: int, is_implicit: bool) -> None:
        if len(self.outer) >= 2 * MAX_DEPTH:
            raise NestedTooDeepError(f"The file nests sequences more than {MAX_DEPTH} deep. No device writes that.")
        is_undefined = length == UNDEFINED
        end = self.level.end if is_undefined else self.position + length
        if end > self.level.end:
            raise TruncatedFileError("A sequence announces more bytes than the file has. Send it again.")
        self.outer.append(self.level)
        self.level = _Level(is_sequence=is_sequence, end=end, is_undefined=is_undefined, is_implicit=is_implicit)

    def _skip(self, length: int) -> None:
        if length > self.level.end - self.position:
            raise TruncatedFileError("A data element announces more bytes than the file has. Send it again.")
        if length > MAX_ELEMENT_BYTES:
            raise AbsurdSizeError(f"A data element has {length} bytes; at most {MAX_ELEMENT_BYTES} are read.")
        self.position += length

    def _pixels(self, tag: int, length: int) -> PixelSpan:
        offset = self.position
        if length != UNDEFINED:
            if length > self.level.end - offset:
                raise TruncatedFileError(
                    f"The pixel data should have {length} bytes; the file ends after {self.level.end - offset}. "
                    "Send it again."
                )
            return PixelSpan(tag=tag, offset=offset, length=length, is_encapsulated=False)
        self._fragments()
        return PixelSpan(tag=tag, offset=offset, length=self.position - 8 - offset, is_encapsulated=True)

    def _fragments(self) -> None:
        """Step over the items of an encapsulated value, delimiter included."""
        while True:
            self._count()
            if self.level.end - self.position < 8:
                raise TruncatedFileError("The file ends inside its compressed pixel data. Send it again.")
            group, element, length = self.tag_length.unpack_from(self.buffer, self.position)
            self.position += 8
            if (group, element) == (0xFFFE, 0xE0DD):
                return
            if (group, element) != (0xFFFE, 0xE000) or length == UNDEFINED:
                raise MalformedFileError("The compressed pixel data is not a sequence of fragments.")
            if length > self.level.end - self.position:
                raise TruncatedFileError("The file ends inside its compressed pixel data. Send it again.")
            self.position += length
