"""What a person says of lesions: that a proposal is right, that it is another, what role it plays, that it is none.

Every act names who did it, and every later date is matched anew on what was said.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone

from studies.errors import ConflictError, InvalidInputError
from studies.models import Lesion, LesionObservation, LesionState, Patient, Timepoint, User
from studies.permissions import ACTING_ROLES, require_role
from studies.services import audit
from studies.services.assessments import settle_tracking
from studies.services.lesion_matching import begin_lesion, enqueue_matching
from studies.tracking.criteria.inputs import LesionRole

DESCRIBED = (
    "organ",
    "site",
    "kind",
    "finding_type",
    "has_soft_tissue_component",
    "is_locally_treated",
    "has_progressed_since_treatment",
    "role",
    "certainty",
    "is_growing",
    "component",
    "dismissed_reason",
)
STATED = (
    LesionState.MEASURED,
    LesionState.PRESENT,
    LesionState.TOO_SMALL,
    LesionState.ABSENT,
    LesionState.MERGED,
    LesionState.NOT_EVALUABLE,
)
"""What a person can say; that nobody said anything is no statement."""


class NothingMeasuredError(ConflictError):
    """The lesion is marked nowhere at the timepoint."""

    code: ClassVar[str] = "lesion.not_marked"


class ComponentTakenError(ConflictError):
    """The part of the mask does not belong to the lesion it is to be taken from."""

    code: ClassVar[str] = "lesion.component_not_held"


class OtherLesionPatientError(InvalidInputError):
    """Lesion and timepoint of different patients."""

    code: ClassVar[str] = "lesion.other_patient"


@transaction.atomic
def describe_lesion(lesion: Lesion, *, values: Mapping[str, Any], by: User, address: str = "") -> Lesion:
    """Set role, organ and the like; a reason for dismissal says that it is no lesion, an empty one takes that back."""
    patient = _begin(lesion.patient_id, by)
    changed = {name: values[name] for name in DESCRIBED if name in values}
    for name, value in changed.items():
        setattr(lesion, name, value)
    if "role" in changed:
        lesion.is_role_suggested = False
    lesion.created_by = lesion.created_by or by
    lesion.save(update_fields=[*changed, "created_by", "is_role_suggested"])
    _end(patient, lesion, "lesion.described", by, address, is_matching="dismissed_reason" in changed, **changed)
    return lesion


@transaction.atomic
def choose_targets(patient: Patient, *, targets: Collection[Lesion], by: User, address: str = "") -> None:
    """Make these lesions the targets and every other one a non-target: a person has looked at all of them."""
    _begin(patient.pk, by)
    chosen = {lesion.pk for lesion in targets}
    lesions = list(Lesion.objects.filter(patient=patient, dismissed_reason=""))
    if not chosen <= {lesion.pk for lesion in lesions}:
        raise OtherLesionPatientError("One of the lesions is not this patient's. Reload the page and choose again.")
    for lesion in lesions:
        lesion.role = LesionRole.TARGET if lesion.pk in chosen else LesionRole.NON_TARGET
        lesion.is_role_suggested, lesion.created_by = False, lesion.created_by or by
        lesion.save(update_fields=["role", "is_role_suggested", "created_by"])
    names = sorted(lesion.number for lesion in lesions if lesion.pk in chosen)
    _end(patient, patient, "targets.chosen", by, address, is_matching=False, lesions=names)


@transaction.atomic
def confirm_observation(
    observation: LesionObservation, *, certainty: str = "", by: User, address: str = ""
) -> LesionObservation:
    """Say that a proposal is right; of a lesion that is not marked that says that it is gone."""
    patient = _begin(observation.lesion.patient_id, by)
    observation.refresh_from_db()
    if observation.state == LesionState.UNMARKED:
        observation.state = LesionState.ABSENT
    _sign(observation, by)
    lesion = observation.lesion
    lesion.created_by = lesion.created_by or by
    if certainty:
        lesion.certainty = certainty
    lesion.save(update_fields=["created_by", "certainty"])
    _end(patient, observation, "lesion.confirmed", by, address, state=observation.state, lesion=lesion.number)
    return observation


@transaction.atomic
def state_lesion(
    lesion: Lesion,
    timepoint: Timepoint,
    *,
    state: LesionState,
    merged_into: Lesion | None = None,
    is_unequivocal_progression: bool = False,
    note: str | None = None,
    by: User,
    address: str = "",
) -> LesionObservation:
    """Say what is to be seen of a lesion at a timepoint, whatever was proposed; without a note an earlier one stays.

    Raises
    ------
    NothingMeasuredError
        Where it is to be measured and the timepoint's mask holds nothing of it.
    OtherLesionPatientError
        Where lesion, timepoint and what it merged into are not of one patient.
    """
    patient = _begin(lesion.patient_id, by)
    _require_one_patient(lesion, timepoint, merged_into)
    if state not in STATED:
        raise InvalidInputError("Say what is to be seen: measured, present, too small, gone, merged or not evaluable.")
    observation, _ = LesionObservation.objects.get_or_create(
        lesion=lesion, timepoint=timepoint, defaults={"state": state}
    )
    if state is LesionState.MEASURED and not observation.components:
        raise NothingMeasuredError(f"{lesion.name} is not marked in this study. Draw it and save, then it is measured.")
    if state is LesionState.MERGED and (merged_into is None or merged_into.pk == lesion.pk):
        raise InvalidInputError(f"Say which lesion {lesion.name} merged into.")
    observation.state = state
    observation.note = observation.note if note is None else note
    observation.merged_into = merged_into if state is LesionState.MERGED else None
    observation.is_unequivocal_progression = is_unequivocal_progression
    _sign(observation, by)
    lesion.created_by = lesion.created_by or by
    lesion.save(update_fields=["created_by"])
    _end(patient, observation, "lesion.stated", by, address, state=state, lesion=lesion.number)
    return observation


@transaction.atomic
def assign_component(
    timepoint: Timepoint, component: tuple[int, int], *, lesion: Lesion | None, by: User, address: str = ""
) -> LesionObservation:
    """Say which lesion a marked part is: one that is known, or, without one, a new one of its own.

    A lesion that is marked already gains a fragment. The lesion that held the part is asked about again.

    Raises
    ------
    ComponentTakenError
        Where the timepoint's mask has no such part any more.
    """
    patient = _begin(timepoint.study.patient_id, by)
    if lesion is not None:
        _require_one_patient(lesion, timepoint, None)
    holder = next((each for each in timepoint.observations.all() if list(component) in each.components), None)
    if holder is None:
        raise ComponentTakenError("This part is not in the study's mask any more. Reload, and choose it again.")
    if lesion is not None and holder.lesion_id == lesion.pk:
        return confirm_observation(holder, by=by, address=address)
    place = holder.components.index(list(component))
    row = holder.measurements[place]
    _take_from(holder, place)
    target = lesion or begin_lesion(patient, holder.lesion.segment_label, created_by=by)
    observation, _ = LesionObservation.objects.get_or_create(
        lesion=target, timepoint=timepoint, defaults={"state": LesionState.MEASURED}
    )
    observation.components = [*observation.components, list(component)]
    observation.measurements = [*observation.measurements, row]
    observation.state, observation.merged_into = LesionState.MEASURED, None
    observation.proposal = observation.proposal or holder.proposal
    _sign(observation, by)
    target.created_by = target.created_by or by
    target.save(update_fields=["created_by"])
    _end(patient, observation, "lesion.assigned", by, address, component=list(component), lesion=target.number)
    return observation


def _take_from(holder: LesionObservation, place: int) -> None:
    """Take a part from the lesion that held it; what is left of an unconfirmed proposal is proposed anew."""
    holder.components = [each for index, each in enumerate(holder.components) if index != place]
    holder.measurements = [each for index, each in enumerate(holder.measurements) if index != place]
    if not holder.components:
        lesion = holder.lesion
        holder.delete()
        if lesion.created_by_id is None and not lesion.observations.exists():
            lesion.delete()
        return
    holder.save(update_fields=["components", "measurements"])


def _begin(patient_id: uuid.UUID, by: User) -> Patient:
    require_role(by, *ACTING_ROLES)
    return Patient.objects.select_for_update().get(pk=patient_id)


def _sign(observation: LesionObservation, by: User) -> None:
    observation.confirmed_by, observation.confirmed_at = by, timezone.now()
    observation.save()


def _end(
    patient: Patient, subject: Any, act: str, by: User, address: str, *, is_matching: bool = True, **details: object
) -> None:
    if is_matching:
        enqueue_matching(patient)
    settle_tracking(patient)
    audit.record(act=act, actor=by, subject=subject, patient=patient, address=address, said=details)


def _require_one_patient(lesion: Lesion, timepoint: Timepoint, merged_into: Lesion | None) -> None:
    patients = {lesion.patient_id, timepoint.study.patient_id, *([merged_into.patient_id] if merged_into else [])}
    if len(patients) > 1:
        raise OtherLesionPatientError("The lesion belongs to another patient. Reload the page and choose again.")
