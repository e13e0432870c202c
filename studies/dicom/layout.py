"""Where things lie in a DICOM file, found without recursion and without believing any length.

Strangers' files are walked here before pydicom parses them: pydicom follows nested sequences by recursion, inflates
without limit and accepts a file that ends in the middle of an element.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import ClassVar

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from studies.errors import DomainError

MAX_DEPTH = 64
"""Sequences within sequences; real objects stay below twenty."""
MAX_INFLATED_BYTES = 1024**3
_UNDEFINED = 0xFFFFFFFF
_PIXEL_TAGS = frozenset({(0x7FE0, 0x0008), (0x7FE0, 0x0009), (0x7FE0, 0x0010)})
_ITEM, _ITEM_END, _SEQUENCE_END = 0xE000, 0xE00D, 0xE0DD
_LONG_REPRESENTATIONS = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
_PREFIX_AT, _PREFIX = 128, b"DICM"
_META_GROUP = 0x0002
_TRANSFER_SYNTAX = (0x0002, 0x0010)


class ObjectError(DomainError):
    """A file that is not an object the archive can hold."""

    status: ClassVar[int] = 422


class TruncatedError(ObjectError):
    """The file ends before what it announces."""

    code: ClassVar[str] = "instance.truncated"


class DamagedError(ObjectError):
    """The file's structure contradicts itself."""

    code: ClassVar[str] = "instance.damaged"


class TooDeepError(ObjectError):
    """Sequences are nested beyond anything real."""

    code: ClassVar[str] = "instance.too_deep"


class TooLargeError(ObjectError):
    """The object unpacks to more than can be held."""

    code: ClassVar[str] = "instance.too_large"


class NotDicomError(ObjectError):
    """Not a DICOM file."""

    code: ClassVar[str] = "file.not_dicom"


@dataclass(frozen=True, slots=True)
class PixelLocation:
    """Where the pixel data element's value lies.

    Attributes
    ----------
    offset, length
        In bytes, in the file, or in the inflated data set of a deflated one. For encapsulated data the length runs
        over all items, the sequence delimiter excluded.
    fragments
        (offset, length) of each fragment after the basic offset table; empty for native data.
    """

    offset: int
    length: int
    is_encapsulated: bool
    fragments: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class FileLayout:
    """A DICOM file whose structure is whole.

    Attributes
    ----------
    contents
        What the offsets of ``pixels`` count in: the file itself, or its inflated data set.
    """

    transfer_syntax_uid: str
    pixels: PixelLocation | None
    contents: memoryview


@dataclass(slots=True)
class _Level:
    """An open sequence or item; ``end`` is None while its length is undefined."""

    end: int | None
    is_item: bool
    is_explicit: bool


def scan_file(contents: memoryview) -> FileLayout:
    """Walk a DICOM file from its first to its last element.

    Parameters
    ----------
    contents
        The whole file.

    Raises
    ------
    TruncatedError, DamagedError, TooDeepError, TooLargeError, NotDicomError
        When the file cannot be walked to its end.

    References
    ----------
    DICOM PS3.5 section 7 (data elements, nesting), A.4 (encapsulation), A.5 (deflate); PS3.10 section 7.1.
    """
    start = _PREFIX_AT + len(_PREFIX) if contents[_PREFIX_AT : _PREFIX_AT + 4] == _PREFIX else 0
    syntax, start = _read_meta(contents, start)
    syntax = syntax or _guess_syntax(contents, start)
    if syntax == DeflatedExplicitVRLittleEndian:
        contents, start = memoryview(_inflate(contents[start:])), 0
    is_explicit, order = syntax != ImplicitVRLittleEndian, ">" if syntax == ExplicitVRBigEndian else "<"
    pixels = _Walk(contents, start, is_explicit=is_explicit, order=order).run()
    return FileLayout(str(syntax), pixels, contents)


class _Walk:
    """One pass over the elements with an explicit stack."""

    def __init__(self, contents: memoryview, start: int, *, is_explicit: bool, order: str) -> None:
        self._contents = contents
        self._at = start
        self._end = len(contents)
        self._levels: list[_Level] = []
        self._is_explicit = is_explicit
        self._tag = struct.Struct(f"{order}HH")
        self._short = struct.Struct(f"{order}H")
        self._long = struct.Struct(f"{order}L")
        self._pixels: PixelLocation | None = None

    def run(self) -> PixelLocation | None:
        """Return where the pixel data lie, None when there are none."""
        while True:
            self._close_finished()
            if self._at == self._end:
                break
            self._need(8)
            group, element = self._tag.unpack_from(self._contents, self._at)
            if group == 0xFFFE:
                self._mark(element)
            elif (group, element) == (0, 0) and not self._levels and self._is_padding():
                break
            else:
                self._element(group, element)
        if self._levels:
            raise _truncated()
        return self._pixels

    def _close_finished(self) -> None:
        while self._levels and self._levels[-1].end is not None and self._at >= self._levels[-1].end:
            if self._at > self._levels[-1].end:
                raise DamagedError("An element reaches beyond the sequence that holds it. Export the image again.")
            self._levels.pop()

    def _mark(self, element: int) -> None:
        length = self._long.unpack_from(self._contents, self._at + 4)[0]
        self._at += 8
        if element == _ITEM:
            if not self._levels or self._levels[-1].is_item:
                raise _out_of_place()
            self._open(length, is_item=True, is_explicit=self._levels[-1].is_explicit)
        elif element in (_ITEM_END, _SEQUENCE_END):
            if not self._levels or self._levels[-1].is_item is not (element == _ITEM_END):
                raise _out_of_place()
            self._levels.pop()
        else:
            raise _out_of_place()

    def _element(self, group: int, element: int) -> None:
        if self._levels and not self._levels[-1].is_item:
            raise _out_of_place()
        is_explicit = self._levels[-1].is_explicit if self._levels else self._is_explicit
        representation, length = self._read_header(group, element, is_explicit=is_explicit)
        is_pixels = not self._levels and (group, element) in _PIXEL_TAGS
        if length == _UNDEFINED and is_pixels:
            self._pixels = self._walk_fragments()
        elif length == _UNDEFINED or representation == b"SQ":
            # PS3.5 6.2.2 note 2: an unknown sequence of undefined length is coded in implicit VR
            self._open(length, is_item=False, is_explicit=is_explicit and representation != b"UN")
        else:
            self._need(length)
            if is_pixels:
                self._pixels = PixelLocation(self._at, length, is_encapsulated=False, fragments=())
            self._at += length

    def _read_header(self, group: int, element: int, *, is_explicit: bool) -> tuple[bytes, int]:
        """Read representation and length, and move to the value."""
        at = self._at
        if not is_explicit:
            self._at += 8
            return _looked_up(group, element), int(self._long.unpack_from(self._contents, at + 4)[0])
        representation = bytes(self._contents[at + 4 : at + 6])
        if not (representation.isalpha() and representation.isupper()):
            raise DamagedError(f"The element ({group:04X},{element:04X}) cannot be read. Export the image again.")
        if representation in _LONG_REPRESENTATIONS:
            self._need(12)
            self._at += 12
            return representation, int(self._long.unpack_from(self._contents, at + 8)[0])
        self._at += 8
        return representation, int(self._short.unpack_from(self._contents, at + 6)[0])

    def _open(self, length: int, *, is_item: bool, is_explicit: bool) -> None:
        if len(self._levels) >= 2 * MAX_DEPTH:  # a sequence and its item are two levels
            raise TooDeepError(
                f"Sequences are nested more than {MAX_DEPTH} deep, as in no real image. Export the image again."
            )
        if length != _UNDEFINED:
            self._need(length)
        self._levels.append(_Level(None if length == _UNDEFINED else self._at + length, is_item, is_explicit))

    def _walk_fragments(self) -> PixelLocation:
        start = self._at
        fragments: list[tuple[int, int]] = []
        while True:
            self._need(8)
            group, element = self._tag.unpack_from(self._contents, self._at)
            length = self._long.unpack_from(self._contents, self._at + 4)[0]
            if (group, element) == (0xFFFE, _SEQUENCE_END):
                location = PixelLocation(start, self._at - start, is_encapsulated=True, fragments=tuple(fragments[1:]))
                self._at += 8
                return location
            if (group, element) != (0xFFFE, _ITEM) or length == _UNDEFINED:
                raise DamagedError("The compressed pixel data are damaged. Export the image again.")
            self._at += 8
            self._need(length)
            fragments.append((self._at, length))
            self._at += length

    def _need(self, count: int) -> None:
        if self._at + count > self._end:
            raise _truncated()

    def _is_padding(self) -> bool:
        return not any(self._contents[self._at : self._at + 64])


def _read_meta(contents: memoryview, start: int) -> tuple[UID | None, int]:
    """Read group 0002, which is always explicit little endian; return the transfer syntax and where the rest begins."""
    syntax, at = None, start
    while at + 8 <= len(contents) and struct.unpack_from("<H", contents, at)[0] == _META_GROUP:
        group, element = struct.unpack_from("<HH", contents, at)
        if bytes(contents[at + 4 : at + 6]) in _LONG_REPRESENTATIONS:
            if at + 12 > len(contents):
                raise _truncated()
            length, value_at = struct.unpack_from("<L", contents, at + 8)[0], at + 12
        else:
            length, value_at = struct.unpack_from("<H", contents, at + 6)[0], at + 8
        if value_at + length > len(contents):
            raise _truncated()
        if (group, element) == _TRANSFER_SYNTAX:
            syntax = UID(bytes(contents[value_at : value_at + length]).rstrip(b"\0 ").decode("ascii", "replace"))
        at = value_at + length
    return syntax, at


def _guess_syntax(contents: memoryview, start: int) -> UID:
    """Tell explicit from implicit by the first element, for files without a transfer syntax."""
    if len(contents) - start < 8:
        raise NotDicomError("This is not a DICOM file: it has no data set.")
    if struct.unpack_from("<H", contents, start)[0] > 0x0010:
        raise NotDicomError("This is not a DICOM file: its first element is none that images begin with.")
    representation = bytes(contents[start + 4 : start + 6])
    is_explicit = representation.isalpha() and representation.isupper()
    return UID(ExplicitVRLittleEndian if is_explicit else ImplicitVRLittleEndian)


def _inflate(deflated: memoryview) -> bytes:
    inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(deflated, MAX_INFLATED_BYTES)
    except zlib.error as error:
        raise DamagedError("The deflated data set is damaged. Export the image again.") from error
    if inflater.unconsumed_tail:
        raise TooLargeError("The deflated data set unpacks to more than 1 GiB. Export the image without deflating it.")
    if not inflater.eof:
        raise _truncated()
    return inflated


def _looked_up(group: int, element: int) -> bytes:
    tag = (group << 16) | element
    return b"SQ" if dictionary_has_tag(tag) and dictionary_VR(tag) == "SQ" else b""


def _truncated() -> TruncatedError:
    return TruncatedError("The file ends too early; part of it is missing. Copy it again from where it came from.")


def _out_of_place() -> DamagedError:
    return DamagedError("A sequence's parts are out of place. Export the image again.")
