"""A worker's side of a job: claim it, run it, end it. Every write is fenced by the attempt that was claimed."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.utils import timezone

from inference.job_states import JobState, can_move
from inference.model_spec import CancelledError, Focus, ModelSpec, OnProgress, Parameters
from inference.models import JobBrick, JobMap, SegmentationJob
from inference.pipeline.explanation import Explain, explain_nothing
from inference.pipeline.gate import GateVerdict, count_marked, judge_run
from inference.pipeline.image_statistics import gather_statistics
from inference.pipeline.job_maps import MapKind, gather_maps
from inference.pipeline.run_notes import gather_notes
from inference.registry import validate_parameters
from inference.selectors import jobs_to_show, waiting_in_order
from inference.services.announcements import announce_state
from inference.services.endings import close_job, end_job, lock_mine, pack_map
from inference.services.explaining import run_explanation
from inference.services.job_images import load_images, read_model
from inference.services.jobs import wake_worker
from inference.services.lease import Lease, name_worker
from inference.services.recorder import FencedOutError, Recorder
from studies.errors import DomainError
from studies.imaging.volume import Volume
from studies.label_maps.label_map import LabelMap
from studies.models import AlgorithmType
from studies.services.segmentations import StoredLabelMap, record_segmentation, store_label_map

logger = logging.getLogger(__name__)

_OUT_OF_MEMORY = re.compile("out of memory|(?:can't|cannot) allocate memory", re.IGNORECASE)
"""What torch says where a GPU, and where the computer itself, has no more."""


class Segment(Protocol):
    """The seam to the engine: `inference.pipeline.segment.segment`, or a small real one in a test."""

    def __call__(
        self,
        volume: Volume,
        spec: ModelSpec,
        on_progress: OnProgress,
        *,
        parameters: Parameters,
        focus: Focus = (0, 0, 0),
        channels: Sequence[npt.NDArray[np.generic]] = (),
    ) -> LabelMap: ...


@transaction.atomic
def claim_job(job_id: UUID, *, worker: str, device: str = "", is_patient: bool = True) -> SegmentationJob | None:
    """Take a waiting job under a new attempt; None where it is gone, over, or another worker's.

    Without patience also where somebody has the row at this moment.
    """
    job = jobs_to_show().select_for_update(of=("self",), skip_locked=not is_patient).filter(pk=job_id).first()
    if job is None or not can_move(JobState(job.state), JobState.RUNNING):
        return None
    job.state = JobState.RUNNING
    job.attempt += 1
    job.worker, job.device = worker, device
    job.started_at = job.heartbeat_at = timezone.now()
    job.brick_count = job.windows_done = job.windows_total = 0
    job.stage = "loading"
    job.save()
    JobBrick.objects.filter(job=job, attempt__lt=job.attempt).delete()
    announce_state(job)
    return job


def run_next_job(queue: str, *, segment: Segment, explain: Explain = explain_nothing, device: str = "") -> bool:
    """Run the job of a queue that is due next; return False where none waits.

    First what nobody holds at this moment, so that workers who look at once need not wait for each other; only then
    what somebody may be about to take, change or let go.
    """
    return any(
        run_job(job_id, segment=segment, explain=explain, device=device, is_patient=is_patient)
        for is_patient in (False, True)
        for job_id in waiting_in_order(queue)
    )


def run_job(
    job_id: UUID,
    *,
    segment: Segment,
    explain: Explain = explain_nothing,
    device: str = "",
    is_patient: bool = True,
) -> bool:
    """Run a waiting job from claim to end; return False where it could not be claimed.

    Returns True also when the run failed: the job's row says how. A worker that takes a job wakes another one for those
    that still wait, so that one message is enough to have them all run.
    """
    job = claim_job(job_id, worker=name_worker(), device=device, is_patient=is_patient)
    if job is None:
        return False
    if SegmentationJob.objects.filter(queue=job.queue, state=JobState.QUEUED).exists():
        wake_worker(job.queue)
    set_synchronous("NORMAL")  # bricks can be computed again: they need not wait for the disk
    try:
        with Lease(job) as lease, gather_notes() as job.notes:
            recorder = Recorder(job, lease)
            try:
                if job.explains_id is None:
                    _run(job, recorder, lease, segment)
                else:
                    run_explanation(job, recorder, lease, explain=explain)
            except CancelledError:
                end_job(
                    job, JobState.CANCELLED, timings_s=recorder.timings_s, peak_memory_bytes=lease.peak_memory_bytes
                )
            except FencedOutError:
                logger.warning("Job %s attempt %s was taken over; its result is dropped.", job.pk, job.attempt)
            except Exception as error:
                code, words = explain_failure(error)
                if not isinstance(error, DomainError):
                    logger.exception("Job %s failed", job.pk)
                end_job(job, JobState.FAILED, code=code, words=words, timings_s=recorder.timings_s)
    finally:
        set_synchronous("FULL")
    return True


def _run(job: SegmentationJob, recorder: Recorder, lease: Lease, segment: Segment) -> None:
    spec = read_model(job)
    images = load_images(job, spec, recorder)
    volume, channels = images.volume, images.channels
    parameters = validate_parameters(spec, job.parameters, volume.geometry.shape)
    with gather_maps() as maps, gather_statistics() as statistics:
        label_map = segment(volume, spec, recorder, parameters=parameters, focus=job.focus, channels=channels)
    recorder.check_streamed(label_map)
    recorder.enter("storing")
    set_synchronous("FULL")
    stored = store_label_map(images.series, label_map)
    rows = [pack_map(job, found) for found in maps.values()]
    doubt = maps.get(MapKind.UNCERTAINTY)
    verdict = judge_run(
        spec, marked=count_marked(label_map), statistics=statistics, histograms=doubt.histograms if doubt else None
    )
    recorder.close()
    finish_job(
        job,
        spec,
        stored,
        inputs=images.inputs,
        maps=rows,
        verdict=verdict,
        timings_s=recorder.timings_s,
        peak_memory_bytes=lease.peak_memory_bytes,
    )


@transaction.atomic
def finish_job(
    job: SegmentationJob,
    spec: ModelSpec,
    stored: StoredLabelMap,
    *,
    inputs: list[dict[str, Any]],
    maps: Sequence[JobMap] = (),
    verdict: GateVerdict,
    timings_s: dict[str, float],
    peak_memory_bytes: int,
) -> None:
    """Store what was found and end the job in one act, unless another attempt has taken over."""
    JobMap.objects.filter(job=job).delete()
    JobMap.objects.bulk_create(maps)  # before the job is read, which is told with its maps
    fresh = lock_mine(job)
    revision = record_segmentation(
        fresh.series,
        name=spec.title,
        stored=stored,
        algorithm_type=algorithm_type_of(spec),
        provenance={
            "act": "segmented",
            "model_name": spec.name,
            "model_version": spec.version,
            "method": str(spec.method),
            "job_id": str(job.pk),
            "attempt": job.attempt,
            "parameters": job.parameters,
            "inputs": inputs,
            "notes": job.notes,
            "gate": verdict.as_json(),
        },
        model_version=spec.version,
        gate_outcome=str(verdict.outcome),
        created_by=fresh.requested_by,
    )
    fresh.revision = revision
    fresh.inputs, fresh.notes = inputs, job.notes
    fresh.stage = ""
    close_job(fresh, JobState.SUCCEEDED, timings_s=timings_s, peak_memory_bytes=peak_memory_bytes)


def algorithm_type_of(spec: ModelSpec) -> AlgorithmType:
    """Return SEMIAUTOMATIC where a person must state a value or a point, AUTOMATIC else."""
    needs_person = any(parameter.default is None for parameter in spec.parameters)
    return AlgorithmType.SEMIAUTOMATIC if needs_person else AlgorithmType.AUTOMATIC


def explain_failure(error: Exception) -> tuple[str, str]:
    """Return a stable code and a sentence for a person."""
    if isinstance(error, DomainError):
        return error.code, error.message
    if isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(str(error)):
        return (
            "job.out_of_memory",
            "The worker ran out of memory. Try a smaller series, or ask the administrator for a larger worker.",
        )
    return (
        "job.failed",
        f"The run stopped with an unexpected error ({type(error).__name__}). Try again; if it happens again, tell the "
        "administrator this job's number.",
    )


def set_synchronous(level: str) -> None:
    """Choose what a commit of this connection waits for, on SQLite; a database that was told never to wait keeps on."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        if cursor.execute("PRAGMA synchronous").fetchone() != (0,):
            cursor.execute(f"PRAGMA synchronous={level}")
