"""Tasks of the machines: the only door through which torch is loaded, and only in a worker."""

from __future__ import annotations

from uuid import UUID

from inference.services.jobs import InferenceTask
from inference.services.runs import run_job
from studies.queue import queue_task

__all__ = ["InferenceTask", "run_job_task"]


@queue_task(name=InferenceTask.RUN_JOB)
def run_job_task(*, job_id: str) -> None:
    """Run one segmentation job."""
    from inference.pipeline.segment import segment

    run_job(UUID(job_id), segment=segment)
