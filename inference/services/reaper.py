"""What happens to jobs that lost their worker or their message, and to bricks nobody needs any more.

Nothing here trusts the broker: the rows say what is due. Any number of processes may reap at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from inference.job_states import ACTIVE, JobState
from inference.models import JobBrick, SegmentationJob
from inference.services.announcements import announce_state
from inference.services.jobs import InferenceTask, lock_job, requeue
from inference.services.lease import LEASE, is_worker_gone
from studies.queue import Queue, enqueue_on_commit
from studies.services import audit

logger = logging.getLogger(__name__)

MOST_LOST_ATTEMPTS = 3
FIRST_REMINDER = timedelta(seconds=10)
LAST_REMINDER = timedelta(minutes=2)
KEEP_BRICKS = timedelta(minutes=10)
"""Bricks outlive their job by this much: a browser that was away for less gets exactly what it missed."""


def reap() -> int:
    """Do what is due once; return how many jobs were touched."""
    touched = [*_apply(_running_jobs, _end_lost), *_apply(_waiting_jobs, _remind)]
    _drop_bricks()
    return len(touched)


def _apply(find: Callable[[], list[SegmentationJob]], act: Callable[[SegmentationJob], bool]) -> list[SegmentationJob]:
    return [job for job in find() if act(job)]


def _running_jobs() -> list[SegmentationJob]:
    return list(SegmentationJob.objects.filter(state=JobState.RUNNING))


def _waiting_jobs() -> list[SegmentationJob]:
    due = timezone.now() - FIRST_REMINDER
    never_or_long_ago = Q(enqueued_at__isnull=True) | Q(enqueued_at__lte=due)
    return list(SegmentationJob.objects.filter(never_or_long_ago, state=JobState.QUEUED))


def is_lost(job: SegmentationJob) -> bool:
    """Tell whether a running job's worker is dead or has stopped beating."""
    if job.state != JobState.RUNNING:
        return False
    has_lapsed = job.heartbeat_at is None or timezone.now() - job.heartbeat_at > LEASE
    return has_lapsed or is_worker_gone(job.worker)


def _end_lost(job: SegmentationJob) -> bool:
    """Queue a job that lost its worker again; cancel it where that was wanted, fail it after too many losses."""
    if not is_lost(job):
        return False
    with transaction.atomic():
        locked = lock_job(job)
        if not is_lost(locked) or locked.attempt != job.attempt:
            return False
        locked.lost_attempts += 1
        logger.warning("Job %s lost its worker in attempt %s", job.pk, job.attempt)
        if locked.is_cancel_requested:
            _end(locked, JobState.CANCELLED)
        elif locked.lost_attempts >= MOST_LOST_ATTEMPTS:
            locked.failure_code = "job.worker_lost"
            locked.failure = (
                f"The worker stopped {locked.lost_attempts} times while running this job, most often for want of "
                "memory. Try a smaller series, or ask the administrator to look at the worker's log."
            )
            _end(locked, JobState.FAILED)
        else:
            requeue(locked)
    return True


def _end(job: SegmentationJob, state: JobState) -> None:
    job.state, job.finished_at, job.seconds_left = state, timezone.now(), None
    job.save()
    announce_state(job)
    audit.record(
        act=f"job.{state}",
        actor=None,
        subject=job,
        patient=job.series.study.patient,
        outcome=audit.FAILED if state is JobState.FAILED else audit.SUCCESS,
        attempt=job.attempt,
        code=job.failure_code,
    )


def _remind(job: SegmentationJob) -> bool:
    """Send a waiting job's message again, each time after twice as long: the broker may have lost it."""
    now = timezone.now()
    if job.enqueued_at is not None and job.queued_at is not None:
        waited = job.enqueued_at - job.queued_at
        if now - job.enqueued_at < min(max(FIRST_REMINDER, waited), LAST_REMINDER):
            return False
    with transaction.atomic():
        mine = SegmentationJob.objects.filter(pk=job.pk, state=JobState.QUEUED, enqueued_at=job.enqueued_at)
        if not mine.update(enqueued_at=now):
            return False  # another reaper was faster, or a worker took it
        enqueue_on_commit(InferenceTask.RUN_JOB, queue=Queue(job.queue), job_id=job.pk)
    return True


def _drop_bricks() -> None:
    over = SegmentationJob.objects.exclude(state__in=sorted(ACTIVE))
    gone = over.filter(finished_at__lt=timezone.now() - KEEP_BRICKS, bricks__isnull=False)
    for job_id in set(gone.values_list("pk", flat=True)):
        JobBrick.objects.filter(job=job_id).delete()
