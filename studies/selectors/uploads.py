"""What a person sees of uploads: their own, nobody else's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import Count, QuerySet

from studies.errors import NotFoundError
from studies.events import UploadCounts, UploadProblem, UploadStatus
from studies.models import Instance, Reception, ReceptionOutcome, Upload, UploadState, User
from studies.permissions import NOT_VISIBLE_MESSAGE

SHOWN_PROBLEMS = 50
"""Problems listed per upload; the counts tell of the rest."""
SHOWN_UPLOADS = 1000
_PROBLEM_OUTCOMES = (ReceptionOutcome.REFUSED, ReceptionOutcome.SKIPPED)


def uploads_of(user: User) -> QuerySet[Upload]:
    """Return the uploads a person made for a team they still belong to, newest first."""
    return Upload.objects.filter(created_by=user, team__memberships__user=user)


def get_upload_for(user: User, upload_id: UUID | str) -> Upload:
    """Return one of the person's uploads; another's is answered like one that does not exist."""
    upload = uploads_of(user).filter(pk=upload_id).first()
    if upload is None:
        raise NotFoundError(NOT_VISIBLE_MESSAGE)
    return upload


def list_uploads_for(user: User, *, batch: UUID | None = None, state: UploadState | None = None) -> Sequence[Upload]:
    """Return the person's newest uploads, those of one drop or in one state when asked for."""
    uploads = uploads_of(user)
    if batch is not None:
        uploads = uploads.filter(batch=batch)
    if state is not None:
        uploads = uploads.filter(state=state)
    return list(uploads[:SHOWN_UPLOADS])


def describe_upload(upload: Upload) -> UploadStatus:
    """Return one upload as browsers see it."""
    return describe_uploads([upload])[0]


def describe_uploads(uploads: Sequence[Upload]) -> list[UploadStatus]:
    """Return uploads as browsers see them, in three queries whatever their number."""
    ids = [upload.pk for upload in uploads]
    counts, problems, studies = _counts_of(ids), _problems_of(ids), _studies_of(ids)
    return [
        UploadStatus(
            id=upload.pk,
            file_name=upload.file_name,
            size_bytes=upload.size_bytes,
            received_bytes=upload.received_bytes,
            state=UploadState(upload.state),
            reason_code=upload.reason_code,
            reason=upload.reason,
            batch=upload.batch,
            created_at=upload.created_at,
            finished_at=upload.finished_at,
            counts=counts[upload.pk],
            problems=tuple(problems[upload.pk]),
            study_ids=tuple(studies[upload.pk]),
            needed_details=tuple(upload.needed_details),
        )
        for upload in uploads
    ]


def _counts_of(ids: Iterable[UUID]) -> dict[UUID, UploadCounts]:
    found: defaultdict[UUID, dict[str, int]] = defaultdict(dict)
    rows = Reception.objects.filter(upload__in=ids).order_by().values_list("upload", "outcome").annotate(n=Count("id"))
    for upload, outcome, count in rows:
        found[upload][outcome] = count
    return {
        key: UploadCounts(
            stored=found[key].get(ReceptionOutcome.STORED, 0),
            duplicate=found[key].get(ReceptionOutcome.DUPLICATE, 0),
            refused=found[key].get(ReceptionOutcome.REFUSED, 0),
            skipped=found[key].get(ReceptionOutcome.SKIPPED, 0),
        )
        for key in ids
    }


def _problems_of(ids: Sequence[UUID]) -> defaultdict[UUID, list[UploadProblem]]:
    """Refusals first; what is left out without a reason (a file manager's leftovers) is counted, not listed."""
    found: defaultdict[UUID, list[UploadProblem]] = defaultdict(list)
    rows = Reception.objects.filter(upload__in=ids, outcome__in=_PROBLEM_OUTCOMES).exclude(reason_code="")
    rows = rows.order_by("outcome", "id").only("upload_id", "path", "outcome", "reason_code", "reason")
    for row in rows[: SHOWN_PROBLEMS * max(len(ids), 1)]:
        if len(found[row.upload_id]) < SHOWN_PROBLEMS:
            outcome = ReceptionOutcome(row.outcome)
            found[row.upload_id].append(
                UploadProblem(path=row.path, outcome=outcome, reason_code=row.reason_code, reason=row.reason)
            )
    return found


def _studies_of(ids: Iterable[UUID]) -> defaultdict[UUID, list[UUID]]:
    found: defaultdict[UUID, list[UUID]] = defaultdict(list)
    rows = Instance.objects.filter(receptions__upload__in=ids).order_by()
    for upload, study in rows.values_list("receptions__upload", "series__study_id").distinct():
        if upload in found or upload in ids:
            found[upload].append(study)
    return found
