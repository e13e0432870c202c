"""Tasks of the machines: the only door through which torch is loaded, and only in a worker."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from inference.services.evaluation_runs import run_evaluation, stand_aside
from inference.services.jobs import InferenceTask
from inference.services.model_imports import run_import
from inference.services.runs import run_next_job
from studies.queue import Queue, queue_task

__all__ = ["InferenceTask", "evaluate_model_task", "import_model_task", "run_next_job_task"]


@queue_task(name=InferenceTask.RUN_NEXT_JOB)
def run_next_job_task(*, job_queue: str) -> None:
    """Run the job that is due next in a queue: a segmentation, or a question why."""
    from inference.pipeline.explain import explain
    from inference.pipeline.segment import segment

    run_next_job(job_queue, segment=segment, explain=explain, device=_name_device(job_queue))


def _name_device(job_queue: str) -> str:
    if job_queue != Queue.GPU:  # classical methods: torch, which takes seconds to import, is not needed
        return "CPU"
    from inference.pipeline.device import name_device

    return name_device()


@queue_task(name=InferenceTask.IMPORT_MODEL)
def import_model_task(*, import_id: str) -> None:
    """Read, check and store one model that was handed in."""
    from inference.formats.taking import take_model

    run_import(UUID(import_id), take=take_model)


@queue_task(name=InferenceTask.EVALUATE_MODEL)
def evaluate_model_task(*, evaluation_id: str) -> None:
    """Hold a model against outlined cases; between cases it lets jobs go first that wait."""
    from inference.evaluation.record import evaluate_into_files
    from inference.pipeline.segment import segment

    run_evaluation(
        UUID(evaluation_id),
        evaluate=evaluate_into_files,
        between_cases=partial(stand_aside, Queue.GPU, segment=segment, device=_name_device(Queue.GPU)),
    )
