"""Jobs a person may see, as the API and the sockets show them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, Q, QuerySet

from inference.events import JobProgressed, JobStatus
from inference.input_images import JobInput
from inference.job_states import ACTIVE, JobState
from inference.models import JobBrick, SegmentationJob
from inference.registry import list_models
from studies.errors import NotFoundError
from studies.events import encode_event
from studies.models import SegmentationState, User
from studies.permissions import NOT_VISIBLE_MESSAGE, visible_patients

SHOWN_JOBS = 200


@dataclass(frozen=True, slots=True)
class StreamState:
    """What a socket needs to know of a job between bricks."""

    status: JobStatus
    progress: str
    """The status as the message that browsers get, encoded once for all of them."""
    brick_count: int
    is_over: bool
    digest: str | None


def jobs_to_show() -> QuerySet[SegmentationJob]:
    """Return jobs with everything that `describe_job` reads."""
    return SegmentationJob.objects.select_related("series", "requested_by", "revision")


def visible_jobs(user: User) -> QuerySet[SegmentationJob]:
    """Return the jobs over series of the patients the person sees."""
    return jobs_to_show().filter(series__study__patient__in=visible_patients(user))


def get_job_for(user: User, job_id: UUID) -> SegmentationJob:
    """Return a job; `NotFoundError` when it is not there or not to be seen."""
    job = visible_jobs(user).filter(pk=job_id).first()
    if job is None:
        raise NotFoundError(NOT_VISIBLE_MESSAGE)
    return job


def list_jobs_for(
    user: User, *, study_id: UUID | None = None, series_id: UUID | None = None, is_active: bool | None = None
) -> list[SegmentationJob]:
    """Return the newest jobs the person sees, of one study or series when asked for."""
    jobs = visible_jobs(user)
    if study_id is not None:
        jobs = jobs.filter(series__study=study_id)
    if series_id is not None:
        jobs = jobs.filter(series=series_id)
    if is_active is not None:
        active = Q(state__in=sorted(ACTIVE))
        jobs = jobs.filter(active if is_active else ~active)
    return list(jobs[:SHOWN_JOBS])


def queue_position(job: SegmentationJob) -> int | None:
    """Return a waiting job's place in its queue, 1 being the next to run; None unless it waits."""
    if job.state != JobState.QUEUED or job.queued_at is None:
        return None
    ahead = SegmentationJob.objects.filter(state=JobState.QUEUED, queue=job.queue, queued_at__lt=job.queued_at)
    return ahead.count() + 1


def describe_job(job: SegmentationJob) -> JobStatus:
    """Return a job as browsers see it."""
    titles = {spec.name: spec.title for spec in list_models()}
    revision = job.revision
    return JobStatus(
        id=job.id,
        series_id=job.series_id,
        study_id=job.series.study_id,
        model_name=job.model_name,
        model_title=titles.get(job.model_name, job.model_name),
        model_version=job.model_version,
        parameters=job.parameters,
        inputs=tuple(JobInput.from_json(each) for each in job.inputs),
        state=JobState(job.state),
        attempt=job.attempt,
        stage=job.stage,
        windows_done=job.windows_done,
        windows_total=job.windows_total,
        queue_position=queue_position(job),
        seconds_left=job.seconds_left,
        focus=job.focus,
        is_cancel_requested=job.is_cancel_requested,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        failure_code=job.failure_code,
        failure=job.failure,
        peak_memory_bytes=job.peak_memory_bytes,
        timings_s=job.timings_s,
        segmentation_id=revision.segmentation_id if revision else None,
        revision_id=revision.pk if revision else None,
        requested_by=str(job.requested_by) if job.requested_by else None,
    )


def describe_stream(job_id: UUID) -> StreamState:
    """Return where a job's stream stands."""
    job = jobs_to_show().get(pk=job_id)
    status = describe_job(job)
    return StreamState(
        status=status,
        progress=encode_event(JobProgressed(job=status)),
        brick_count=job.brick_count,
        is_over=JobState(job.state) not in ACTIVE,
        digest=job.revision.digest if job.revision else None,
    )


def read_bricks(job_id: UUID, *, attempt: int, after: int, limit: int) -> list[tuple[int, bytes]]:
    """Return (sequence, brick) of an attempt in order, at most `limit` of them, without a hole."""
    rows = JobBrick.objects.filter(job=job_id, attempt=attempt, sequence__gt=after).order_by("sequence")
    bricks = [(sequence, bytes(payload)) for sequence, payload in rows.values_list("sequence", "payload")[:limit]]
    return [brick for place, brick in enumerate(bricks, start=after + 1) if brick[0] == place]


def segmentation_state_of(study_id: UUID) -> tuple[SegmentationState, float]:
    """Return what the machines have done with a study: its state, and the share done of what runs."""
    jobs = SegmentationJob.objects.filter(series__study=study_id)
    running = jobs.filter(state=JobState.RUNNING).order_by(F("started_at").desc(nulls_last=True)).first()
    if running is not None:
        return SegmentationState.RUNNING, running.windows_done / max(running.windows_total, 1)
    if jobs.filter(state=JobState.QUEUED).exists():
        return SegmentationState.QUEUED, 0.0
    last = jobs.exclude(state=JobState.CANCELLED).order_by(F("finished_at").desc(nulls_last=True)).first()
    if last is not None and last.state == JobState.FAILED:
        return SegmentationState.FAILED, 0.0
    is_segmented = jobs.filter(state=JobState.SUCCEEDED).exists()
    return (SegmentationState.SEGMENTED, 1.0) if is_segmented else (SegmentationState.NONE, 0.0)
