"""Tasks of the clinical record: each calls one service."""

from __future__ import annotations

from uuid import UUID

from studies.queue import StudyTask, queue_task
from studies.services.ingest import ingest_upload
from studies.services.lesion_matching import match_lesions
from studies.services.registrations import register_series
from studies.services.volumes import prepare_series


@queue_task(name=StudyTask.INGEST_UPLOAD)
def ingest_upload_task(*, upload_id: str) -> None:
    """Read a received upload into the record."""
    ingest_upload(UUID(upload_id))


@queue_task(name=StudyTask.PREPARE_SERIES)
def prepare_series_task(*, series_id: str, contents_digest: str) -> None:
    """Decode a series before anybody opens it, unless more of it has arrived since."""
    prepare_series(UUID(series_id), contents_digest=contents_digest)


@queue_task(name=StudyTask.REGISTER_SERIES)
def register_series_task(*, registration_id: str) -> None:
    """Lay a prior series over a current one."""
    register_series(UUID(registration_id))


@queue_task(name=StudyTask.MATCH_LESIONS)
def match_lesions_task(*, patient_id: str) -> None:
    """Find the patient's lesions again at each timepoint whose inputs changed."""
    match_lesions(UUID(patient_id))
