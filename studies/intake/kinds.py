"""What a file is, told by its first bytes; names and extensions are not evidence."""

from __future__ import annotations

import zlib
from enum import StrEnum
from pathlib import PurePosixPath

PROBE_BYTES = 4096
"""How much of a file's beginning `detect_kind` wants to see."""

_NIFTI_MAGICS = ((344, b"n+1\0"), (344, b"ni1\0"), (4, b"n+2\0\r\n\x1a\n"), (4, b"ni2\0\r\n\x1a\n"))
_OTHER_ARCHIVES = (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")
_TAR_OFFSET, _TAR_MAGIC = 257, b"ustar"
_DICOM_OFFSET, _DICOM_MAGIC = 128, b"DICM"
_FIRST_GROUPS = (b"\x02\x00\x00\x00", b"\x08\x00")
_JUNK_NAMES = frozenset({".ds_store", "thumbs.db", "desktop.ini", "ehthumbs.db"})


class FileKind(StrEnum):
    """Every kind of file the door tells apart."""

    DICOM = "dicom"
    ZIP = "zip"
    OTHER_ARCHIVE = "other_archive"
    PNG = "png"
    JPEG = "jpeg"
    NIFTI = "nifti"
    NIFTI_GZIPPED = "nifti_gzipped"
    EMPTY = "empty"
    UNKNOWN = "unknown"


def detect_kind(beginning: bytes) -> FileKind:
    """Tell a file's kind from its first `PROBE_BYTES` bytes (all of them when it is shorter).

    Whatever cannot be told is `FileKind.UNKNOWN`.

    References
    ----------
    DICOM PS3.10 section 7.1 (preamble and prefix); PKWARE APPNOTE 4.3; PNG (ISO/IEC 15948) 5.2; NIfTI-1 and NIfTI-2
    header field ``magic``.
    """
    if not beginning:
        return FileKind.EMPTY
    if beginning[_DICOM_OFFSET : _DICOM_OFFSET + 4] == _DICOM_MAGIC:
        return FileKind.DICOM
    if beginning.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return FileKind.ZIP
    return _picture_kind(beginning) or _volume_kind(beginning) or _remaining_kind(beginning)


def is_junk(path: str) -> bool:
    """Tell whether a path is what file managers leave behind: nobody meant to send it."""
    parts = [part.lower() for part in PurePosixPath(path.replace("\\", "/")).parts]
    return bool(parts) and (
        "__macosx" in parts or parts[-1] in _JUNK_NAMES or parts[-1].startswith("._") or parts[-1] == "icon\r"
    )


def _picture_kind(beginning: bytes) -> FileKind | None:
    if beginning.startswith(b"\x89PNG\r\n\x1a\n"):
        return FileKind.PNG
    if beginning.startswith(b"\xff\xd8\xff"):
        return FileKind.JPEG
    return None


def _volume_kind(beginning: bytes) -> FileKind | None:
    if _is_nifti(beginning):
        return FileKind.NIFTI
    if beginning.startswith(b"\x1f\x8b"):
        return FileKind.NIFTI_GZIPPED if _is_nifti(_inflate_beginning(beginning)) else FileKind.OTHER_ARCHIVE
    return None


def _remaining_kind(beginning: bytes) -> FileKind:
    if beginning.startswith(_OTHER_ARCHIVES) or beginning[_TAR_OFFSET : _TAR_OFFSET + 5] == _TAR_MAGIC:
        return FileKind.OTHER_ARCHIVE
    if _looks_like_bare_data_set(beginning):
        return FileKind.DICOM
    return FileKind.UNKNOWN


def _is_nifti(beginning: bytes) -> bool:
    return any(beginning[offset : offset + len(magic)] == magic for offset, magic in _NIFTI_MAGICS)


def _inflate_beginning(beginning: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(beginning, PROBE_BYTES)
    except zlib.error:
        return b""


def _looks_like_bare_data_set(beginning: bytes) -> bool:
    """DICOM without preamble: group 0002 or 0008 first, then a value representation or a small length."""
    if len(beginning) < 16 or not beginning.startswith(_FIRST_GROUPS):
        return False
    representation, length = beginning[4:6], int.from_bytes(beginning[4:8], "little")
    return (representation.isalpha() and representation.isupper()) or length <= 64
