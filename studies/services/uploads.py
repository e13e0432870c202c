"""The door files come through: registered, received piece by piece, safe on disk before anything is answered."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from io import FileIO
from pathlib import Path
from typing import ClassVar, Protocol
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from studies.dicom.wrap import StatedDetails
from studies.errors import ConflictError, DomainError, InvalidInputError, NotFoundError
from studies.events import UploadProgressed, publish_on_commit, worklist_group
from studies.models import Reception, ReceptionOutcome, Team, Upload, UploadState, User
from studies.permissions import ACTING_ROLES, NOT_VISIBLE_MESSAGE, require_role, visible_teams
from studies.queue import StudyTask, enqueue_on_commit
from studies.selectors.uploads import describe_uploads
from studies.services import audit
from studies.storage import CHUNK_BYTES, StorageFullError, explain_write_failures, make_folder, sync_folder

UNFINISHED_FOR = timedelta(hours=24)
"""How long the beginning of a file waits for its rest."""
KEPT_FOR = timedelta(days=7)
"""How long a file that could not be read, or waits for details, is kept for another try."""
RESERVE_BYTES = 256 * 1024**2
"""Room left for the database and the log when an upload is let in."""
_LONGEST_NAME = 255


class UploadTooLargeError(DomainError):
    """More bytes than this installation takes, or than the sender announced."""

    code: ClassVar[str] = "upload.too_large"
    status: ClassVar[int] = 413


class OffsetDiffersError(ConflictError):
    """The piece does not continue what has arrived."""

    code: ClassVar[str] = "upload.offset_differs"


class UploadBusyError(DomainError):
    """Another request is writing to the same upload."""

    code: ClassVar[str] = "upload.locked"
    status: ClassVar[int] = 423


class UploadFinishedError(ConflictError):
    """The upload is past the state in which this can be done to it."""

    code: ClassVar[str] = "upload.finished"


class TeamNeededError(InvalidInputError):
    """It is not clear which team a file is for."""

    code: ClassVar[str] = "upload.team_needed"


class SourceGoneError(ConflictError):
    """What was received has been thrown away."""

    code: ClassVar[str] = "upload.source_gone"


class ByteStream(Protocol):
    """Where the bytes of a request come from."""

    def read(self, size: int, /) -> bytes: ...


def part_path(upload_id: UUID) -> Path:
    """Return where an upload's bytes lie from the first one until it has been read."""
    folder: Path = settings.SEGWEB_DATA_DIR / "uploads"
    return folder / str(upload_id)


def choose_team(user: User, team_id: UUID | None) -> Team:
    """Return the team a person's upload is for: the one named, else their only one."""
    require_role(user, *ACTING_ROLES)
    teams = visible_teams(user)
    if team_id is not None:
        team = teams.filter(pk=team_id).first()
        if team is None:
            raise NotFoundError(NOT_VISIBLE_MESSAGE)
        return team
    own = list(teams[:2])
    if not own:
        raise TeamNeededError("You belong to no team yet. Ask an administrator to add you to one.")
    if len(own) > 1:
        raise TeamNeededError("You belong to several teams. Choose the one these files are for.")
    return own[0]


@transaction.atomic
def register_upload(
    team: Team, *, created_by: User | None, file_name: str, size_bytes: int, batch: UUID | None = None
) -> Upload:
    """Make room for a file that is about to be sent."""
    limit: int = settings.SEGWEB_MAX_UPLOAD_BYTES
    if size_bytes > limit:
        raise UploadTooLargeError(
            f"{size_bytes} bytes are more than the {limit} this installation takes. Send the images in several parts."
        )
    upload = Upload(
        team=team, created_by=created_by, file_name=_shown_name(file_name), size_bytes=size_bytes, batch=batch
    )
    upload.expires_at = timezone.now() + UNFINISHED_FOR
    _make_part(part_path(upload.pk), size_bytes)
    upload.save(force_insert=True)
    if size_bytes == 0:
        queue_upload(upload)
    return upload


def append_bytes(upload: Upload, *, offset: int, stream: ByteStream) -> Upload:
    """Write the next piece of a file; what has been synced to disk is recorded even when the sender breaks off.

    Not one transaction: the bytes are safe before the record says so, and a slow sender must not hold a database lock.
    """
    with _open_part(upload.pk) as part:
        upload.refresh_from_db()
        if upload.state != UploadState.RECEIVING:
            raise UploadFinishedError("This file has already arrived whole. Nothing more can be added to it.")
        if offset != upload.received_bytes:
            raise OffsetDiffersError(
                f"The file continues at byte {upload.received_bytes}, not {offset}. Ask for the offset, then go on."
            )
        try:
            with explain_write_failures(part_path(upload.pk).parent):
                _write_piece(part, stream, offset=offset, end=upload.size_bytes)
        finally:
            os.fsync(part.fileno())
            _record_progress(upload, received_bytes=min(os.fstat(part.fileno()).st_size, upload.size_bytes))
    return upload


@transaction.atomic
def discard_upload(upload: Upload, *, actor: User, address: str = "") -> None:
    """Throw away a file that has not become part of the record."""
    upload = Upload.objects.select_for_update().get(pk=upload.pk)
    if upload.state in (UploadState.RECEIVED, UploadState.INGESTED):
        raise UploadFinishedError(
            "This file has arrived and is being read, or has been. It can no longer be taken back."
        )
    if Reception.objects.filter(upload=upload, blob__isnull=False).exists():
        raise UploadFinishedError("Objects of this upload were kept aside; it stays listed.")
    path = part_path(upload.pk)
    audit.record(act="upload.discarded", actor=actor, subject=upload, address=address)
    upload.delete()
    transaction.on_commit(lambda: path.unlink(missing_ok=True))


@transaction.atomic
def retry_upload(upload: Upload, *, actor: User, address: str = "") -> Upload:
    """Read a file again that could not be read, or of which something was refused."""
    upload = Upload.objects.select_for_update().get(pk=upload.pk)
    if upload.state not in (UploadState.FAILED, UploadState.INGESTED):
        raise UploadFinishedError("This upload is still under way. Wait until it has been read.")
    if not part_path(upload.pk).is_file():
        raise SourceGoneError("The file is no longer here. Send it again.")
    upload.receptions.filter(outcome__in=(ReceptionOutcome.REFUSED, ReceptionOutcome.SKIPPED)).delete()
    queue_upload(upload)
    audit.record(act="upload.retried", actor=actor, subject=upload, address=address)
    return upload


@transaction.atomic
def state_details(upload: Upload, *, actor: User, details: StatedDetails, address: str = "") -> Upload:
    """Note what a person states about a file that does not say it, and read the file."""
    upload = Upload.objects.select_for_update().get(pk=upload.pk)
    if upload.state != UploadState.NEEDS_DETAILS:
        raise UploadFinishedError("This upload does not wait for details.")
    if not part_path(upload.pk).is_file():
        raise SourceGoneError("The file is no longer here. Send it again.")
    upload.details = details.to_json()
    queue_upload(upload)
    audit.record(act="upload.details_stated", actor=actor, subject=upload, address=address)
    return upload


def queue_upload(upload: Upload) -> None:
    """Hand a file that lies whole on disk to the workers; inside the caller's transaction."""
    upload.state = UploadState.RECEIVED
    upload.reason_code, upload.reason = "", ""
    upload.needed_details = []
    upload.claimed_at = upload.finished_at = upload.expires_at = None
    upload.save()
    enqueue_on_commit(StudyTask.INGEST_UPLOAD, upload_id=upload.pk)
    publish_uploads([upload])


def publish_uploads(uploads: Sequence[Upload]) -> None:
    """Tell the teams' browsers where uploads stand, once the transaction has committed."""
    for upload, status in zip(uploads, describe_uploads(uploads), strict=True):
        publish_on_commit(worklist_group(upload.team_id), UploadProgressed(upload=status))


def _make_part(path: Path, size_bytes: int) -> None:
    with explain_write_failures(path.parent):
        make_folder(path.parent)
        if shutil.disk_usage(path.parent).free < size_bytes + RESERVE_BYTES:
            raise StorageFullError(
                f"There is no room for {size_bytes} bytes on the disk that holds {path.parent}. "
                "Free some space, then send the file again."
            )
        path.touch(mode=0o600, exist_ok=False)
        sync_folder(path.parent)


@contextmanager
def _open_part(upload_id: UUID) -> Iterator[FileIO]:
    try:
        part = part_path(upload_id).open("r+b", buffering=0)  # what a full disk took is in the file, not in a buffer
    except FileNotFoundError as error:
        raise UploadFinishedError("What was received of this file is no longer here. Send it again.") from error
    with part:
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UploadBusyError("Another request is sending this file. Wait for it to end, then go on.") from error
        yield part


def _write_piece(part: FileIO, stream: ByteStream, *, offset: int, end: int) -> None:
    part.truncate(offset)  # bytes beyond the record were never answered for
    part.seek(offset)
    while chunk := stream.read(CHUNK_BYTES):
        offset += len(chunk)
        if offset > end:
            raise UploadTooLargeError(f"More bytes came than the {end} announced. Start this upload afresh.")
        rest = memoryview(chunk)
        while rest:
            rest = rest[part.write(rest) :]


@transaction.atomic
def _record_progress(upload: Upload, *, received_bytes: int) -> None:
    upload.received_bytes = received_bytes
    upload.expires_at = timezone.now() + UNFINISHED_FOR
    if received_bytes == upload.size_bytes:
        queue_upload(upload)
    else:
        upload.save(update_fields=["received_bytes", "expires_at"])


def _shown_name(name: str) -> str:
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name).strip() or "unnamed"
    return text if len(text) <= _LONGEST_NAME else f"…{text[1 - _LONGEST_NAME :]}"
