"""How the images of two dates lie over each other: asked for once, computed by a worker, corrected by a person."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.db import transaction
from django.utils import timezone

from studies.errors import ConflictError, DomainError, InvalidInputError
from studies.events import RegistrationFinished, RegistrationNudged, publish_on_commit, study_group
from studies.imaging.registration import Registration, RegistrationProblem, register
from studies.models import RegistrationState, Series, SeriesRegistration, User
from studies.permissions import ACTING_ROLES, require_role
from studies.queue import Queue, StudyTask, enqueue_on_commit
from studies.services import audit
from studies.services.volumes import NotAVolumeError, load_volume

ALGORITHM_VERSION = 1
"""Raise it when `studies.imaging.registration` finds other ways: what was kept is then computed again."""
MOST_NUDGE_MM = 50.0
LOST_AFTER = timedelta(minutes=15)
"""A registration that is still pending after so long is enqueued again when it is next asked for."""
UNEXPECTED = "registration.unexpected"

PROBLEM_WORDS = {
    RegistrationProblem.NO_STRUCTURE: "One of the two series shows nothing to align by.",
    RegistrationProblem.LITTLE_OVERLAP: "The two series share less than half of what they show.",
    RegistrationProblem.NOT_INVERTIBLE: "Aligning there and back again does not lead home.",
    RegistrationProblem.STRETCHED: "The alignment would stretch the patient more than a body changes.",
    RegistrationProblem.NO_PEAK: "Moving the prior by a centimetre fits nearly as well.",
    RegistrationProblem.STOPPED: "The search for an alignment stopped without a result.",
}
HOPELESS = (RegistrationProblem.NO_STRUCTURE, RegistrationProblem.STOPPED)
"""Problems that come without any way between the two: there is nothing to link by, not even in doubt."""

logger = logging.getLogger(__name__)


class OtherPatientError(InvalidInputError):
    """Two series of different people."""

    code: ClassVar[str] = "registration.other_patient"


class SeriesChangedError(ConflictError):
    """A series grew between request and computation."""

    code: ClassVar[str] = "registration.series_changed"


class NotRegisteredError(ConflictError):
    """There is no finished way between the two series."""

    code: ClassVar[str] = "registration.not_done"


@transaction.atomic
def request_registration(prior: Series, current: Series, *, retry_failed: bool = False) -> SeriesRegistration:
    """Return the registration of two series, and have it computed where there is none; asking twice asks once.

    With `retry_failed` one that failed is computed again: for a person who asks, never for a task that found it failed.
    """
    found = find_registration(prior, current)
    if found is None:
        return _begin(prior, current)
    is_lost = found.state == RegistrationState.PENDING and found.created_at < timezone.now() - LOST_AFTER
    if is_lost or (retry_failed and found.state == RegistrationState.FAILED):
        SeriesRegistration.objects.filter(pk=found.pk).update(
            state=RegistrationState.PENDING, created_at=timezone.now(), reason_code="", reason="", problems=[]
        )
        enqueue_on_commit(StudyTask.REGISTER_SERIES, queue=Queue.CPU, registration_id=found.pk)
        return find_registration(prior, current) or found
    return found


def find_registration(prior: Series, current: Series) -> SeriesRegistration | None:
    """Return what is known of two series as they now stand, whichever of them it was computed from.

    Where the stored row leads the other way the answer is that row turned round, under the same id: read it, do not
    save it.
    """
    require_one_patient(prior, current)
    straight = _stored(prior, current)
    if straight is not None or prior.pk == current.pk:
        return straight
    turned = _stored(current, prior)
    return _turn_round(turned) if turned is not None else None


def find_registrations(series: Sequence[Series]) -> dict[tuple[UUID, UUID], SeriesRegistration]:
    """Return what is known of each ordered pair of these series, as `find_registration` would, in one query."""
    digests = {each.pk: each.contents_digest for each in series}
    rows = SeriesRegistration.objects.select_related("prior_series", "current_series", "nudged_by").filter(
        prior_series__in=digests, current_series__in=digests, algorithm_version=ALGORITHM_VERSION
    )
    stored = {
        (row.prior_series_id, row.current_series_id): row
        for row in rows
        if row.prior_contents_digest == digests[row.prior_series_id]
        and row.current_contents_digest == digests[row.current_series_id]
    }
    turned = {(current, prior): _turn_round(row) for (prior, current), row in stored.items() if prior != current}
    return turned | stored


def register_series(registration_id: UUID) -> None:
    """Compute a registration that waits; whatever happens it does not wait afterwards. Running it twice is harmless."""
    row = SeriesRegistration.objects.select_related("prior_series", "current_series").get(pk=registration_id)
    if row.state != RegistrationState.PENDING:
        return
    try:
        _require_same_contents(row)
        found = register(load_volume(row.prior_series), load_volume(row.current_series))
    except NotAVolumeError as error:
        _fail(row, error.code, _explain_no_volume(row))
    except DomainError as error:
        _fail(row, error.code, error.message)
    except Exception:
        logger.exception("Registration %s failed", registration_id)
        _fail(row, UNEXPECTED, "Aligning the two series failed. Ask for it again; if it fails again, tell your team.")
    else:
        _keep(row, found)


def prior_to_current(registration: SeriesRegistration) -> npt.NDArray[np.float64]:
    """Return the way from the prior to the current series, 4x4, patient LPS mm, with the nudge applied."""
    matrix = np.array(registration.prior_to_current_mm, dtype=np.float64).reshape(4, 4)
    matrix[:3, 3] += np.asarray(registration.nudge_mm, dtype=np.float64)
    return matrix


@transaction.atomic
def nudge_registration(
    registration: SeriesRegistration, nudge_mm: Sequence[float], *, by: User, address: str = ""
) -> SeriesRegistration:
    """Move the prior on by hand: `nudge_mm` counts from what was computed, in the current patient coordinates."""
    require_role(by, *ACTING_ROLES)
    nudge = np.asarray(nudge_mm, dtype=np.float64)
    if nudge.shape != (3,) or not np.isfinite(nudge).all() or float(np.linalg.norm(nudge)) > MOST_NUDGE_MM:
        raise InvalidInputError(
            f"A nudge is three numbers in mm and at most {MOST_NUDGE_MM:.0f} mm long. Align the series again instead."
        )
    stored = SeriesRegistration.objects.select_for_update().get(pk=registration.pk)
    if stored.state != RegistrationState.DONE:
        raise NotRegisteredError("The two series are not aligned yet: there is nothing to move. Wait, or align again.")
    is_turned = stored.prior_series_id != registration.prior_series_id
    stored.nudge_mm = (_nudge_of_inverse(stored, nudge) if is_turned else nudge).tolist()
    stored.nudged_by = by
    stored.save(update_fields=["nudge_mm", "nudged_by"])
    event = RegistrationNudged(
        registration_id=stored.pk, prior_series_id=stored.prior_series_id, current_series_id=stored.current_series_id
    )
    for study_id in _study_ids(stored):
        publish_on_commit(study_group(study_id), event)
    enqueue_on_commit(StudyTask.MATCH_LESIONS, patient_id=stored.current_series.study.patient_id)
    audit.record(
        act="registration.nudged",
        actor=by,
        subject=stored,
        patient=stored.current_series.study.patient,
        address=address,
        nudge_mm=stored.nudge_mm,
    )
    return _turn_round(stored) if is_turned else stored


def explain_registration(registration: SeriesRegistration) -> str:
    """Return why a registration failed or is doubtful, in sentences; empty where it can be trusted or runs."""
    if registration.state == RegistrationState.FAILED:
        return registration.reason
    return " ".join(PROBLEM_WORDS[RegistrationProblem(code)] for code in registration.problems)


def require_one_patient(prior: Series, current: Series) -> None:
    """Raise `OtherPatientError` unless both series show one person."""
    if prior.study.patient_id != current.study.patient_id:
        raise OtherPatientError("The two series belong to different patients. Choose two of one patient.")


def _begin(prior: Series, current: Series) -> SeriesRegistration:
    row, is_new = SeriesRegistration.objects.get_or_create(
        prior_series=prior,
        current_series=current,
        prior_contents_digest=prior.contents_digest,
        current_contents_digest=current.contents_digest,
        algorithm_version=ALGORITHM_VERSION,
    )
    if not is_new:
        return row
    if _is_same_place(prior, current):
        _finish(row, Registration(np.eye(4), np.eye(4), 0.0, 1.0, 1.0, ()))
        return row
    enqueue_on_commit(StudyTask.REGISTER_SERIES, queue=Queue.CPU, registration_id=row.pk)
    return row


def _is_same_place(prior: Series, current: Series) -> bool:
    if prior.pk == current.pk:
        return True
    frame = prior.frame_of_reference_uid
    is_one_frame = bool(frame) and frame == current.frame_of_reference_uid
    return is_one_frame and prior.contents_digest == current.contents_digest


def _stored(prior: Series, current: Series) -> SeriesRegistration | None:
    return (
        SeriesRegistration.objects.select_related("nudged_by")
        .filter(
            prior_series=prior,
            current_series=current,
            prior_contents_digest=prior.contents_digest,
            current_contents_digest=current.contents_digest,
            algorithm_version=ALGORITHM_VERSION,
        )
        .first()
    )


def _turn_round(stored: SeriesRegistration) -> SeriesRegistration:
    """Return the way back: T(-F m) F with F the inverse of what was computed and m its nudge."""
    back = _inverse(stored.prior_to_current_mm)
    return SeriesRegistration(
        id=stored.pk,
        prior_series=stored.current_series,
        current_series=stored.prior_series,
        prior_contents_digest=stored.current_contents_digest,
        current_contents_digest=stored.prior_contents_digest,
        algorithm_version=stored.algorithm_version,
        state=stored.state,
        prior_to_current_mm=back.reshape(-1).tolist(),
        rigid_mm=_inverse(stored.rigid_mm).reshape(-1).tolist(),
        residual_mm=stored.residual_mm,
        overlap=stored.overlap,
        confidence=stored.confidence,
        problems=stored.problems,
        reason_code=stored.reason_code,
        reason=stored.reason,
        nudge_mm=(0.0 - back[:3, :3] @ np.asarray(stored.nudge_mm)).tolist(),
        nudged_by=stored.nudged_by,
        created_at=stored.created_at,
        finished_at=stored.finished_at,
    )


def _nudge_of_inverse(stored: SeriesRegistration, nudge: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    matrix = np.asarray(stored.prior_to_current_mm, dtype=np.float64).reshape(4, 4)
    turned: npt.NDArray[np.float64] = 0.0 - matrix[:3, :3] @ nudge
    return turned


def _inverse(matrix: Sequence[float]) -> npt.NDArray[np.float64]:
    return np.linalg.inv(np.asarray(matrix, dtype=np.float64).reshape(4, 4)).astype(np.float64)


def _require_same_contents(row: SeriesRegistration) -> None:
    now = (row.prior_series.contents_digest, row.current_series.contents_digest)
    if now != (row.prior_contents_digest, row.current_contents_digest):
        raise SeriesChangedError("More images of one of the two series have arrived. Align them again.")


def _explain_no_volume(row: SeriesRegistration) -> str:
    for series in (row.prior_series, row.current_series):
        try:
            load_volume(series)
        except NotAVolumeError:
            described = series.series_description or "without description"
            return (
                f"Series {described!r} is no plain volume and cannot be aligned. {series.geometry_explanation}".strip()
            )
    return "One of the two series is no plain volume and cannot be aligned."


@transaction.atomic
def _keep(row: SeriesRegistration, found: Registration) -> None:
    locked = SeriesRegistration.objects.select_for_update().get(pk=row.pk)
    if locked.state == RegistrationState.PENDING:
        _finish(locked, found)


def _finish(row: SeriesRegistration, found: Registration) -> None:
    hopeless = next((problem for problem in found.problems if problem in HOPELESS), None)
    row.state = RegistrationState.FAILED if hopeless else RegistrationState.DONE
    row.reason_code = str(hopeless or "")
    row.reason = PROBLEM_WORDS[hopeless] if hopeless else ""
    row.prior_to_current_mm = found.prior_to_current_mm.reshape(-1).tolist()
    row.rigid_mm = found.rigid_mm.reshape(-1).tolist()
    row.residual_mm = found.residual_mm if np.isfinite(found.residual_mm) else None
    row.overlap, row.confidence = found.overlap, found.confidence
    row.problems = [str(problem) for problem in found.problems]
    _close(row)


@transaction.atomic
def _fail(row: SeriesRegistration, code: str, sentence: str) -> None:
    locked = SeriesRegistration.objects.select_for_update().get(pk=row.pk)
    if locked.state != RegistrationState.PENDING:
        return
    locked.state, locked.reason_code, locked.reason = RegistrationState.FAILED, code, sentence
    _close(locked)


def _close(row: SeriesRegistration) -> None:
    """Save a registration that has ended, and tell everybody who waits for it: the one place that does."""
    row.finished_at = timezone.now()
    row.save()
    event = RegistrationFinished(
        registration_id=row.pk,
        prior_series_id=row.prior_series_id,
        current_series_id=row.current_series_id,
        state=RegistrationState(row.state),
    )
    for study_id in _study_ids(row):
        publish_on_commit(study_group(study_id), event)
    enqueue_on_commit(StudyTask.MATCH_LESIONS, patient_id=row.current_series.study.patient_id)


def _study_ids(row: SeriesRegistration) -> set[UUID]:
    return {row.prior_series.study_id, row.current_series.study_id}
