"""What is found in a file that came through the door: each object put in the store, or the reason why not."""

from __future__ import annotations

import logging
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, ClassVar, TypeVar

from studies.dicom.errors import DirectoryRecordError
from studies.dicom.header import InstanceHeader, read_header
from studies.dicom.sequence_words import read_sequence_words
from studies.dicom.wrap import REQUIRED_DETAILS, StatedDetails, WrapContext, encode_object
from studies.dicom.wrap_nifti import wrap_nifti
from studies.dicom.wrap_picture import wrap_picture
from studies.errors import DomainError
from studies.intake.archives import (
    ArchiveBudget,
    ArchiveLimits,
    ArchiveMember,
    ArchiveTooLargeError,
    Rejoined,
    walk_archive,
)
from studies.intake.kinds import PROBE_BYTES, FileKind, detect_kind, is_junk
from studies.models import ReceptionOutcome
from studies.storage import (
    CHUNK_BYTES,
    BlobStore,
    StorageFullError,
    StorageNotWritableError,
    StoredBlob,
    explain_write_failures,
    temporary_file,
)

logger = logging.getLogger(__name__)

WRAPPED_KINDS = frozenset({FileKind.PNG, FileKind.JPEG, FileKind.NIFTI, FileKind.NIFTI_GZIPPED})
LONGEST_PATH = 1000
LIMITS = ArchiveLimits()
READERS = 4
LARGEST_READ_AHEAD_BYTES = 64 * 1024**2
STORAGE_ERRORS = (StorageFullError, StorageNotWritableError)


class RefusedAtDoorError(DomainError):
    """A file the door does not take."""

    status: ClassVar[int] = 422


class EmptyFileError(RefusedAtDoorError):
    """No bytes at all."""

    code: ClassVar[str] = "file.empty"


class UnsupportedFileError(RefusedAtDoorError):
    """Neither DICOM nor anything that can be made into it."""

    code: ClassVar[str] = "file.unsupported"


class UnsupportedArchiveError(RefusedAtDoorError):
    """An archive that is not a zip."""

    code: ClassVar[str] = "archive.unsupported"


class UnreadableFileError(RefusedAtDoorError):
    """Reading the file failed in a way nobody foresaw."""

    code: ClassVar[str] = "file.unreadable"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One object found in an upload.

    Attributes
    ----------
    outcome
        None while the records must decide (stored, duplicate or refused); else refused or skipped, with the reason.
    blob
        Its bytes in the store; also those of a refused object, which is kept aside.
    needs_details
        What a person must state before the object can be recorded.
    source
        The picture or volume that the object was made from, as it was sent.
    """

    path: str
    outcome: ReceptionOutcome | None = None
    reason_code: str = ""
    reason: str = ""
    blob: StoredBlob | None = None
    header: InstanceHeader | None = None
    needs_details: tuple[str, ...] = ()
    source: StoredBlob | None = None


Source = TypeVar("Source")
Reading = Callable[[], Iterable[Arrival]]


@dataclass(frozen=True, slots=True)
class ArrivalContext:
    """What the reading of one upload shares: where to store, what was stated, which UIDs to give.

    Attributes
    ----------
    known_paths
        Objects that an earlier, interrupted reading has recorded; they are not read again.
    """

    store: BlobStore
    namespace: str
    details: StatedDetails | None = None
    known_paths: frozenset[str] = frozenset()


def arrivals_in(path: Path, shown: str, context: ArrivalContext, *, is_ours: bool) -> Iterator[Arrival]:
    """Yield what a file on disk holds.

    ``is_ours`` files lie in the data folder and never change: they are linked into the store, others are copied.

    Raises
    ------
    StorageFullError, StorageNotWritableError
        When the store cannot go on; everything yielded before is safe. Any other trouble is an arrival's reason.
    """
    try:
        with path.open("rb") as stream:
            kind = detect_kind(stream.read(PROBE_BYTES))
            if kind is FileKind.ZIP:
                budget = ArchiveBudget(LIMITS, packed_bytes=path.stat().st_size)
                yield from _arrivals_in_archive(stream, shown, context, budget, depth=0)
            elif shown not in context.known_paths:
                store = partial(context.store.link if is_ours else context.store.copy, path)
                yield from _examine(store, shown, kind, context)
    except OSError as error:
        yield _refused(shown, UnreadableFileError(f"The file cannot be opened ({error.strerror or error}). Copy it."))


def read_ahead(sources: Iterable[tuple[Source, Path, Reading]]) -> Iterator[tuple[Source, Reading]]:
    """Yield each source with its arrivals, reading the next few meanwhile: waiting for the disk costs most of the time.

    Errors of the store come out of the reading they belong to. What holds many objects is read when its turn comes.
    """
    with ThreadPoolExecutor(READERS, thread_name_prefix="arrivals") as pool:
        ahead: deque[tuple[Source, Future[list[Arrival]] | None, Reading]] = deque()
        for source, path, reading in sources:
            ahead.append((source, pool.submit(list, reading()) if _is_one_object(path) else None, reading))
            if len(ahead) > 2 * READERS:
                yield _due(*ahead.popleft())
        while ahead:
            yield _due(*ahead.popleft())


def _due(source: Source, future: Future[list[Arrival]] | None, reading: Reading) -> tuple[Source, Reading]:
    return source, reading if future is None else future.result


def _is_one_object(path: Path) -> bool:
    """Tell whether a file is one DICOM object of ordinary size."""
    try:
        with path.open("rb") as stream:
            is_dicom = detect_kind(stream.read(PROBE_BYTES)) is FileKind.DICOM
        return is_dicom and path.stat().st_size <= LARGEST_READ_AHEAD_BYTES
    except OSError:  # the reading itself will say so
        return False


def _arrivals_in_archive(
    stream: BinaryIO, shown: str, context: ArrivalContext, budget: ArchiveBudget, *, depth: int
) -> Iterator[Arrival]:
    try:
        for member in walk_archive(stream, budget=budget, depth=depth):
            path = (f"{shown}/{member.path}" if depth else member.path)[:LONGEST_PATH]
            if path not in context.known_paths:
                yield from _arrivals_in_member(member, path, context, budget, depth=depth)
    except STORAGE_ERRORS:
        raise
    except DomainError as error:  # the archive as a whole: what was yielded before stands
        yield _refused(shown, error)


def _arrivals_in_member(
    member: ArchiveMember, path: str, context: ArrivalContext, budget: ArchiveBudget, *, depth: int
) -> Iterator[Arrival]:
    if is_junk(path):
        yield Arrival(path, ReceptionOutcome.SKIPPED)
        return
    try:
        with member.open() as stream:
            whole = Rejoined(stream)
            kind = detect_kind(whole.peek(PROBE_BYTES))
            if kind is not FileKind.ZIP:
                yield from _examine(partial(context.store.put, whole), path, kind, context)
                return
            with temporary_file(context.store.incoming) as (unpacked, place), explain_write_failures(place.parent):
                shutil.copyfileobj(whole, unpacked, CHUNK_BYTES)
                unpacked.flush()
                with place.open("rb") as nested:
                    yield from _arrivals_in_archive(nested, path, context, budget, depth=depth + 1)
    except (*STORAGE_ERRORS, ArchiveTooLargeError):
        raise
    except DomainError as error:
        yield _refused(path, error)


def _examine(store: Callable[[], StoredBlob], path: str, kind: FileKind, context: ArrivalContext) -> Iterator[Arrival]:
    """Yield the one object of a DICOM file, the several of a wrapped one, or the reason why there is none."""
    blob: StoredBlob | None = None
    try:
        if kind in WRAPPED_KINDS and context.details is None:
            yield Arrival(path, needs_details=REQUIRED_DETAILS)
            return
        _refuse_foreign(kind)
        blob = store()
        if kind is FileKind.DICOM:
            yield Arrival(path, blob=blob, header=read_header(context.store.path(blob.digest)))
        else:
            yield from _wrap(blob, path, kind, context)
    except (*STORAGE_ERRORS, ArchiveTooLargeError):
        raise
    except (DirectoryRecordError, UnsupportedFileError) as error:  # nobody's image: nothing is kept aside
        yield Arrival(path, ReceptionOutcome.SKIPPED, error.code, error.message)
    except DomainError as error:
        yield _refused(path, error, blob)
    except Exception:  # the door stays open whatever a stranger sends
        logger.exception("Reading %s failed", path)
        yield _refused(path, UnreadableFileError("The file could not be read. Export it again from its source."), blob)


def _refuse_foreign(kind: FileKind) -> None:
    if kind is FileKind.EMPTY:
        raise EmptyFileError("The file is empty. Copy it again from where it came from.")
    if kind is FileKind.OTHER_ARCHIVE:
        raise UnsupportedArchiveError("Of archives only zip is read. Pack the images as a zip, or send them unpacked.")
    if kind is FileKind.UNKNOWN:
        raise UnsupportedFileError(
            "This is no image that SegWeb reads. Send DICOM, PNG, JPEG or NIfTI files, or a zip of them."
        )


def _wrap(blob: StoredBlob, path: str, kind: FileKind, context: ArrivalContext) -> Iterator[Arrival]:
    """Make a picture or volume into DICOM objects and put them in the store."""
    if context.details is None:
        raise ValueError("Nothing is wrapped before its details are stated.")
    wrapping = WrapContext(context.details, context.namespace, blob.digest, read_sequence_words(path))
    source = context.store.path(blob.digest)
    if kind in (FileKind.PNG, FileKind.JPEG):
        datasets = iter([wrap_picture(source.read_bytes(), wrapping)])
    else:
        datasets = wrap_nifti(source, wrapping)
    for number, dataset in enumerate(datasets, start=1):
        member = path if number == 1 else f"{path}#{number}"
        if member not in context.known_paths:
            wrapped = context.store.put(encode_object(dataset))
            header = read_header(context.store.path(wrapped.digest))
            yield Arrival(member, blob=wrapped, header=header, source=blob)


def _refused(path: str, error: DomainError, blob: StoredBlob | None = None) -> Arrival:
    return Arrival(path, ReceptionOutcome.REFUSED, error.code, error.message, blob=blob)
