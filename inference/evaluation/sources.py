"""Where outlined cases lie: a folder, or a zip that is read in place within the limits of any upload."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePath, PurePosixPath
from typing import ClassVar, Protocol

from studies.errors import DomainError, InvalidInputError
from studies.intake.archives import ArchiveBudget, ArchiveLimits, walk_archive

MOST_FILE_BYTES = 2 * 1024**3
_CHUNK_BYTES = 1024**2


class CasesMissingError(InvalidInputError):
    """There are no cases where they were said to be."""

    code: ClassVar[str] = "cases.missing"


class CaseUnusableError(DomainError):
    """One case cannot be used."""

    code: ClassVar[str] = "case.unusable"


class FileSource(Protocol):
    """A folder or a zip."""

    def names(self) -> list[str]:
        """Return the files, with forward slashes."""
        ...

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        ...


class FolderSource:
    """The files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return the files, hidden ones left out."""
        found = (path.relative_to(self._folder) for path in self._folder.rglob("*") if path.is_file())
        return sorted(path.as_posix() for path in found if not _is_hidden(path))

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        return (self._folder / name).read_bytes()


class ZipSource:
    """The files of a zip, read in place: nothing is unpacked.

    Raises
    ------
    CasesMissingError
        Where it is no zip.
    studies.intake.archives.ArchiveError
        Where nothing of it can or may be read; a single bad member is refused when it is read.
    """

    def __init__(self, path: Path) -> None:
        self._budget = ArchiveBudget(ArchiveLimits(), packed_bytes=path.stat().st_size)
        if not zipfile.is_zipfile(path):
            raise CasesMissingError(f"{path.name} is no whole zip file. Copy it again.")
        with path.open("rb") as stream:
            refusals = [member.refusal for member in walk_archive(stream, budget=self._budget)]
        self._archive = zipfile.ZipFile(path)
        members = (member.filename for member in self._archive.infolist() if not member.is_dir())
        self._refusals = dict(zip(members, refusals, strict=True))

    def names(self) -> list[str]:
        """Return the files, hidden ones left out."""
        found = (member.filename for member in self._archive.infolist() if not member.is_dir())
        return sorted(name for name in found if not _is_hidden(PurePosixPath(name)))

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        if refusal := self._refusals.get(name):
            raise refusal
        content = bytearray()
        try:
            with self._archive.open(name) as stream:
                while chunk := stream.read(_CHUNK_BYTES):
                    self._budget.spend_bytes(len(chunk))
                    content += chunk
                    if len(content) > MOST_FILE_BYTES:
                        raise CaseUnusableError(f"{name} is larger than {MOST_FILE_BYTES // 1024**3} GiB.")
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise CaseUnusableError(f"{name} is damaged in the zip: {error}.") from error
        return bytes(content)


def _is_hidden(path: PurePath) -> bool:
    """Tell whether a system put a file there by itself."""
    return any(part != ".." and part.startswith((".", "__MACOSX")) for part in path.parts)


def open_source(path: Path) -> FileSource:
    """Return the files of a folder or zip.

    Raises
    ------
    CasesMissingError
        Where there is neither.
    """
    if path.is_dir():
        return FolderSource(path)
    if path.is_file():
        return ZipSource(path)
    raise CasesMissingError(f"There is nothing at {path}. Give a folder or a zip with images and their label maps.")
