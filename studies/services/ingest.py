"""Reading what came through the door into the record.

Safe to run twice and side by side: an upload is claimed by one worker at a time, what it holds is recorded under its
team's lock, and what is already recorded is recognised. A worker that dies leaves its claim to go stale, and
`studies.services.upload_care` hands the upload out again.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from studies.dicom.wrap import StatedDetails
from studies.errors import DomainError
from studies.events import StudyChanged, publish_on_commit, study_group
from studies.models import Reception, ReceptionOutcome, Study, Team, Upload, UploadState
from studies.services import audit
from studies.services.arrivals import Arrival, ArrivalContext, Reading, arrivals_in, read_ahead
from studies.services.ingest_records import Batch, record_batch
from studies.services.series_contents import refresh_series, refresh_studies
from studies.services.studies import announce_study
from studies.services.uploads import KEPT_FOR, part_path, publish_uploads
from studies.services.volumes import enqueue_preparation
from studies.storage import blob_store

logger = logging.getLogger(__name__)

CLAIM_STALE_AFTER = timedelta(minutes=2)
MOST_CLAIMED = 256
FIRST_BATCH, LARGEST_BATCH = 64, 1024
LONGEST_BATCH_S = 5.0
_DATABASE_TRIES = 4

OnRecorded = Callable[[Sequence[Reception]], None]


class NothingFoundError(DomainError):
    """An archive without files."""

    code = "archive.empty"


class NotRecordedError(DomainError):
    """What was read could not be recorded, for a reason nobody foresaw."""

    code = "upload.not_recorded"
    status = 500


def ingest_upload(upload_id: UUID) -> None:
    """Read a received upload, and with it what else of the same drop is waiting: files are recorded in batches."""
    uploads = claim_uploads(upload_id)
    if not uploads:
        return
    ingestion = Ingestion(uploads[0].team, claimed=uploads)
    for upload, arrivals in read_ahead(_sources(uploads)):
        try:
            ingestion.read(upload, arrivals())
        except DomainError as error:  # the store cannot go on; the next upload finds out for itself
            ingestion.fail(upload, error)
    ingestion.flush()


@transaction.atomic
def claim_uploads(upload_id: UUID) -> list[Upload]:
    """Return the upload and its waiting siblings, claimed for this worker; nothing when another has them."""
    stale = timezone.now() - CLAIM_STALE_AFTER
    free = Upload.objects.filter(Q(claimed_at__isnull=True) | Q(claimed_at__lt=stale), state=UploadState.RECEIVED)
    asked = free.filter(pk=upload_id).first()
    if asked is None:
        return []
    own = Q(pk=upload_id)
    if asked.batch is not None:
        own |= Q(batch=asked.batch, team=asked.team_id, created_by=asked.created_by_id)
    locked = free.filter(own).select_for_update(skip_locked=True, of=("self",)).order_by("created_at", "pk")
    uploads = list(locked.select_related("team", "created_by")[:MOST_CLAIMED])
    Upload.objects.filter(pk__in=[upload.pk for upload in uploads]).update(claimed_at=timezone.now())
    return uploads


class Ingestion:
    """Collects arrivals of one team's uploads and records them in batches that grow as the reading goes on."""

    def __init__(
        self, team: Team, *, claimed: Sequence[Upload] = (), on_recorded: OnRecorded = lambda receptions: None
    ) -> None:
        self._team = team
        self._claimed = [upload.pk for upload in claimed]
        self._on_recorded = on_recorded
        self._pending: list[tuple[Upload, Arrival]] = []
        self._ended: list[Upload] = []
        self._needed: dict[UUID, tuple[str, ...]] = {}
        self._size = FIRST_BATCH
        self._recorded_at = time.monotonic()

    def read(self, upload: Upload, arrivals: Iterable[Arrival]) -> None:
        """Take everything an upload holds; batches are recorded as they fill."""
        for arrival in arrivals:
            if arrival.needs_details:
                self._needed[upload.pk] = arrival.needs_details
            else:
                self._pending.append((upload, arrival))
            if len(self._pending) >= self._size or time.monotonic() - self._recorded_at > LONGEST_BATCH_S:
                self.flush()
        self._ended.append(upload)

    def fail(self, upload: Upload, error: DomainError) -> None:
        """Record what was read of an upload, then why its reading ended."""
        self.flush()
        _fail_upload(upload, error)

    def flush(self) -> None:
        """Record what is pending, end the uploads that are read, and tell of both once they are safe."""
        pending, ended, self._pending, self._ended = self._pending, self._ended, [], []
        if not pending and not ended:
            return
        self._size = min(self._size * 2, LARGEST_BATCH)
        try:
            receptions = self._record(pending, ended)
        except Exception:
            logger.exception("A batch could not be recorded; its uploads are recorded one by one")
            receptions = self._record_singly(pending, ended)
        self._recorded_at = time.monotonic()
        self._on_recorded(receptions)

    def _record(self, pending: Sequence[tuple[Upload, Arrival]], ended: Sequence[Upload]) -> list[Reception]:
        """Record a batch, again when the database was busy."""
        for attempt in range(1, _DATABASE_TRIES):
            try:
                return self._record_once(pending, ended)
            except (IntegrityError, OperationalError):
                time.sleep(0.1 * 2**attempt)
        return self._record_once(pending, ended)

    def _record_once(self, pending: Sequence[tuple[Upload, Arrival]], ended: Sequence[Upload]) -> list[Reception]:
        waiting = Upload.objects.filter(pk__in=self._claimed, state=UploadState.RECEIVED)
        waiting.update(claimed_at=timezone.now())  # a sign of life for those whose turn has not come
        return _record(self._team, pending, ended, self._needed).receptions

    def _record_singly(self, pending: Sequence[tuple[Upload, Arrival]], ended: Sequence[Upload]) -> list[Reception]:
        """Record each upload apart: the one that cannot be recorded must not hold up the others."""
        recorded: list[Reception] = []
        for upload in {u.pk: u for u in [*(upload for upload, _ in pending), *ended]}.values():
            own = [(u, arrival) for u, arrival in pending if u.pk == upload.pk]
            try:
                recorded += self._record(own, [u for u in ended if u.pk == upload.pk])
            except Exception:
                logger.exception("Upload %s could not be recorded", upload.pk)
                _fail_upload(upload, NotRecordedError("The file could not be recorded. Try again, or ask for the log."))
        return recorded


@transaction.atomic
def _record(
    team: Team, pending: Sequence[tuple[Upload, Arrival]], ended: Sequence[Upload], needed: dict[UUID, tuple[str, ...]]
) -> Batch:
    """One transaction: lock the team, record, judge, end what is read, audit, publish."""
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    batch = record_batch(team, pending)
    refresh_series(batch.touched_series)
    enqueue_preparation(batch.touched_series)
    studies = refresh_studies(batch.touched_studies)
    under_way = {upload.pk: upload for upload, _ in pending}
    open_states = (UploadState.RECEIVING, UploadState.RECEIVED)
    still_open = set(
        Upload.objects.filter(pk__in=[u.pk for u in ended], state__in=open_states).values_list("pk", flat=True)
    )
    for upload in (upload for upload in ended if upload.pk in still_open):
        _end_upload(upload, needed.get(upload.pk, ()))
    for study in studies:
        publish_on_commit(study_group(study.pk), StudyChanged())
        announce_study(study.pk)
    publish_uploads([*{**under_way, **{upload.pk: upload for upload in ended}}.values()])
    _audit(batch, studies)
    return batch


def _end_upload(upload: Upload, needed: tuple[str, ...]) -> None:
    """Set an upload's final state from what became of its objects."""
    outcomes = Counter(upload.receptions.values_list("outcome", flat=True))
    kept = outcomes[ReceptionOutcome.STORED] + outcomes[ReceptionOutcome.DUPLICATE]
    left_out = upload.receptions.exclude(reason_code="").exclude(outcome=ReceptionOutcome.DUPLICATE)
    refusal = left_out.filter(outcome=ReceptionOutcome.REFUSED).first() or left_out.first()
    upload.state, upload.finished_at, upload.claimed_at = UploadState.INGESTED, timezone.now(), None
    if needed:
        upload.state, upload.needed_details, upload.finished_at = UploadState.NEEDS_DETAILS, list(needed), None
    elif not outcomes:
        nothing = NothingFoundError("There are no files in this archive. Send one that holds images.")
        upload.state, upload.reason_code, upload.reason = UploadState.FAILED, nothing.code, nothing.message
    elif refusal is not None and not kept:
        upload.state, upload.reason_code, upload.reason = UploadState.FAILED, refusal.reason_code, refusal.reason
    is_kept = upload.state != UploadState.INGESTED or bool(outcomes[ReceptionOutcome.REFUSED])
    upload.expires_at = timezone.now() + KEPT_FOR if is_kept else None
    upload.save()
    if not is_kept:
        path = part_path(upload.pk)
        transaction.on_commit(lambda: path.unlink(missing_ok=True))


@transaction.atomic
def _fail_upload(upload: Upload, error: DomainError) -> None:
    upload.state, upload.reason_code, upload.reason = UploadState.FAILED, error.code, error.message
    upload.finished_at, upload.claimed_at = timezone.now(), None
    upload.expires_at = timezone.now() + KEPT_FOR
    upload.save()
    publish_uploads([upload])
    audit.record(
        act="upload.failed", actor=upload.created_by, subject=upload, outcome=audit.FAILED, reason_code=error.code
    )


def _audit(batch: Batch, studies: Iterable[Study]) -> None:
    """Note per study what was added, and per upload what was refused; ids and counts, never names."""
    if not batch.receptions:
        return
    actor = batch.receptions[0].upload.created_by
    stored = Counter(r.instance.series.study_id for r in batch.receptions if r.instance and _is(r, "STORED"))
    for study in studies:
        audit.record(
            act="study.received", actor=actor, subject=study, patient=study.patient, stored_count=stored[study.pk]
        )
    refused = Counter((r.upload_id, r.reason_code) for r in batch.receptions if _is(r, "REFUSED"))
    for (upload_id, code), count in refused.items():
        audit.record(
            act="instance.refused", actor=actor, outcome=audit.REFUSED, upload=upload_id, reason_code=code, count=count
        )


def _is(reception: Reception, outcome: str) -> bool:
    return reception.outcome == ReceptionOutcome[outcome]


def _sources(uploads: Iterable[Upload]) -> Iterator[tuple[Upload, Path, Reading]]:
    for upload in uploads:
        path = part_path(upload.pk)
        yield upload, path, partial(arrivals_in, path, upload.file_name, _context(upload), is_ours=True)


def _context(upload: Upload) -> ArrivalContext:
    return ArrivalContext(
        store=blob_store(),
        namespace=str(upload.team_id),
        details=StatedDetails.from_json(upload.details) if upload.details else None,
        known_paths=frozenset(upload.receptions.values_list("path", flat=True)),
    )
