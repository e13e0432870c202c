"""Evaluations that lost their message or their worker, and files of cases that nobody waits for."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from inference.models import UNDER_WAY, EvaluationState, ModelEvaluation
from inference.services.evaluation_runs import close_evaluation
from inference.services.evaluations import drop_cases, evaluations_folder
from inference.services.jobs import InferenceTask
from inference.services.lease import LEASE
from inference.services.received_files import sweep_folders
from studies.queue import Queue, enqueue_on_commit

logger = logging.getLogger(__name__)

REMIND_AFTER = timedelta(minutes=1)
MOST_ATTEMPTS = 2


def tend_evaluations() -> int:
    """Send lost messages again, and take back what dead workers held; return how many rows were touched."""
    now = timezone.now()
    never_or_long_ago = Q(enqueued_at__isnull=True) | Q(enqueued_at__lte=now - REMIND_AFTER)
    waiting = ModelEvaluation.objects.filter(never_or_long_ago, state=EvaluationState.QUEUED)
    lost = ModelEvaluation.objects.filter(state=EvaluationState.RUNNING, heartbeat_at__lte=now - LEASE)
    return sum(_send_again(each) for each in waiting) + sum(_take_back(each) for each in lost)


def sweep_evaluations() -> int:
    """Delete files of cases that no evaluation waits for: their web server stopped between the file and the row."""
    kept = ModelEvaluation.objects.filter(state__in=UNDER_WAY).values_list("pk", flat=True)
    return sweep_folders(evaluations_folder(), kept)


def _send_again(found: ModelEvaluation) -> bool:
    with transaction.atomic():
        mine = ModelEvaluation.objects.filter(pk=found.pk, state=EvaluationState.QUEUED, enqueued_at=found.enqueued_at)
        if not mine.update(enqueued_at=timezone.now()):
            return False
        enqueue_on_commit(InferenceTask.EVALUATE_MODEL, queue=Queue.GPU, evaluation_id=found.pk)
    return True


def _take_back(lost: ModelEvaluation) -> bool:
    """Queue an evaluation that lost its worker again; cancel it where that was wanted, refuse it after too many."""
    logger.warning("Evaluation %s lost its worker in attempt %s", lost.pk, lost.attempt)
    if lost.is_cancel_requested or lost.attempt >= MOST_ATTEMPTS:
        state = EvaluationState.CANCELLED if lost.is_cancel_requested else EvaluationState.REFUSED
        words = {
            "failure_code": "evaluation.worker_lost",
            "failure": f"The worker stopped {lost.attempt} times during this evaluation, most often for want of "
            "memory. Send smaller images, or ask for a larger worker.",
        }
        if close_evaluation(lost, state, {}, {} if lost.is_cancel_requested else words):
            drop_cases(lost)
        return True
    with transaction.atomic():
        mine = ModelEvaluation.objects.filter(pk=lost.pk, attempt=lost.attempt, state=EvaluationState.RUNNING)
        if not mine.update(state=EvaluationState.QUEUED, enqueued_at=timezone.now(), heartbeat_at=None):
            return False
        enqueue_on_commit(InferenceTask.EVALUATE_MODEL, queue=Queue.GPU, evaluation_id=lost.pk)
    return True
