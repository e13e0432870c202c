"""What a person does with a job: request, cancel, retry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from inference.job_states import ACTIVE, JobState, can_move
from inference.model_spec import Focus, Method, ModelSpec
from inference.models import FOCUS_FIELDS, RoutingRule, SegmentationJob
from inference.pipeline.sweep import clamp_focus
from inference.registry import check_applicable, get_model, validate_parameters
from inference.selectors import jobs_to_show
from inference.services.announcements import announce_progress, announce_state
from inference.services.input_images import choose_inputs, record_inputs
from inference.services.limits import require_room
from inference.services.model_figures import disabled_models
from studies.errors import ConflictError, InvalidInputError
from studies.models import Series, User
from studies.permissions import ACTING_ROLES, require_role
from studies.queue import Queue, enqueue_on_commit
from studies.services import audit
from studies.services.volumes import describe_grid


class InferenceTask(StrEnum):
    """Tasks of the machines."""

    RUN_NEXT_JOB = "inference.run_next_job"
    IMPORT_MODEL = "inference.import_model"
    EVALUATE_MODEL = "inference.evaluate_model"


class ModelDisabledError(ConflictError):
    """An administrator has switched the model off."""

    code: ClassVar[str] = "model.disabled"


class ModelNotApplicableError(InvalidInputError):
    """The model cannot take this series."""

    code: ClassVar[str] = "model.not_applicable"


class JobFinishedError(ConflictError):
    """The job is over: there is nothing to cancel."""

    code: ClassVar[str] = "job.finished"


class JobNotRetryableError(ConflictError):
    """Only a failed or cancelled job can be run again, and only while nobody else runs the same."""

    code: ClassVar[str] = "job.not_retryable"


@transaction.atomic
def request_job(
    series: Series,
    *,
    requested_by: User | None,
    model_name: str,
    parameters: Mapping[str, object],
    focus: Focus | None = None,
    inputs: Mapping[str, UUID] | None = None,
    rule: RoutingRule | None = None,
    address: str = "",
) -> tuple[SegmentationJob, bool]:
    """Queue a run of a model over a series; return the job, and False where the same one already waits or runs.

    `inputs` names series for channels of a network that reads several images; the others are found by their headers.
    Where a rule asks and no person, the job runs in advance, and once only: one that has ended counts as the same.
    """
    if requested_by is not None:
        require_role(requested_by, *ACTING_ROLES)
    spec = get_model(model_name)
    series = Series.objects.select_for_update().get(pk=series.pk)  # one request at a time asks about a series
    require_usable(spec, series)
    shape = describe_grid(series).shape
    values = json.loads(json.dumps(validate_parameters(spec, parameters, shape)))
    images = record_inputs(choose_inputs(spec, series, {name: str(key) for name, key in (inputs or {}).items()}))
    question = {
        "series": series,
        "model_name": spec.name,
        "model_version": spec.version,
        "parameters_digest": digest_parameters(values | _name_inputs(images)),
    }
    same = jobs_to_show().filter(**question, state__in=sorted(ACTIVE)).first()
    if same is not None and rule is None:
        await_job(same.pk)
        same.refresh_from_db(fields=["is_awaited"])
    if same is None and rule is not None:
        same = _find_answered(question, series, images)
    if same is not None:
        return same, False
    require_room(series.study.home_team, requested_by)
    now = timezone.now()
    job = SegmentationJob.objects.create(
        **question,
        requested_by=requested_by,
        parameters=values,
        inputs=images,
        contents_digest=series.contents_digest,
        is_awaited=rule is None,
        rule=rule,
        queue=queue_for(spec),
        **_focus_fields(clamp_focus(focus, shape, otherwise=_start_at(shape, is_watched=rule is None))),
        queued_at=now,
        enqueued_at=now,
    )
    announce_state(job)
    wake_worker(job.queue)
    asked = {"model": f"{spec.name} {spec.version}", "parameters": values} | ({"rule": rule.title} if rule else {})
    _record(job, "job.requested", requested_by, address, **asked)
    return job, True


def require_usable(spec: ModelSpec, series: Series) -> None:
    """Refuse a model that is switched off, or that cannot take the series."""
    require_enabled(spec)
    reason = check_applicable(spec, series.modality, series.geometry_verdict)
    if reason is not None:
        raise ModelNotApplicableError(f"{reason} Choose another model or series.")


def require_enabled(spec: ModelSpec) -> None:
    """Refuse a model that an administrator has switched off."""
    if spec.name in disabled_models():
        raise ModelDisabledError(
            f"{spec.title} has been switched off by an administrator. Choose another model, or ask for it."
        )


def _find_answered(question: Mapping[str, Any], series: Series, images: list[dict[str, Any]]) -> SegmentationJob | None:
    """Return a job that has asked the same of the same images, whatever came of it.

    A network that reads several series of a study is asked once, though the rule holds for each of them.
    """
    if not images:
        return jobs_to_show().filter(**question, contents_digest=series.contents_digest).first()
    others = {name: value for name, value in question.items() if name != "series"}
    asked = jobs_to_show().filter(**others, series__study=series.study_id)
    contents = _name_contents(images)
    return next((job for job in asked if _name_contents(job.inputs) == contents), None)


def _name_contents(images: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(image["series_id"], image["contents_digest"]) for image in images]


@transaction.atomic
def cancel_job(job: SegmentationJob, *, cancelled_by: User, address: str = "") -> SegmentationJob:
    """Take a waiting job out of the queue, or ask the worker to stop before its next window."""
    require_role(cancelled_by, *ACTING_ROLES)
    job = lock_job(job)
    if JobState(job.state) not in ACTIVE:
        raise JobFinishedError("This job is already over. There is nothing to cancel.")
    job.is_cancel_requested = True
    if job.state == JobState.QUEUED:
        job.state, job.finished_at = JobState.CANCELLED, timezone.now()
    job.save(update_fields=["is_cancel_requested", "state", "finished_at"])
    announce_state(job)
    _record(job, "job.cancelled", cancelled_by, address)
    return job


@transaction.atomic
def retry_job(job: SegmentationJob, *, retried_by: User, address: str = "") -> SegmentationJob:
    """Queue a failed or cancelled job again."""
    require_role(retried_by, *ACTING_ROLES)
    Series.objects.select_for_update().get(pk=job.series_id)
    job = lock_job(job)
    if not can_move(JobState(job.state), JobState.QUEUED) or job.state == JobState.RUNNING:
        raise JobNotRetryableError("Only a failed or cancelled job can be run again.")
    same = SegmentationJob.objects.filter(
        series=job.series_id,
        model_name=job.model_name,
        model_version=job.model_version,
        parameters_digest=job.parameters_digest,
        state__in=sorted(ACTIVE),
    )
    if same.exists():
        raise JobNotRetryableError("The same job already waits or runs. Follow that one.")
    require_enabled(get_model(job.model_name))
    require_room(job.series.study.home_team, job.requested_by)
    job.lost_attempts = 0
    job.is_awaited = True
    requeue(job)
    _record(job, "job.retried", retried_by, address)
    return job


def await_job(job_id: UUID) -> None:
    """Let a job go before what runs in advance: somebody waits for it."""
    in_advance = SegmentationJob.objects.filter(pk=job_id, is_awaited=False, state__in=sorted(ACTIVE))
    if not in_advance.exists():  # most sockets ask in vain, and need not wait for a writer
        return
    with transaction.atomic():
        if in_advance.update(is_awaited=True):
            announce_progress(jobs_to_show().get(pk=job_id))


def move_focus(job_id: UUID, focus: Focus) -> None:
    """Note which voxel a reader looks at; it decides what is computed first and never what comes out."""
    SegmentationJob.objects.filter(pk=job_id, state__in=sorted(ACTIVE)).update(**_focus_fields(focus))


def _start_at(shape: tuple[int, int, int], *, is_watched: bool) -> Focus:
    """Return where a run begins that nobody looks at yet.

    From the middle it spreads to both sides. From the end, where nobody waits, it sweeps through once: half as many
    scores are under way at a time, and half the memory.
    """
    return (shape[0] // 2, shape[1] // 2, shape[2] // 2) if is_watched else (0, 0, 0)


def _focus_fields(focus: Focus) -> dict[str, int]:
    return dict(zip(FOCUS_FIELDS, focus, strict=True))


def requeue(job: SegmentationJob) -> None:
    """Put a locked job back into its queue, as if it had just been asked for."""
    now = timezone.now()
    job.state = JobState.QUEUED
    job.queued_at = job.enqueued_at = now
    job.started_at = job.heartbeat_at = job.finished_at = job.seconds_left = job.peak_memory_bytes = None
    job.stage = job.worker = job.failure_code = job.failure = ""
    job.windows_done = job.windows_total = 0
    job.is_cancel_requested = False
    job.timings_s, job.notes = {}, []
    job.save()
    announce_state(job)
    wake_worker(job.queue)


def wake_worker(queue: str) -> None:
    """Have a worker of a queue look for the job that is due next; one time too many is harmless."""
    enqueue_on_commit(InferenceTask.RUN_NEXT_JOB, queue=Queue(queue), job_queue=queue)


def lock_job(job: SegmentationJob) -> SegmentationJob:
    """Return the job as it stands, its row locked until the transaction ends."""
    return jobs_to_show().select_for_update(of=("self",)).get(pk=job.pk)


def queue_for(spec: ModelSpec) -> Queue:
    """Return which workers run a model: networks wait for a device, the rest does not."""
    return Queue.GPU if spec.method is Method.NETWORK else Queue.CPU


def digest_parameters(values: Mapping[str, object]) -> str:
    """Return the SHA-256 over the canonical JSON of a job's parameters."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _name_inputs(images: list[dict[str, Any]]) -> dict[str, object]:
    """Return what tells a run over several series from one over others."""
    return {"inputs": [image["series_id"] for image in images]} if images else {}


def _record(job: SegmentationJob, act: str, actor: User | None, address: str, **details: Any) -> None:
    audit.record(act=act, actor=actor, subject=job, patient=job.series.study.patient, address=address, **details)
