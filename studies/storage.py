"""Files, stored once by content: the key is the SHA-256 of the bytes, and what is answered for is safe on disk.

A blob is written to ``incoming/``, synced, renamed into place and its folder synced before `BlobStore.put` returns, so
a power cut leaves either the whole file or none. ``derived/`` holds what can be computed again: deleting it is safe.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar, Protocol
from uuid import uuid4

from django.conf import settings

from studies.errors import DomainError

CHUNK_BYTES = 1024 * 1024
_KEY = re.compile(r"[0-9a-f]{64}([._-][a-z0-9_-]{1,40}){0,3}")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_NOT_WRITABLE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


class StorageFullError(DomainError):
    """The disk has no room left; nothing was stored."""

    code: ClassVar[str] = "storage.full"
    status: ClassVar[int] = 507


class StorageNotWritableError(DomainError):
    """The data folder cannot be written; nothing was stored."""

    code: ClassVar[str] = "storage.not_writable"
    status: ClassVar[int] = 503


class BlobMissingError(DomainError):
    """The record names a file that the store does not hold."""

    code: ClassVar[str] = "blob.missing"
    status: ClassVar[int] = 500


class Readable(Protocol):
    """Whatever bytes can be read from, piece by piece."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """What the store holds: the key and the size."""

    digest: str
    size_bytes: int


@contextmanager
def explain_write_failures(folder: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write into errors that say what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError(
                f"The disk that holds {folder} is full; nothing was stored. Free some space, then send the file again."
            ) from error
        if error.errno in _NOT_WRITABLE:
            raise StorageNotWritableError(
                f"The folder {folder} cannot be written; nothing was stored. "
                "Give SegWeb's user the right to write there, then send the file again."
            ) from error
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Create a folder and make its name durable; does nothing when it is there."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
    sync_folder(folder.parent)


class BlobStore:
    """Content-addressed files below one folder; safe under concurrent writers of the same content."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "incoming"
        self.blobs = root / "blobs"

    def put(self, content: bytes | memoryview | Readable) -> StoredBlob:
        """Store bytes or a stream and return its key once it is safe on disk."""
        if isinstance(content, bytes | memoryview):
            digest = hashlib.sha256(content).hexdigest()
            if self._is_whole(digest, len(content)):
                return self._settle(StoredBlob(digest, len(content)))
            return self._write(iter((content,)))
        return self._write(iter(lambda: content.read(CHUNK_BYTES), b""))

    def copy(self, path: Path) -> StoredBlob:
        """Store a file that stays where it is and may change later; nothing is written when its content is known."""
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            size = stream.tell()
            if self._is_whole(digest, size):
                return self._settle(StoredBlob(digest, size))
            stream.seek(0)
            return self.put(stream)

    def link(self, path: Path) -> StoredBlob:
        """Store a finished file of the same disk without copying it; ``path`` may then be deleted, never changed."""
        with explain_write_failures(self.root):
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
                os.fsync(stream.fileno())
                stored = StoredBlob(digest, os.fstat(stream.fileno()).st_size)
            if self._is_whole(digest, stored.size_bytes):
                return self._settle(stored)
            make_folder(self.incoming)
            name = self.incoming / f"link-{uuid4().hex}"
            name.hardlink_to(path)
            try:
                self._place(name, stored)
            finally:
                name.unlink(missing_ok=True)
        return stored

    def open(self, digest: str) -> BinaryIO:
        """Open a blob for reading."""
        try:
            return self.path(digest).open("rb")
        except FileNotFoundError as error:
            raise BlobMissingError(
                f"The file {digest[:12]}… is missing from the archive. Restore it from the backup, or send it again."
            ) from error

    def path(self, digest: str) -> Path:
        """Return where a blob lies; the file may be read, never changed."""
        return self.blobs / _checked_key(digest)[:2] / digest

    def has(self, digest: str) -> bool:
        """Tell whether a blob is there."""
        return self.path(digest).is_file()

    def sweep(self, *, older_than_s: float) -> int:
        """Delete what crashed writers left in ``incoming/``; return how many files went."""
        horizon, swept = time.time() - older_than_s, 0
        for path in self.incoming.glob("*") if self.incoming.is_dir() else ():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < horizon:
                    path.unlink()
                    swept += 1
        return swept

    def _write(self, chunks: Iterator[bytes | memoryview]) -> StoredBlob:
        hasher, size = hashlib.sha256(), 0
        with explain_write_failures(self.root), temporary_file(self.incoming) as (stream, path):
            for chunk in chunks:
                hasher.update(chunk)
                stream.write(chunk)
                size += len(chunk)
            stream.flush()
            os.fsync(stream.fileno())
            stored = StoredBlob(hasher.hexdigest(), size)
            self._place(path, stored)
        return stored

    def _place(self, source: Path, stored: StoredBlob) -> None:
        target = self.path(stored.digest)
        if not target.parent.is_dir():
            self._make_shards()
        source.replace(target)  # equal content under the same name: whoever comes last changes nothing
        sync_folder(target.parent)

    def _make_shards(self) -> None:
        """Create all 256 folders of blobs at once: one sync instead of one for each."""
        make_folder(self.blobs)
        for number in range(256):
            (self.blobs / f"{number:02x}").mkdir(exist_ok=True)
        sync_folder(self.blobs)

    def _is_whole(self, digest: str, size_bytes: int) -> bool:
        with suppress(FileNotFoundError):
            return self.path(digest).stat().st_size == size_bytes
        return False

    def _settle(self, stored: StoredBlob) -> StoredBlob:
        sync_folder(self.path(stored.digest).parent)  # its writer may not have come to this point yet
        return stored


@contextmanager
def temporary_file(folder: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Open a new file in ``folder`` for writing; whatever still lies there at the end is deleted."""
    make_folder(folder)
    descriptor, name = tempfile.mkstemp(dir=folder)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream, path
    finally:
        path.unlink(missing_ok=True)


def blob_store() -> BlobStore:
    """Return the store of this installation."""
    return BlobStore(settings.SEGWEB_DATA_DIR)


def derived_path(kind: str, key: str) -> Path:
    """Return where a derived file lies, e.g. ``derived_path("volume", series.contents_digest)``; it may be absent."""
    if not kind.isidentifier():
        raise ValueError(f"{kind!r} is not a kind of derived file.")
    folder: Path = settings.SEGWEB_DATA_DIR / "derived" / kind
    return folder / _checked_key(key)[:2] / key


def write_derived(kind: str, key: str, chunks: Iterable[bytes | memoryview]) -> Path:
    """Write a derived file whole or not at all, and return its path."""

    def write(stream: BinaryIO) -> None:
        for chunk in chunks:
            stream.write(chunk)

    return write_derived_with(kind, key, write)


def write_derived_with(kind: str, key: str, write: Callable[[BinaryIO], object]) -> Path:
    """Let ``write`` fill a derived file through a stream; the file appears only when it is whole."""
    target = derived_path(kind, key)
    with explain_write_failures(target.parent), temporary_file(target.parent) as (stream, path):
        write(stream)
        stream.flush()
        os.fsync(stream.fileno())
        path.replace(target)
    return target


def _checked_key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not the key of a stored file.")
    return key
