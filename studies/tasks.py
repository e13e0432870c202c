"""Tasks of the clinical record: each calls one service."""

from __future__ import annotations

from uuid import UUID

from studies.queue import StudyTask, queue_task
from studies.services.ingest import ingest_upload


@queue_task(name=StudyTask.INGEST_UPLOAD)
def ingest_upload_task(*, upload_id: str) -> None:
    """Read a received upload into the record."""
    ingest_upload(UUID(upload_id))
