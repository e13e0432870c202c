"""What happens to uploads that lost their worker, their message or their sender, and to what is kept too long.

Nothing here trusts the broker: the rows say what is due. Any number of processes may tend at once.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from studies.models import Upload, UploadState
from studies.queue import StudyTask, enqueue_on_commit
from studies.services import audit
from studies.services.ingest import CLAIM_STALE_AFTER
from studies.services.uploads import part_path, publish_uploads
from studies.storage import blob_store

logger = logging.getLogger(__name__)

REMIND_AFTER = timedelta(minutes=2)
"""A received upload that no worker took by then is announced again: its message may be lost."""
SWEEP_AFTER = timedelta(days=1)
_EXPIRED = "upload.expired"


def tend_uploads() -> int:
    """Do what is due once; return how many uploads were touched."""
    return remind_of_waiting() + expire_uploads()


@transaction.atomic
def remind_of_waiting() -> int:
    """Hand out again what waits without a worker; reading an upload twice changes nothing."""
    now = timezone.now()
    unclaimed = Q(claimed_at__isnull=True, created_at__lt=now - REMIND_AFTER)
    abandoned = Q(claimed_at__lt=now - CLAIM_STALE_AFTER)
    waiting = Upload.objects.filter(unclaimed | abandoned, state=UploadState.RECEIVED)
    due = waiting.filter(Q(reminded_at__isnull=True) | Q(reminded_at__lt=now - REMIND_AFTER))
    uploads = list(due.select_for_update(skip_locked=True).order_by("created_at")[:100])
    Upload.objects.filter(pk__in=[upload.pk for upload in uploads]).update(reminded_at=now)
    for upload in {upload.batch or upload.pk: upload for upload in uploads}.values():  # one task reads a whole drop
        enqueue_on_commit(StudyTask.INGEST_UPLOAD, upload_id=upload.pk)
    return len(uploads)


@transaction.atomic
def expire_uploads() -> int:
    """Throw away what nobody finished, stated details for, or tried again in time."""
    due = Upload.objects.filter(expires_at__lt=timezone.now()).exclude(state=UploadState.RECEIVED)
    uploads = list(due.select_for_update(skip_locked=True)[:100])
    for upload in uploads:
        path = part_path(upload.pk)
        transaction.on_commit(lambda path=path: path.unlink(missing_ok=True))  # type: ignore[misc]
        if upload.state == UploadState.RECEIVING:
            audit.record(act="upload.expired", actor=None, subject=upload)
            upload.delete()
            continue
        if upload.state == UploadState.NEEDS_DETAILS:
            upload.state, upload.finished_at = UploadState.FAILED, timezone.now()
            upload.reason_code = _EXPIRED
            upload.reason = "Nobody stated whose image this is in time; it was thrown away. Send it again."
            upload.needed_details = []
            publish_uploads([upload])
            audit.record(act="upload.expired", actor=None, subject=upload)
        upload.expires_at = None
        upload.save()
    return len(uploads)


def sweep_folders() -> int:
    """Delete what crashed processes left on disk: half-written blobs, and parts without an upload."""
    swept = blob_store().sweep(older_than_s=SWEEP_AFTER.total_seconds())
    folder = part_path(UUID(int=0)).parent
    horizon = (timezone.now() - SWEEP_AFTER).timestamp()
    old = [path for path in folder.glob("*") if path.stat().st_mtime < horizon] if folder.is_dir() else []
    known = {str(pk) for pk in Upload.objects.filter(pk__in=_ids(old)).values_list("pk", flat=True)}
    for path in old:
        if path.name not in known:
            path.unlink(missing_ok=True)
            swept += 1
    return swept


def _ids(paths: list[Path]) -> list[UUID]:
    ids = []
    for path in paths:
        with suppress(ValueError):
            ids.append(UUID(path.name))
    return ids
