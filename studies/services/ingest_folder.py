"""Files that lie on this machine already, taken in by the same way as those that are sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from django.db import transaction

from studies.dicom.wrap import DetailsMissingError, StatedDetails
from studies.errors import DomainError, InvalidInputError
from studies.intake.archives import SymbolicLinkError, shown_path
from studies.intake.kinds import is_junk
from studies.models import ReceptionOutcome, Team, Upload, UploadState, User
from studies.services.arrivals import Arrival, ArrivalContext, Reading, arrivals_in, read_ahead
from studies.services.ingest import Ingestion, OnRecorded
from studies.storage import blob_store


class NothingThereError(InvalidInputError):
    """The path does not exist."""

    code = "import.nothing_there"


def count_files(path: Path) -> int:
    """Return how many files an import of ``path`` will look at."""
    return sum(1 for _ in _files_in(path))


def import_path(
    team: Team,
    path: Path,
    *,
    on_recorded: OnRecorded,
    created_by: User | None = None,
    details: StatedDetails | None = None,
) -> Upload:
    """Take in a file, an archive or a folder; ``on_recorded`` is told of objects once they are safe and recorded.

    Raises
    ------
    NothingThereError
        When there is no such file or folder.
    StorageFullError, StorageNotWritableError
        When the store cannot go on; what was told of before is safe.
    """
    if not path.exists():
        raise NothingThereError(f"There is no file or folder {path}. Check the path.")
    upload = _begin(team, path, created_by=created_by, details=details)
    context = ArrivalContext(store=blob_store(), namespace=str(team.pk), details=details)
    ingestion = Ingestion(team, on_recorded=on_recorded)
    try:
        ingestion.read(upload, _arrivals(path, context))
    except DomainError as error:
        ingestion.fail(upload, error)
        raise
    ingestion.flush()
    upload.refresh_from_db()
    return upload


@transaction.atomic
def _begin(team: Team, path: Path, *, created_by: User | None, details: StatedDetails | None) -> Upload:
    size = sum(file.stat().st_size for file in _files_in(path) if not file.is_symlink())
    return Upload.objects.create(
        team=team,
        created_by=created_by,
        file_name=shown_path(path.name or str(path))[:255],
        size_bytes=size,
        received_bytes=size,
        details=details.to_json() if details else {},
        state=UploadState.RECEIVING,
    )


def _arrivals(path: Path, context: ArrivalContext) -> Iterator[Arrival]:
    sources = (_source(path, file, context) for file in _files_in(path))
    for shown, reading in read_ahead(sources):
        for arrival in reading():
            yield _named_in(arrival, shown)


def _source(path: Path, file: Path, context: ArrivalContext) -> tuple[str, Path, Reading]:
    shown = shown_path(str(file.relative_to(path)) if path.is_dir() else file.name)
    if is_junk(shown):
        return shown, file, lambda: [Arrival(shown, ReceptionOutcome.SKIPPED)]
    if file.is_symlink() and path.is_dir():
        link = SymbolicLinkError("This is a link to a file; it was left out. Import the file itself.")
        return shown, file, lambda: [Arrival(shown, ReceptionOutcome.REFUSED, link.code, link.message)]
    return shown, file, partial(arrivals_in, file, shown, context, is_ours=False)


def _named_in(arrival: Arrival, file: str) -> Arrival:
    """Name an archive's members with their archive, since a folder may hold several; say what a picture lacks."""
    path = arrival.path if arrival.path.startswith(file) else f"{file}/{arrival.path}"
    if not arrival.needs_details:
        return arrival if path == arrival.path else replace(arrival, path=path)
    missing = DetailsMissingError(
        "This file does not say whose image it is. State --patient-id, --patient-name, --modality and --study-date."
    )
    return Arrival(path, ReceptionOutcome.REFUSED, missing.code, missing.message)


def _files_in(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in sorted(path.rglob("*")) if file.is_symlink() or file.is_file())
    else:
        yield path
