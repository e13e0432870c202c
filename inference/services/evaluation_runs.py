"""A worker's side of an evaluation. Every write is fenced by the attempt that was claimed."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from inference.evaluation.case_sets import Cases, FileCases
from inference.evaluation.wish import EvaluationWish, choose_modality
from inference.evidence import EVALUATION_FILE
from inference.job_states import JobState
from inference.model_spec import CancelledError, ModelSpec, Progress
from inference.models import EvaluationFile, EvaluationSource, EvaluationState, ModelEvaluation, SegmentationJob
from inference.registry import get_model
from inference.services.evaluation_cases import ArchiveCases
from inference.services.evaluations import announce_evaluation, cases_path, drop_cases, read_segments
from inference.services.heartbeat import Heartbeat
from inference.services.job_images import ModelVersionError
from inference.services.recorder import FencedOutError
from inference.services.runs import Segment, explain_failure, run_next_job
from studies.errors import DomainError
from studies.services import audit

logger = logging.getLogger(__name__)

STALL_LIMIT_S = 3600.0
"""One case that takes longer hangs, or a job that was let go first does: the worker is ended."""
TOLD_EVERY_S = 0.5


class Evaluate(Protocol):
    """The seam to torch: `inference.evaluation.record.evaluate_into_files`."""

    def __call__(
        self, spec: ModelSpec, cases: Cases, wish: EvaluationWish, watch: Follower, record: Mapping[str, object]
    ) -> dict[str, bytes]: ...


def stand_aside(queue: str, *, segment: Segment, device: str = "") -> None:
    """Run what waits in a queue before the next case: all that a person waits for, one of what runs in advance."""
    awaited = SegmentationJob.objects.filter(queue=queue, state=JobState.QUEUED, is_awaited=True)
    has_run = run_next_job(queue, segment=segment, device=device)
    while has_run and awaited.exists():
        has_run = run_next_job(queue, segment=segment, device=device)


def run_evaluation(evaluation_id: UUID, *, evaluate: Evaluate, between_cases: Callable[[], None]) -> None:
    """Run a waiting evaluation from claim to end; returns also when it was refused: the row says why."""
    claimed = _claim(evaluation_id)
    if claimed is None:
        return
    try:
        with Heartbeat(lambda: _beat(claimed), name=f"evaluation {claimed.pk}", stall_limit_s=STALL_LIMIT_S) as heart:
            files = _evaluate(claimed, evaluate, Follower(claimed, heart, between_cases))
    except CancelledError:
        _end(claimed, EvaluationState.CANCELLED)
    except FencedOutError:
        logger.warning("Evaluation %s attempt %s was taken over; its result is dropped.", claimed.pk, claimed.attempt)
    except Exception as error:
        code, words = explain_failure(error)
        if not isinstance(error, DomainError):
            logger.exception("Evaluation %s failed", claimed.pk)
        _end(claimed, EvaluationState.REFUSED, failure_code=code, failure=words)
    else:
        judgement = json.loads(files[EVALUATION_FILE])["judgement"]
        _end(claimed, EvaluationState.FINISHED, files, verdict=judgement["verdict"] if judgement else "")


def _evaluate(claimed: ModelEvaluation, evaluate: Evaluate, follower: Follower) -> dict[str, bytes]:
    spec = get_model(claimed.model_name)
    if spec.version != claimed.model_version:
        raise ModelVersionError(
            f"{spec.title} {claimed.model_version} was asked for and there is {spec.version} now. Start it again."
        )
    wish = EvaluationWish(
        baseline=claimed.baseline,
        modality=claimed.modality,
        segments=read_segments(claimed.segment_map),
        least_dice=claimed.least_dice,
    )
    cases: Cases
    if claimed.cases_from == EvaluationSource.ARCHIVE:
        cases = ArchiveCases(spec, claimed.team, claimed.revisions)
    else:
        cases = FileCases(cases_path(claimed), modality=choose_modality(spec, wish))
    record = {
        "evaluation": str(claimed.pk),
        "asked_for_by": str(claimed.requested_by),
        "asked_for_at": claimed.created_at.isoformat(timespec="seconds"),
        "cases_from": claimed.get_cases_from_display(),
        "file_name": claimed.file_name,
        "file_sha256": claimed.sha256,
    }
    return evaluate(spec, cases, wish, follower, record)


class Follower:
    """Writes how far an evaluation is, tells who watches, lets waiting jobs go first, and stops where that is asked."""

    def __init__(self, claimed: ModelEvaluation, heartbeat: Heartbeat, between_cases: Callable[[], None]) -> None:
        self._claimed, self._heartbeat, self._between_cases = claimed, heartbeat, between_cases
        self._began = time.monotonic()
        self._aside_s = self._told_at = 0.0

    def begin_case(self, done: int, total: int) -> None:
        """Note that `done` of `total` cases are behind."""
        self._heartbeat.note_progress()
        if done:
            self._let_others_go()
        busy_s = time.monotonic() - self._began - self._aside_s
        left = busy_s / done * (total - done) if done else None
        self._write(cases_done=done, cases_total=total, windows_done=0, windows_total=0, seconds_left=left)

    def take_scores(self, scores: tuple[object, ...]) -> None:
        """Scores are told when all are there."""

    def follow_run(self, progress: Progress) -> None:
        """Note how far the case in hand is, now and then."""
        self._heartbeat.note_progress()
        if time.monotonic() - self._told_at > TOLD_EVERY_S:
            self._write(windows_done=progress.windows_done, windows_total=progress.windows_total)

    def _let_others_go(self) -> None:
        began = time.monotonic()
        self._between_cases()
        self._aside_s += time.monotonic() - began
        self._heartbeat.note_progress()

    def _write(self, **fields: object) -> None:
        self._told_at = time.monotonic()
        for name, value in fields.items():
            setattr(self._claimed, name, value)
        with transaction.atomic():
            if not _mine(self._claimed).update(**fields):
                raise FencedOutError
            announce_evaluation(self._claimed)
        if _mine(self._claimed).filter(is_cancel_requested=True).exists():
            raise CancelledError


def _mine(claimed: ModelEvaluation) -> Any:
    return ModelEvaluation.objects.filter(pk=claimed.pk, attempt=claimed.attempt, state=EvaluationState.RUNNING)


def _beat(claimed: ModelEvaluation) -> None:
    _mine(claimed).update(heartbeat_at=timezone.now())


@transaction.atomic
def _claim(evaluation_id: UUID) -> ModelEvaluation | None:
    waiting = ModelEvaluation.objects.select_for_update(of=("self",)).select_related("requested_by", "team")
    found = waiting.filter(pk=evaluation_id, state=EvaluationState.QUEUED).first()
    if found is None:
        return None
    found.state = EvaluationState.RUNNING
    found.started_at = found.heartbeat_at = timezone.now()
    found.attempt += 1
    found.cases_done = found.cases_total = found.windows_done = found.windows_total = 0
    found.save()
    announce_evaluation(found)
    return found


def _end(
    claimed: ModelEvaluation, state: EvaluationState, files: Mapping[str, bytes] | None = None, **fields: str
) -> None:
    """End an attempt, keep what it left and drop its cases; does nothing where another attempt has taken over."""
    if close_evaluation(claimed, state, files or {}, fields):
        drop_cases(claimed)  # what a crash leaves here, `sweep_evaluations` takes away
    else:
        logger.warning("Evaluation %s attempt %s was taken over.", claimed.pk, claimed.attempt)


@transaction.atomic
def close_evaluation(
    claimed: ModelEvaluation, state: EvaluationState, files: Mapping[str, bytes], fields: Mapping[str, str]
) -> bool:
    """Write how an attempt ended; False where it is no longer the one that counts."""
    if not _mine(claimed).update(state=state, finished_at=timezone.now(), seconds_left=None, **fields):
        return False
    EvaluationFile.objects.filter(evaluation=claimed).delete()
    EvaluationFile.objects.bulk_create(
        EvaluationFile(evaluation=claimed, name=name, payload=content) for name, content in files.items()
    )
    fresh = ModelEvaluation.objects.get(pk=claimed.pk)
    announce_evaluation(fresh)
    outcome = audit.REFUSED if state == EvaluationState.REFUSED else audit.SUCCESS
    audit.record(
        act=f"model_evaluation.{state}",
        actor=None,
        subject=fresh,
        outcome=outcome,
        code=fresh.failure_code,
        verdict=fresh.verdict,
    )
    return True
