"""Zip archives from strangers, walked member by member without unpacking them anywhere.

Nothing of an archive is believed: sizes are counted while inflating, names are shown and never used as paths, and the
walk stops at limits that hold over the archive and everything nested in it.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath, PureWindowsPath
from typing import BinaryIO, ClassVar

from studies.errors import DomainError

GIB = 1024**3
_END_RECORD = b"PK\x05\x06"
_END_RECORD_BYTES = 22
_LOCAL_HEADER_BYTES = 30
_LONGEST_COMMENT_BYTES = 65535
_LONGEST_SHOWN_PATH = 900


class ArchiveError(DomainError):
    """An archive, or a member of one, that cannot be read or must not be."""

    status: ClassVar[int] = 422


class ArchiveDamagedError(ArchiveError):
    """Not a whole zip archive."""

    code: ClassVar[str] = "archive.damaged"


class ArchiveEncryptedError(ArchiveError):
    """Locked with a password."""

    code: ClassVar[str] = "archive.encrypted"


class ArchiveTooLargeError(ArchiveError):
    """Unpacks to more than the door takes: too many files, too many bytes, or a bomb."""

    code: ClassVar[str] = "archive.too_large"


class ArchiveTooDeepError(ArchiveError):
    """Archives within archives beyond the depth the door follows."""

    code: ClassVar[str] = "archive.too_deep"


class UnsafePathError(ArchiveError):
    """A member whose name points out of the archive."""

    code: ClassVar[str] = "archive.unsafe_path"


class SymbolicLinkError(ArchiveError):
    """A member that is a link, not a file."""

    code: ClassVar[str] = "archive.symbolic_link"


class UnsupportedCompressionError(ArchiveError):
    """A member packed by a method that Python's zipfile cannot read."""

    code: ClassVar[str] = "archive.unsupported_compression"


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What one upload may unpack to.

    Attributes
    ----------
    max_files
        Members over all nested archives.
    max_total_bytes
        Unpacked bytes over all members.
    max_ratio
        Unpacked to packed bytes of the whole, tested once more than ``free_bytes`` are unpacked: images of a phantom
        are nearly empty and may pack 1000:1, but not at gigabytes.
    max_depth
        Archives within archives; 1 reads an archive in an archive.
    """

    max_files: int = 100_000
    max_total_bytes: int = 64 * GIB
    max_ratio: float = 50.0
    free_bytes: int = 2 * GIB
    max_depth: int = 1
    max_directory_bytes: int = 64 * 1024**2


@dataclass(slots=True)
class ArchiveBudget:
    """Counts what an upload unpacks, over all its nested archives."""

    limits: ArchiveLimits
    packed_bytes: int
    files: int = 0
    unpacked_bytes: int = 0

    def spend_file(self) -> None:
        """Count one member.

        Raises
        ------
        ArchiveTooLargeError
            When there are more than the limit.
        """
        self.files += 1
        if self.files > self.limits.max_files:
            raise ArchiveTooLargeError(
                f"The archive holds more than {self.limits.max_files} files. Send it in several smaller archives."
            )

    def spend_bytes(self, count: int) -> None:
        """Count unpacked bytes.

        Raises
        ------
        ArchiveTooLargeError
            When the total, or its ratio to the packed size, is above the limit.
        """
        self.unpacked_bytes += count
        if self.unpacked_bytes > self.limits.max_total_bytes:
            raise ArchiveTooLargeError(
                f"The archive unpacks to more than {self.limits.max_total_bytes / GIB:.1f} GiB. Send it in parts."
            )
        is_bomb = self.unpacked_bytes > self.limits.max_ratio * max(self.packed_bytes, 1)
        if is_bomb and self.unpacked_bytes > self.limits.free_bytes:
            raise ArchiveTooLargeError(
                f"The archive unpacks to more than {self.limits.max_ratio:.0f} times its size, as a zip bomb does. "
                "Send the images without packing them."
            )


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """One file in an archive: its name for showing, and either how to read it or why not."""

    path: str
    size_bytes: int
    refusal: ArchiveError | None
    _archive: zipfile.ZipFile = field(repr=False)
    _entry: zipfile.ZipInfo = field(repr=False)
    _budget: ArchiveBudget = field(repr=False)

    def open(self) -> MemberStream:
        """Open the member for one reading from start to end."""
        if self.refusal is not None:
            raise self.refusal
        try:
            return MemberStream(self._archive.open(self._entry), self._budget)
        except NotImplementedError as error:
            raise UnsupportedCompressionError(
                "The file is packed by a method that cannot be read here. Pack it again as an ordinary zip."
            ) from error
        except RuntimeError as error:
            raise _encrypted() from error
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, struct.error) as error:
            raise _damaged(str(error)) from error


class MemberStream:
    """Reads a member, counting what comes out; the checksum is tested at the end."""

    def __init__(self, stream: object, budget: ArchiveBudget) -> None:
        self._stream: BinaryIO = stream  # type: ignore[assignment]
        self._budget = budget

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes; empty at the end.

        Raises
        ------
        ArchiveError
            When the member is damaged or the budget is spent.
        """
        try:
            content = self._stream.read(size if size >= 0 else 1024 * 1024)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, struct.error, OSError) as error:
            raise _damaged(str(error)) from error
        except NotImplementedError as error:
            raise UnsupportedCompressionError("Pack the file again as an ordinary zip.") from error
        self._budget.spend_bytes(len(content))
        return content

    def close(self) -> None:
        """Let go of the member."""
        self._stream.close()

    def __enter__(self) -> MemberStream:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Rejoined:
    """A stream whose beginning has been looked at and is read again."""

    def __init__(self, stream: MemberStream) -> None:
        self._stream = stream
        self._beginning = b""

    def peek(self, count: int) -> bytes:
        """Return the first ``count`` bytes, fewer at the end, before anything is read."""
        while len(self._beginning) < count and (chunk := self._stream.read(count - len(self._beginning))):
            self._beginning += chunk
        return self._beginning

    def read(self, size: int = -1) -> bytes:
        """Read on from the very beginning."""
        if self._beginning:
            beginning, self._beginning = self._beginning, b""
            return beginning
        return self._stream.read(size)


def walk_archive(stream: BinaryIO, *, budget: ArchiveBudget, depth: int = 0) -> Iterator[ArchiveMember]:
    """Yield the files of a zip archive in the order of its directory.

    Parameters
    ----------
    stream
        The archive, seekable; must stay open during the walk.
    budget
        Shared by all archives of one upload.
    depth
        0 for the archive that was sent, 1 for an archive in it.

    Raises
    ------
    ArchiveDamagedError, ArchiveEncryptedError, ArchiveTooLargeError, ArchiveTooDeepError
        When nothing of the archive can or may be read. A single bad member is yielded with its ``refusal`` instead.

    References
    ----------
    PKWARE APPNOTE 6.3.10, sections 4.3.12 to 4.3.16 (central directory), 4.4.4 (general purpose flag bit 0).
    """
    if depth > budget.limits.max_depth:
        raise ArchiveTooDeepError("Archives are packed in archives too deeply. Unpack the outer ones, then send them.")
    _check_directory(stream, budget.limits)
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error, EOFError) as error:
        raise _damaged(str(error)) from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        _check_overlaps(entries)
        if entries and all(_is_encrypted(entry) for entry in entries):
            raise _encrypted()
        seen: dict[str, int] = {}
        for entry in entries:
            budget.spend_file()
            path = _unique(shown_path(entry.filename), seen)
            yield ArchiveMember(path, entry.file_size, _refusal_of(entry), archive, entry, budget)


def shown_path(name: str) -> str:
    """Return a member's name as text that is safe to store and to show: no control characters, of bounded length."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return text if len(text) <= _LONGEST_SHOWN_PATH else f"…{text[-_LONGEST_SHOWN_PATH:]}"


def is_safe_path(name: str) -> bool:
    """Tell whether a member's name stays below the folder it would be unpacked in, on any system."""
    posix, windows = PurePosixPath(name.replace("\\", "/")), PureWindowsPath(name)
    is_rooted = posix.is_absolute() or bool(windows.drive) or bool(windows.root)
    return not is_rooted and ".." not in posix.parts and "\0" not in name


def _refusal_of(entry: zipfile.ZipInfo) -> ArchiveError | None:
    # ZipInfo cuts names at NUL: what was meant to be hidden behind it is in orig_filename
    if not is_safe_path(entry.filename) or "\0" in entry.orig_filename:
        return UnsafePathError(
            "The name of this file points out of the archive; it was left out. Rename and resend it."
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        return SymbolicLinkError("This is a link to a file, not a file; it was left out. Send the file itself.")
    if _is_encrypted(entry):
        return _encrypted()
    return None


def _is_encrypted(entry: zipfile.ZipInfo) -> bool:
    return bool(entry.flag_bits & 0x41)  # bit 0 encrypted, bit 6 strongly encrypted


def _check_overlaps(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse members that share packed bytes: no packer writes them, a zip bomb is made of them."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    for entry, following in pairwise(ordered):
        if entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size > following.header_offset:
            raise _damaged("its files overlap")


def _unique(path: str, seen: dict[str, int]) -> str:
    seen[path] = seen.get(path, 0) + 1
    return path if seen[path] == 1 else f"{path} ({seen[path]})"


def _check_directory(stream: BinaryIO, limits: ArchiveLimits) -> None:
    """Refuse a central directory that zipfile would read into memory at once and that is larger than any real one."""
    size = stream.seek(0, 2)
    tail_bytes = min(size, _LONGEST_COMMENT_BYTES + _END_RECORD_BYTES)
    stream.seek(size - tail_bytes)
    tail = stream.read(tail_bytes)
    start = tail.rfind(_END_RECORD)
    record_at = size - tail_bytes + start
    if start < 0 or len(tail) - start < _END_RECORD_BYTES:
        raise _damaged("its directory is missing")
    entries, directory_bytes = struct.unpack_from("<HI", tail, start + 10)
    entries, directory_bytes = _read_large_directory(stream, record_at, entries, directory_bytes)
    if directory_bytes > limits.max_directory_bytes or entries > limits.max_files:
        raise ArchiveTooLargeError(
            f"The archive holds more than {limits.max_files} files. Send it in several smaller archives."
        )
    stream.seek(0)


def _read_large_directory(stream: BinaryIO, record_at: int, entries: int, directory_bytes: int) -> tuple[int, int]:
    """Read the zip64 end record through its locator, which lies right before the ordinary end record."""
    locator_at = record_at - 20
    if locator_at < 0:
        return entries, directory_bytes
    stream.seek(locator_at)
    locator = stream.read(20)
    if not locator.startswith(b"PK\x06\x07"):
        return entries, directory_bytes
    stream.seek(max(locator_at - 56, 0))
    record = stream.read(56)
    if len(record) < 56 or not record.startswith(b"PK\x06\x06"):
        raise _damaged("its directory is damaged")
    large_entries, large_bytes = struct.unpack_from("<QQ", record, 32)
    return large_entries, large_bytes


def _damaged(cause: str) -> ArchiveDamagedError:
    detail = f" ({cause[:120]})" if cause else ""
    return ArchiveDamagedError(f"The archive is damaged or incomplete{detail}. Pack it again, then send it again.")


def _encrypted() -> ArchiveEncryptedError:
    return ArchiveEncryptedError("The archive is locked with a password. Pack it without one, then send it again.")
