"""Models handed in through the browser: received by the web server, read and checked by a worker.

The row says what is due, not the broker: a lost message is sent again, and a worker that died is noticed by the
heartbeat that stopped. A file that takes its worker along more than once is refused.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from inference.formats.archive import MOST_BYTES
from inference.formats.imported import describe_origin
from inference.formats.refusals import FormatUnknownError
from inference.formats.wish import Wish, read_wish
from inference.model_spec import ModelSpec
from inference.models import ModelImport, ModelImportState
from inference.registry import list_built_in
from inference.services.heartbeat import Heartbeat
from inference.services.jobs import InferenceTask
from inference.services.lease import LEASE
from inference.services.received_files import FileEmptyError, FileTooLargeError, sweep_folders, tidy_name, write_stream
from studies.errors import ConflictError, DomainError, InvalidInputError
from studies.models import Role, User
from studies.permissions import require_role
from studies.queue import Queue, enqueue_on_commit
from studies.services import audit
from studies.storage import Readable

logger = logging.getLogger(__name__)

SHOWN_IMPORTS = 20
REMIND_AFTER = timedelta(minutes=1)
MOST_ATTEMPTS = 2
STALL_LIMIT_S = 900.0
"""An import that takes longer hangs: its worker is ended, as nothing else ends a program inside a model."""
SUFFIXES = (".zip", ".pt", ".pth", ".ts", ".onnx")


class ModelTooLargeError(DomainError):
    """The file is larger than any model may be."""

    code: ClassVar[str] = "model.too_large"
    status: ClassVar[int] = 413


class ModelImportUnderWayError(ConflictError):
    """The same file is being imported already."""

    code: ClassVar[str] = "model.import_under_way"


class ModelFileEmptyError(InvalidInputError):
    """Nothing was sent."""

    code: ClassVar[str] = "model.file_empty"


class Take(Protocol):
    """The seam to torch: `inference.formats.taking.take_model`."""

    def __call__(self, path: Path, folder: Path, wish: Wish, *, taken: Iterable[str]) -> ModelSpec: ...


def most_bytes() -> int:
    """Return how large a file may be."""
    return min(int(settings.SEGWEB_MAX_UPLOAD_BYTES), MOST_BYTES)


def receive_import(
    stream: Readable, *, file_name: str, wishes: Mapping[str, Any], requested_by: User, address: str = ""
) -> ModelImport:
    """Write a file to the data folder and queue its import.

    Raises
    ------
    studies.errors.DomainError
        Where the file is too large, empty, of another kind, or under way already; nothing is kept then.
    """
    require_role(requested_by, Role.ADMINISTRATOR)
    name = tidy_name(file_name)
    read_wish(wishes, origin={})
    if not name.lower().endswith(SUFFIXES):
        raise FormatUnknownError(f"{name} is none of the files that hold a model: {', '.join(SUFFIXES)}.")
    found = ModelImport(id=uuid4(), file_name=name, wishes=dict(wishes), requested_by=requested_by)
    path = import_path(found)
    try:
        found.size_bytes, found.sha256 = _write_stream(stream, path)
        _queue(found, address)
    except BaseException:
        _drop_file(found)
        raise
    return found


def list_imports() -> list[ModelImport]:
    """Return the newest imports."""
    return list(ModelImport.objects.select_related("requested_by")[:SHOWN_IMPORTS])


def run_import(import_id: UUID, *, take: Take) -> None:
    """Read, check and store one file; returns also when it was refused: the row says why."""
    claimed = _claim(import_id)
    if claimed is None:
        return
    folder = settings.SEGWEB_DATA_DIR / "models"
    origin = describe_origin(claimed.file_name, imported_at=timezone.now(), sha256=claimed.sha256)
    try:
        with Heartbeat(partial(_renew, claimed), name=f"import {claimed.pk}", stall_limit_s=STALL_LIMIT_S):
            wish = read_wish(claimed.wishes, origin=origin)
            spec = take(import_path(claimed), folder, wish, taken=[spec.name for spec in list_built_in()])
    except DomainError as error:
        _end(claimed, ModelImportState.REFUSED, failure_code=error.code, failure=error.message)
    except Exception as error:
        logger.exception("Import %s failed", claimed.pk)
        words = (
            f"The import stopped with an unexpected error ({type(error).__name__}). Send the file again; if it happens "
            "again, look at the worker's log."
        )
        _end(claimed, ModelImportState.REFUSED, failure_code="model.import_failed", failure=words)
    else:
        _end(claimed, ModelImportState.IMPORTED, model_name=spec.name, model_version=spec.version)


def tend_imports() -> int:
    """Send lost messages again, and take back what dead workers held; return how many rows were touched."""
    now = timezone.now()
    never_or_long_ago = Q(enqueued_at__isnull=True) | Q(enqueued_at__lte=now - REMIND_AFTER)
    waiting = ModelImport.objects.filter(never_or_long_ago, state=ModelImportState.RECEIVED)
    lost = ModelImport.objects.filter(state=ModelImportState.CHECKING, heartbeat_at__lte=now - LEASE)
    return sum(_send_again(each) for each in waiting) + sum(_take_back(each) for each in lost)


def sweep_imports() -> int:
    """Delete files that no import waits for: their web server stopped between the file and the row."""
    under_way = ModelImport.objects.filter(state__in=(ModelImportState.RECEIVED, ModelImportState.CHECKING))
    return sweep_folders(_imports_folder(), under_way.values_list("pk", flat=True))


def import_path(found: ModelImport) -> Path:
    """Return where an import's file lies until it is read: under its own name, which refusals and titles give."""
    return _imports_folder() / str(found.pk) / found.file_name


def _imports_folder() -> Path:
    folder: Path = settings.SEGWEB_DATA_DIR / "model-imports"
    return folder


def _drop_file(found: ModelImport) -> None:
    shutil.rmtree(import_path(found).parent, ignore_errors=True)


def _write_stream(stream: Readable, path: Path) -> tuple[int, str]:
    try:
        return write_stream(stream, path, most_bytes=most_bytes())
    except FileTooLargeError as error:
        raise ModelTooLargeError(
            f"The file is larger than {most_bytes() / 1e9:.1f} GB, the most SegWeb takes for a model. Leave out what "
            "is not needed to run it, or raise SEGWEB_MAX_UPLOAD_BYTES."
        ) from error
    except FileEmptyError as error:
        raise ModelFileEmptyError("The file is empty. Export the model again.") from error


@transaction.atomic
def _queue(found: ModelImport, address: str) -> None:
    User.objects.select_for_update().get(pk=found.requested_by_id)  # one of their requests at a time
    under_way = (ModelImportState.RECEIVED, ModelImportState.CHECKING)
    if ModelImport.objects.filter(sha256=found.sha256, state__in=under_way).exists():
        raise ModelImportUnderWayError(f"{found.file_name} is being imported already. Wait for that to end.")
    found.enqueued_at = timezone.now()
    found.save(force_insert=True)
    enqueue_on_commit(InferenceTask.IMPORT_MODEL, queue=Queue.GPU, import_id=found.pk)
    audit.record(
        act="model_import.requested",
        actor=found.requested_by,
        subject=found,
        address=address,
        file_name=found.file_name,
        sha256=found.sha256,
    )


@transaction.atomic
def _claim(import_id: UUID) -> ModelImport | None:
    waiting = ModelImport.objects.select_for_update().filter(pk=import_id, state=ModelImportState.RECEIVED)
    found = waiting.first()
    if found is None:
        return None
    found.state, found.heartbeat_at = ModelImportState.CHECKING, timezone.now()
    found.attempt += 1
    found.save()
    return found


def _end(claimed: ModelImport, state: ModelImportState, **fields: str) -> None:
    """End an attempt and drop its file; does nothing where another attempt has taken over."""
    if _close(claimed, state, fields):
        _drop_file(claimed)  # what a crash leaves here, `sweep_imports` takes away
    else:
        logger.warning("Import %s attempt %s was taken over.", claimed.pk, claimed.attempt)


@transaction.atomic
def _close(claimed: ModelImport, state: ModelImportState, fields: Mapping[str, str]) -> bool:
    mine = ModelImport.objects.filter(pk=claimed.pk, attempt=claimed.attempt, state=ModelImportState.CHECKING)
    if not mine.update(state=state, finished_at=timezone.now(), **fields):
        return False
    outcome = audit.REFUSED if state == ModelImportState.REFUSED else audit.SUCCESS
    code, name = fields.get("failure_code", ""), fields.get("model_name", "")
    audit.record(act=f"model_import.{state}", actor=None, subject=claimed, outcome=outcome, code=code, model=name)
    return True


def _send_again(found: ModelImport) -> bool:
    with transaction.atomic():
        mine = ModelImport.objects.filter(pk=found.pk, state=ModelImportState.RECEIVED, enqueued_at=found.enqueued_at)
        if not mine.update(enqueued_at=timezone.now()):
            return False
        enqueue_on_commit(InferenceTask.IMPORT_MODEL, queue=Queue.GPU, import_id=found.pk)
    return True


def _take_back(lost: ModelImport) -> bool:
    logger.warning("Import %s lost its worker in attempt %s", lost.pk, lost.attempt)
    if lost.attempt >= MOST_ATTEMPTS:
        words = (
            f"The worker stopped {lost.attempt} times while checking this model, most often for want of memory, or "
            "because the network never ends. Nothing was imported."
        )
        _end(lost, ModelImportState.REFUSED, failure_code="model.worker_lost", failure=words)
        return True
    with transaction.atomic():
        mine = ModelImport.objects.filter(pk=lost.pk, attempt=lost.attempt, state=ModelImportState.CHECKING)
        if not mine.update(state=ModelImportState.RECEIVED, enqueued_at=timezone.now(), heartbeat_at=None):
            return False
        enqueue_on_commit(InferenceTask.IMPORT_MODEL, queue=Queue.GPU, import_id=lost.pk)
    return True


def _renew(claimed: ModelImport) -> None:
    mine = ModelImport.objects.filter(pk=claimed.pk, attempt=claimed.attempt, state=ModelImportState.CHECKING)
    mine.update(heartbeat_at=timezone.now())
