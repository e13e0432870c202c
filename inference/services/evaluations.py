"""What an administrator does with evaluations: ask for one, look, cancel it.

Cases come in as a zip that a worker reads in place and deletes, or are label maps that people drew or corrected in the
team's own archive. What is left is the record.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from inference.evaluation.sources import CasesMissingError
from inference.evaluation.wish import EvaluationWish, check_wish
from inference.events import EvaluationProgressed, evaluation_group
from inference.model_spec import ModelSpec
from inference.models import UNDER_WAY, EvaluationSource, EvaluationState, ModelEvaluation
from inference.registry import get_model
from inference.selectors import describe_evaluation_status, visible_evaluations
from inference.services.evaluation_cases import list_revisions
from inference.services.jobs import InferenceTask
from inference.services.received_files import FileEmptyError, FileTooLargeError, tidy_name, write_stream
from studies.errors import ConflictError, DomainError, InvalidInputError
from studies.events import publish_on_commit
from studies.models import Role, Team, User
from studies.permissions import require_role
from studies.queue import Queue, enqueue_on_commit
from studies.services import audit
from studies.services.uploads import choose_team
from studies.storage import Readable

SHOWN_EVALUATIONS = 100


class CasesTooLargeError(DomainError):
    """The file is larger than any upload may be."""

    code: ClassVar[str] = "cases.too_large"
    status: ClassVar[int] = 413


class SegmentsUnknownError(InvalidInputError):
    """Outlined numbers are said to count as a segment that the model does not have."""

    code: ClassVar[str] = "evaluation.unknown_segment"


class EvaluationUnderWayError(ConflictError):
    """The same question is being answered already."""

    code: ClassVar[str] = "evaluation.under_way"


class EvaluationFinishedError(ConflictError):
    """It is over: there is nothing to cancel."""

    code: ClassVar[str] = "evaluation.finished"


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """What a person asks; `team_id` None takes their only team."""

    model_name: str
    team_id: UUID | None
    wish: EvaluationWish


def most_case_bytes() -> int:
    """Return how large a file of cases may be."""
    return int(settings.SEGWEB_MAX_UPLOAD_BYTES)


def cases_path(evaluation: ModelEvaluation) -> Path:
    """Return where an evaluation's file lies until it is over."""
    return evaluations_folder() / str(evaluation.pk) / evaluation.file_name


def evaluations_folder() -> Path:
    """Return where files of cases wait."""
    folder: Path = settings.SEGWEB_DATA_DIR / "evaluations"
    return folder


def drop_cases(evaluation: ModelEvaluation) -> None:
    """Delete the file of an evaluation that is over: patients' images are not kept longer than they are needed."""
    shutil.rmtree(evaluations_folder() / str(evaluation.pk), ignore_errors=True)


def list_evaluations_for(user: User) -> list[ModelEvaluation]:
    """Return the newest evaluations that the administrator may see."""
    return list(visible_evaluations(user)[:SHOWN_EVALUATIONS])


def request_file_evaluation(
    stream: Readable, asked: EvaluationRequest, *, file_name: str, requested_by: User, address: str = ""
) -> ModelEvaluation:
    """Write a zip of cases to the data folder and queue the evaluation.

    Raises
    ------
    studies.errors.DomainError
        Where model or wish make no sense, or the file is too large or empty; nothing is kept then.
    """
    spec, team = _check(asked, requested_by)
    found = _draft(asked, spec, team, requested_by)
    found.file_name = tidy_name(file_name) or "cases.zip"
    try:
        found.size_bytes, found.sha256 = write_stream(stream, cases_path(found), most_bytes=most_case_bytes())
        _queue(found, address)
    except FileTooLargeError as error:
        drop_cases(found)
        limit = f"{most_case_bytes() / 1e9:.1f} GB"
        raise CasesTooLargeError(f"The file is larger than {limit}. Send fewer cases at once.") from error
    except FileEmptyError as error:
        drop_cases(found)
        raise CasesMissingError("The file is empty. Choose a zip or folder with images and label maps.") from error
    except BaseException:
        drop_cases(found)
        raise
    return found


def request_archive_evaluation(asked: EvaluationRequest, *, requested_by: User, address: str = "") -> ModelEvaluation:
    """Queue an evaluation over label maps that people drew or corrected on series of the team's patients.

    Raises
    ------
    studies.errors.DomainError
        Where model or wish make no sense, or there is no such label map.
    """
    spec, team = _check(asked, requested_by)
    found = _draft(asked, spec, team, requested_by)
    found.cases_from = EvaluationSource.ARCHIVE
    found.revisions = [str(revision.pk) for revision in list_revisions(spec, team)]
    if not found.revisions:
        raise CasesMissingError(
            f"Nobody has drawn or corrected a label map that {spec.title} could be held against on this team's series. "
            "Correct some in the reading page, or hand in a zip."
        )
    _queue(found, address)
    return found


def _check(asked: EvaluationRequest, user: User) -> tuple[ModelSpec, Team]:
    require_role(user, Role.ADMINISTRATOR)
    spec = get_model(asked.model_name)
    check_wish(spec, asked.wish)
    unknown = set(asked.wish.segments or {}) - {segment.segment_number for segment in spec.segments}
    if unknown:
        listed = ", ".join(f"{each.segment_number} ({each.segment_label})" for each in spec.segments)
        raise SegmentsUnknownError(f"{spec.title} has no segment {min(unknown)}. It marks {listed}.")
    return spec, choose_team(user, asked.team_id)


def _draft(asked: EvaluationRequest, spec: ModelSpec, team: Team, user: User) -> ModelEvaluation:
    wish = asked.wish
    return ModelEvaluation(
        id=uuid4(),
        team=team,
        requested_by=user,
        model_name=spec.name,
        model_version=spec.version,
        baseline=wish.baseline,
        modality=wish.modality,
        segment_map=write_segments(wish),
        least_dice=wish.least_dice,
    )


def write_segments(wish: EvaluationWish) -> dict[str, list[int]] | None:
    """Return which numbers count as which segment as JSON has it."""
    if wish.segments is None:
        return None
    return {str(number): list(outlined) for number, outlined in wish.segments.items()}


def read_segments(written: Mapping[str, Any] | None) -> dict[int, tuple[int, ...]] | None:
    """Return what `write_segments` wrote."""
    if written is None:
        return None
    return {int(number): tuple(int(each) for each in outlined) for number, outlined in written.items()}


@transaction.atomic
def _queue(found: ModelEvaluation, address: str) -> None:
    User.objects.select_for_update().get(pk=found.requested_by_id)  # one of their requests at a time
    same = ModelEvaluation.objects.filter(
        team=found.team,
        model_name=found.model_name,
        model_version=found.model_version,
        sha256=found.sha256,
        cases_from=found.cases_from,
        state__in=UNDER_WAY,
    )
    if same.exists():
        raise EvaluationUnderWayError("These cases are being evaluated with this model already. Wait, or cancel that.")
    found.enqueued_at = timezone.now()
    found.save(force_insert=True)
    enqueue_on_commit(InferenceTask.EVALUATE_MODEL, queue=Queue.GPU, evaluation_id=found.pk)
    audit.record(
        act="model_evaluation.requested",
        actor=found.requested_by,
        subject=found,
        address=address,
        model=found.model_name,
        cases_from=found.cases_from,
        sha256=found.sha256,
    )


def announce_evaluation(evaluation: ModelEvaluation) -> None:
    """Tell who watches it, once committed."""
    publish_on_commit(
        evaluation_group(evaluation.pk), EvaluationProgressed(evaluation=describe_evaluation_status(evaluation))
    )


@transaction.atomic
def cancel_evaluation(evaluation: ModelEvaluation, *, cancelled_by: User, address: str = "") -> ModelEvaluation:
    """Stop an evaluation: at once where it waits, else between windows.

    Raises
    ------
    EvaluationFinishedError
        Where it is over.
    """
    require_role(cancelled_by, Role.ADMINISTRATOR)
    locked = ModelEvaluation.objects.select_for_update().get(pk=evaluation.pk)
    if locked.state not in UNDER_WAY:
        raise EvaluationFinishedError("This evaluation is over. Reload the page.")
    if locked.state == EvaluationState.QUEUED:
        locked.state, locked.finished_at = EvaluationState.CANCELLED, timezone.now()
        transaction.on_commit(lambda: drop_cases(locked))
    locked.is_cancel_requested = True
    locked.save()
    announce_evaluation(locked)
    audit.record(act="model_evaluation.cancelled", actor=cancelled_by, subject=locked, address=address)
    return locked
