"""Files that administrators hand in whole, written to disk piece by piece."""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from studies.storage import CHUNK_BYTES, Readable, explain_write_failures, make_folder

_LONGEST_NAME = 120
_SWEEP_AFTER = timedelta(days=1)


class FileTooLargeError(Exception):
    """More came than is taken; the caller says so in its own words."""


class FileEmptyError(Exception):
    """Nothing came."""


def tidy_name(file_name: str) -> str:
    """Return a file's name without its folders and without what a file system may not take."""
    last = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    return re.sub(r"[^\w.+ -]", "_", last).lstrip(". ")[-_LONGEST_NAME:]


def write_stream(stream: Readable, path: Path, *, most_bytes: int) -> tuple[int, str]:
    """Write what comes to a new file; return its size and SHA-256.

    Raises
    ------
    FileTooLargeError, FileEmptyError
        What was written until then is left to the caller.
    """
    make_folder(path.parent)
    hasher, size = hashlib.sha256(), 0
    with explain_write_failures(path.parent), path.open("xb") as sink:
        while chunk := stream.read(CHUNK_BYTES):
            size += len(chunk)
            if size > most_bytes:
                raise FileTooLargeError
            hasher.update(chunk)
            sink.write(chunk)
    if size == 0:
        raise FileEmptyError
    return size, hasher.hexdigest()


def sweep_folders(root: Path, kept: Iterable[UUID]) -> int:
    """Delete folders older than a day, named by rows, whose row is not among those kept; return how many."""
    horizon = time.time() - _SWEEP_AFTER.total_seconds()
    names = {str(pk) for pk in kept}
    old = [path for path in root.glob("*") if path.name not in names and path.stat().st_mtime < horizon]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    return len(old)
