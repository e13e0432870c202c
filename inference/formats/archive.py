"""Model folders and zip files, opened within limits: nothing is written outside, nothing grows without end."""

from __future__ import annotations

import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from inference.formats.refusals import BrokenModelError, FormatUnknownError, UnsafeModelError

MOST_FILES = 2000
MOST_BYTES = 6 * 1024**3
MOST_WEIGHTS_BYTES = 2 * 1024**3
MOST_CONFIG_BYTES = 16 * 1024**2
_MOST_RATIO = 200
_CHUNK_BYTES = 1024**2


@contextmanager
def open_folder(path: Path) -> Iterator[Path]:
    """Give a folder as it is, or a zip file's content in a folder that is removed afterwards.

    Raises
    ------
    UnsafeModelError
        Where the archive reaches outside, links, or is far larger than any model.
    BrokenModelError, FormatUnknownError
        Where it cannot be read.
    """
    if path.is_dir():
        yield find_root(path)
        return
    with tempfile.TemporaryDirectory(prefix="segweb-import-") as folder:
        _extract(path, Path(folder))
        yield find_root(Path(folder))


def is_archive(path: Path) -> bool:
    """Tell whether a file is a zip file of a model's files, and not one of torch's own, which are zip files too."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()[:MOST_FILES]
    return not any(name.endswith(("data.pkl", "constants.pkl")) and name.count("/") <= 1 for name in names)


def find_root(folder: Path) -> Path:
    """Return the folder itself, or the only one in it: archives often wrap their content once."""
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith((".", "__MACOSX"))]
    if len(entries) == 1 and entries[0].is_dir() and not entries[0].is_symlink():
        return entries[0]
    return folder


def read_file(root: Path, relative: str, *, most_bytes: int) -> bytes:
    """Return a file of a model; links that lead out of its folder and huge files are refused."""
    path = root / relative
    if not path.is_file():
        raise BrokenModelError(f"The model has no file {relative}. Export it again with all its files.")
    if not path.resolve().is_relative_to(root.resolve()):
        raise UnsafeModelError(f"{relative} leads out of the model's folder. Copy the file itself into it.")
    if path.stat().st_size > most_bytes:
        raise UnsafeModelError(f"{relative} is larger than {most_bytes // 1024**2} MiB, which no such file needs.")
    return path.read_bytes()


def _extract(path: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _check_members(members)
            for member in members:
                _write(archive, member, folder / PurePosixPath(member.filename))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise BrokenModelError(f"{path.name} is no whole zip file: {error}. Copy or export it again.") from error
    except FileNotFoundError as error:
        raise FormatUnknownError(f"There is nothing at {path}.") from error


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MOST_FILES:
        raise UnsafeModelError(f"The archive holds {len(members)} files; a model has at most {MOST_FILES}.")
    for member in members:
        place = PurePosixPath(member.filename)
        if place.is_absolute() or ".." in place.parts or "\\" in member.filename or ":" in member.filename:
            raise UnsafeModelError(f"The archive would write {member.filename[:120]!r}, outside its own folder.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise UnsafeModelError(f"The archive holds a link, {member.filename[:120]!r}. Pack the file itself.")
        if member.file_size > _MOST_RATIO * max(member.compress_size, 1) and member.file_size > _CHUNK_BYTES:
            raise UnsafeModelError(f"{member.filename[:120]!r} unpacks to far more than any file of a model.")
    if sum(member.file_size for member in members) > MOST_BYTES:
        raise UnsafeModelError(f"The archive unpacks to more than {MOST_BYTES // 1024**3} GiB.")


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    left = member.file_size  # what the directory of the archive says is not taken on trust
    with archive.open(member) as source, target.open("xb") as sink:
        while chunk := source.read(_CHUNK_BYTES):
            left -= len(chunk)
            if left < 0:
                raise UnsafeModelError(f"{member.filename[:120]!r} is larger than the archive says.")
            sink.write(chunk)
