"""The queues as an administrator sees them: who works, what runs, what waits in which order, how long models take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from inference.events import JobStatus
from inference.job_states import JobState
from inference.models import SegmentationJob
from inference.registry import list_models
from inference.selectors import describe_jobs, jobs_to_show, waiting_in_order
from inference.services.lease import is_worker_gone
from inference.services.model_figures import measure_usage
from studies.models import Patient, User
from studies.permissions import visible_patients
from studies.queue import Queue

SEEN_LATELY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SeenWorker:
    """A worker process that has, or lately had, a job.

    Attributes
    ----------
    name
        Host, process and its start.
    device
        What it computes on, as it said itself; empty where it did not.
    is_running
        Whether it has a job now.
    """

    name: str
    queue: str
    device: str
    is_running: bool
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job in a queue; of another team's nothing is told but where it stands.

    Attributes
    ----------
    job, patient, series_description, team_name
        None and empty where the job is another team's.
    """

    state: JobState
    position: int | None
    is_awaited: bool
    queued_at: datetime | None
    started_at: datetime | None
    job: JobStatus | None
    patient: Patient | None
    series_description: str
    team_name: str


@dataclass(frozen=True, slots=True)
class QueueState:
    """One queue: what runs, then what waits, the next one first."""

    queue: str
    running: list[QueuedJob]
    waiting: list[QueuedJob]


@dataclass(frozen=True, slots=True)
class ModelDuration:
    """How long a model takes: the median of its last successful runs, from claim to end."""

    model_name: str
    model_title: str
    median_s: float
    run_count: int


@dataclass(frozen=True, slots=True)
class QueueView:
    """All of it."""

    workers: list[SeenWorker]
    queues: list[QueueState]
    durations: list[ModelDuration]


def view_queues(user: User) -> QueueView:
    """Return the queues as a person may see them."""
    visible = set(
        SegmentationJob.objects.filter(
            state__in=[JobState.QUEUED, JobState.RUNNING], series__study__patient__in=visible_patients(user)
        ).values_list("pk", flat=True)
    )
    return QueueView(
        workers=list_workers(),
        queues=[_view_queue(str(queue), visible) for queue in (Queue.CPU, Queue.GPU)],
        durations=list_durations(),
    )


def list_workers() -> list[SeenWorker]:
    """Return the workers that have a job, or had one lately, by name; those known to have ended are left out."""
    since = timezone.now() - SEEN_LATELY
    jobs = SegmentationJob.objects.exclude(worker="").filter(heartbeat_at__gt=since).order_by("heartbeat_at")
    seen: dict[str, SeenWorker] = {}
    for worker, queue, device, state, at in jobs.values_list("worker", "queue", "device", "state", "heartbeat_at"):
        if at is not None:
            seen[worker] = SeenWorker(worker, queue, device, state == JobState.RUNNING, at)
    return [seen[name] for name in sorted(seen) if not is_worker_gone(name)]


def list_durations() -> list[ModelDuration]:
    """Return how long each model of the catalogue takes; none for those that never ran."""
    measured = ((spec, measure_usage(spec.name, spec.version)) for spec in list_models())
    return [
        ModelDuration(spec.name, spec.title, figures.median_s, figures.measured_count)
        for spec, figures in measured
        if figures.median_s is not None
    ]


def _view_queue(queue: str, visible: set[UUID]) -> QueueState:
    jobs = jobs_to_show().select_related("series__study__patient", "series__study__home_team").filter(queue=queue)
    running = jobs.filter(state=JobState.RUNNING).order_by("started_at")
    order = {job_id: place for place, job_id in enumerate(waiting_in_order(queue))}
    waiting = sorted(jobs.filter(pk__in=list(order)), key=lambda job: order[job.pk])
    return QueueState(queue, _view_jobs(running, visible), _view_jobs(waiting, visible))


def _view_jobs(jobs: Iterable[SegmentationJob], visible: set[UUID]) -> list[QueuedJob]:
    jobs = list(jobs)
    return [
        _view_job(job, status, is_visible=job.pk in visible)
        for job, status in zip(jobs, describe_jobs(jobs), strict=True)
    ]


def _view_job(job: SegmentationJob, status: JobStatus, *, is_visible: bool) -> QueuedJob:
    return QueuedJob(
        state=status.state,
        position=status.queue_position,
        is_awaited=job.is_awaited,
        queued_at=job.queued_at,
        started_at=job.started_at,
        job=status if is_visible else None,
        patient=job.series.study.patient if is_visible else None,
        series_description=job.series.series_description if is_visible else "",
        team_name=job.series.study.home_team.name if is_visible else "",
    )
