"""What happens to jobs that lost their worker or their message, and to bricks nobody needs any more.

Nothing here trusts the broker: the rows say what is due. Any number of processes may reap at once.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from inference.job_states import ACTIVE, JobState
from inference.models import JobBrick, SegmentationJob
from inference.services.announcements import announce_state
from inference.services.evaluation_care import tend_evaluations
from inference.services.jobs import lock_job, requeue, wake_worker
from inference.services.lease import LEASE, is_worker_gone
from inference.services.model_imports import tend_imports
from studies.services import audit

logger = logging.getLogger(__name__)

MOST_LOST_ATTEMPTS = 3
FIRST_REMINDER = timedelta(seconds=10)
LAST_REMINDER = timedelta(minutes=2)
KEEP_BRICKS = timedelta(minutes=10)
"""Bricks outlive their job by this much: a browser that was away for less gets exactly what it missed."""


def reap() -> int:
    """Do what is due once; return how many jobs were touched."""
    touched = sum(_end_lost(job) for job in SegmentationJob.objects.filter(state=JobState.RUNNING))
    touched += _remind(_waiting_jobs())
    _drop_bricks()
    return touched + tend_imports() + tend_evaluations()


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


@transaction.atomic
def _remind(waiting: list[SegmentationJob]) -> int:
    """Wake a worker of each queue in which a job is due for it: the broker may have lost its message.

    One message a queue is enough, for a worker that takes a job wakes the next one.
    """
    now = timezone.now()
    reminded = [job for job in waiting if _is_reminder_due(job, now) and _note_reminder(job, now)]
    for queue in sorted({job.queue for job in reminded}):
        wake_worker(queue)
    return len(reminded)


def _is_reminder_due(job: SegmentationJob, now: datetime) -> bool:
    """Tell whether it is time, each time after twice as long."""
    if job.enqueued_at is None or job.queued_at is None:
        return True
    waited = job.enqueued_at - job.queued_at
    return now - job.enqueued_at >= min(max(FIRST_REMINDER, waited), LAST_REMINDER)


def _note_reminder(job: SegmentationJob, now: datetime) -> bool:
    """Note the reminder; False where another reaper was faster, or a worker took the job."""
    mine = SegmentationJob.objects.filter(pk=job.pk, state=JobState.QUEUED, enqueued_at=job.enqueued_at)
    return bool(mine.update(enqueued_at=now))


def _drop_bricks() -> None:
    over = SegmentationJob.objects.exclude(state__in=sorted(ACTIVE))
    gone = over.filter(finished_at__lt=timezone.now() - KEEP_BRICKS, bricks__isnull=False)
    for job_id in set(gone.values_list("pk", flat=True)):
        JobBrick.objects.filter(job=job_id).delete()
