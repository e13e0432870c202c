"""What a person does to learn why a network marked a lesion: ask. Cancelling and retrying are as for every job."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone

from inference.job_states import ACTIVE, JobState
from inference.model_spec import ModelSpec
from inference.models import SegmentationJob
from inference.pipeline.explanation import ExplanationMethod, NoNetworkError, require_explainable
from inference.selectors import jobs_to_show
from inference.services.announcements import announce_state
from inference.services.job_images import read_model
from inference.services.jobs import digest_parameters, queue_for, require_enabled, wake_worker
from inference.services.limits import require_room
from studies.errors import InvalidInputError
from studies.models import SegmentationRevision, Series, User
from studies.permissions import ACTING_ROLES, require_role
from studies.services import audit


class SegmentEmptyError(InvalidInputError):
    """Nothing of this label map is of that segment."""

    code: ClassVar[str] = "explanation.segment_empty"


class SegmentNotOfModelError(InvalidInputError):
    """The segment was added by a person: the network knows nothing of it."""

    code: ClassVar[str] = "explanation.segment_not_of_model"


@transaction.atomic
def request_explanation(
    revision: SegmentationRevision,
    *,
    requested_by: User,
    method: ExplanationMethod,
    segment_number: int,
    lesion_number: int | None = None,
    address: str = "",
) -> tuple[SegmentationJob, bool]:
    """Queue a question about a network's label map, or one corrected from it.

    Parameters
    ----------
    lesion_number
        As it is measured: from 1 within its segment. None asks about the whole segment.

    Returns
    -------
    The job, and False where the same has been asked and waits, runs or is answered.
    """
    require_role(requested_by, *ACTING_ROLES)
    series = Series.objects.select_for_update().get(pk=revision.segmentation.series_id)
    made_by = _find_maker(revision)
    spec = _find_model(made_by, method)
    _require_marked(revision, spec, segment_number)
    asked: dict[str, Any] = {"method": str(method), "segment_number": segment_number, "lesion_number": lesion_number}
    question: dict[str, Any] = {
        "series": series,
        "model_name": spec.name,
        "model_version": spec.version,
        "parameters_digest": digest_parameters(asked | {"explains": str(revision.pk)}),
    }
    known = jobs_to_show().filter(**question, state__in=[*sorted(ACTIVE), JobState.SUCCEEDED]).first()
    if known is not None:
        return known, False
    require_room(series.study.home_team, requested_by)
    now = timezone.now()
    job = SegmentationJob.objects.create(
        **question,
        requested_by=requested_by,
        inputs=made_by.inputs,
        contents_digest=series.contents_digest,
        explains=revision,
        explanation=asked,
        queue=queue_for(spec),
        queued_at=now,
        enqueued_at=now,
    )
    announce_state(job)
    wake_worker(job.queue)
    details = asked | {"model": f"{spec.name} {spec.version}", "revision": str(revision.pk)}
    patient = series.study.patient
    audit.record(
        act="explanation.requested", actor=requested_by, subject=job, patient=patient, address=address, **details
    )
    return job, True


def _find_maker(revision: SegmentationRevision) -> SegmentationJob:
    """Return the run that made a label map, or the one that it was corrected from."""
    runs = SegmentationJob.objects.filter(revision__segmentation=revision.segmentation_id, explains__isnull=True)
    made_by = runs.order_by("-finished_at").first()
    if made_by is None:
        raise NoNetworkError("This label map was drawn by a person: there is no network to ask. Choose a network's.")
    return made_by


def _find_model(made_by: SegmentationJob, method: ExplanationMethod) -> ModelSpec:
    """Return the model of a run, which may be asked so."""
    spec = read_model(made_by)
    require_enabled(spec)
    require_explainable(spec, method)
    return spec


def _require_marked(revision: SegmentationRevision, spec: ModelSpec, segment_number: int) -> None:
    if segment_number not in {segment.segment_number for segment in spec.segments}:
        raise SegmentNotOfModelError(f"{spec.title} does not mark segment {segment_number}. Choose one of its own.")
    if not revision.segments.filter(segment_number=segment_number, voxel_count__gt=0).exists():
        raise SegmentEmptyError("This segment is empty here: there is nothing to explain. Choose another one.")
