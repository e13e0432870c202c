"""Task names, the one task decorator, and the one way to enqueue."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import StrEnum
from typing import Any
from uuid import UUID

from celery import current_app, shared_task  # noqa: TID251 - the one place
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


class Queue(StrEnum):
    """Which workers take a task."""

    RECORD = "record"
    """Short tasks of the clinical record, above all reading what was dropped: nothing that computes for long."""
    CPU = "cpu"
    """Models that need no device, and registrations."""
    GPU = "gpu"


class StudyTask(StrEnum):
    """Tasks of the clinical record."""

    INGEST_UPLOAD = "studies.ingest_upload"
    PREPARE_SERIES = "studies.prepare_series"
    MATCH_LESIONS = "studies.match_lesions"
    REGISTER_SERIES = "studies.register_series"


def queue_task(*, name: str) -> Callable[[Callable[..., None]], Any]:
    """Register a task: acknowledged late, given to another worker when its own dies, never retried silently."""

    def register(act: Callable[..., None]) -> Any:
        return shared_task(name=str(name), acks_late=True, reject_on_worker_lost=True, ignore_result=True)(act)

    return register


def enqueue_on_commit(task: str, *, queue: Queue = Queue.RECORD, delay_s: float = 0.0, **ids: UUID | str) -> None:
    """Send a task by name once the surrounding transaction has committed; ids and digests only, never objects.

    With `delay_s` a worker begins no earlier than so much later.

    What has been committed stands though the broker be away: the failure is logged, and whoever keeps the row sends
    the message again (jobs: `inference.services.reaper`; uploads: `studies.services.upload_care`; lesions:
    `studies.services.tracking_care`).
    """
    signature = current_app.signature(str(task), kwargs={k: str(v) for k, v in ids.items()}, immutable=True)
    options: dict[str, Any] = {"queue": str(queue), "retry": False} | ({"countdown": delay_s} if delay_s else {})

    def send() -> None:
        try:
            signature.apply_async(**options)
        except OperationalError as error:
            logger.warning("The broker is away and %s was not sent: %s", task, error)

    transaction.on_commit(send, robust=True)
