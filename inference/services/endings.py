"""How a run ends: every row that it writes then, fenced by the attempt that was claimed."""

from __future__ import annotations

import gzip

import numpy as np
from django.db import transaction
from django.utils import timezone

from inference.job_states import JobState
from inference.models import JobMap, SegmentationJob
from inference.pipeline.job_maps import FoundMap
from inference.selectors import jobs_to_show
from inference.services.announcements import announce_state
from inference.services.recorder import FencedOutError
from studies.services import audit


@transaction.atomic
def end_job(
    job: SegmentationJob,
    state: JobState,
    *,
    code: str = "",
    words: str = "",
    timings_s: dict[str, float] | None = None,
    peak_memory_bytes: int | None = None,
) -> None:
    """End a run without a result; does nothing where another attempt has taken over."""
    try:
        fresh = lock_mine(job)
    except FencedOutError:
        return
    fresh.failure_code, fresh.failure, fresh.notes = code, words, job.notes
    close_job(fresh, state, timings_s=timings_s or {}, peak_memory_bytes=peak_memory_bytes)


def pack_map(job: SegmentationJob, found: FoundMap) -> JobMap:
    """Return a map as the row that keeps it; it is not written yet."""
    payload = gzip.compress(np.ascontiguousarray(found.voxels).data, compresslevel=1, mtime=0)
    return JobMap(
        job=job,
        kind=found.kind,
        payload=payload,
        low=found.low,
        high=found.high,
        unit=found.unit,
        histograms={str(number): counts for number, counts in found.histograms.items()},
    )


def lock_mine(job: SegmentationJob) -> SegmentationJob:
    """Return a running job as it stands, its row locked; raise `FencedOutError` where the attempt is not its own."""
    mine = jobs_to_show().filter(pk=job.pk, attempt=job.attempt, state=JobState.RUNNING)
    fresh = mine.select_for_update(of=("self",)).first()
    if fresh is None:
        raise FencedOutError
    return fresh


def close_job(
    job: SegmentationJob, state: JobState, *, timings_s: dict[str, float], peak_memory_bytes: int | None
) -> None:
    """End a locked job."""
    job.state, job.finished_at, job.seconds_left = state, timezone.now(), None
    job.peak_memory_bytes = peak_memory_bytes
    job.timings_s = {stage: round(seconds, 4) for stage, seconds in timings_s.items()} | _waits(job)
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


def _waits(job: SegmentationJob) -> dict[str, float]:
    if job.started_at is None or job.finished_at is None or job.queued_at is None:
        return {}
    return {
        "queued": round((job.started_at - job.queued_at).total_seconds(), 4),
        "total": round((job.finished_at - job.started_at).total_seconds(), 4),
    }
