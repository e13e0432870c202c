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
from studies.services.lesion_roles import find_targets
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


class ChangedMeanwhileError(ConflictError):
    """What the act rests on is not what the person saw."""

    code: ClassVar[str] = "tracking.changed"


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
def choose_targets(
    patient: Patient,
    *,
    targets: Collection[Lesion],
    seen: Collection[uuid.UUID] | None = None,
    by: User,
    address: str = "",
) -> None:
    """Make these lesions the targets and every other one a non-target: a person has looked at all of them.

    `seen` are the targets that were on screen: `ChangedMeanwhileError` where they are others by now.
    """
    _begin(patient.pk, by)
    chosen = {lesion.pk for lesion in targets}
    lesions = list(Lesion.objects.filter(patient=patient, dismissed_reason=""))
    if not chosen <= {lesion.pk for lesion in lesions}:
        raise OtherLesionPatientError("One of the lesions is not this patient's. Reload the page and choose again.")
    now = find_targets(patient)
    if seen is not None and set(seen) != now:
        held = ", ".join(lesion.name for lesion in lesions if lesion.pk in now) or "none"
        raise ChangedMeanwhileError(f"The targets were changed since you looked: {held} now. Look, and choose again.")
    for lesion in lesions:
        lesion.role = LesionRole.TARGET if lesion.pk in chosen else LesionRole.NON_TARGET
        lesion.is_role_suggested, lesion.created_by = False, lesion.created_by or by
        lesion.save(update_fields=["role", "is_role_suggested", "created_by"])
    names = sorted(lesion.number for lesion in lesions if lesion.pk in chosen)
    _end(patient, patient, "targets.chosen", by, address, is_matching=False, lesions=names)


@transaction.atomic
def confirm_observation(
    observation: LesionObservation, *, certainty: str = "", seen: str | None = None, by: User, address: str = ""
) -> LesionObservation:
    """Say that a proposal is right; of a lesion that is not marked that says that it is gone.

    `seen` is the state that was on screen: `ChangedMeanwhileError` where it is another by now.
    """
    patient = _begin(observation.lesion.patient_id, by)
    lesion = observation.lesion
    _require_seen(lesion, LesionObservation.objects.filter(pk=observation.pk).first(), seen or observation.state)
    observation.refresh_from_db()
    if observation.state == LesionState.UNMARKED:
        observation.state = LesionState.ABSENT
    _sign(observation, by)
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
    seen: str | None = None,
    by: User,
    address: str = "",
) -> LesionObservation:
    """Say what is to be seen of a lesion at a timepoint, whatever was proposed; without a note an earlier one stays.

    `seen` is the state that was on screen, empty for none.

    Raises
    ------
    NothingMeasuredError
        Where it is to be measured and the timepoint's mask holds nothing of it.
    OtherLesionPatientError
        Where lesion, timepoint and what it merged into are not of one patient.
    ChangedMeanwhileError
        Where the state is not `seen` any more.
    """
    patient = _begin(lesion.patient_id, by)
    _require_one_patient(lesion, timepoint, merged_into)
    if seen is not None:
        _require_seen(lesion, lesion.observations.filter(timepoint=timepoint).first(), seen)
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
    timepoint: Timepoint,
    component: tuple[int, int],
    *,
    lesion: Lesion | None,
    seen: tuple[uuid.UUID, uuid.UUID] | None = None,
    by: User,
    address: str = "",
) -> LesionObservation:
    """Say which lesion a marked part is: one that is known, or, without one, a new one of its own.

    A lesion that is marked already gains a fragment. The lesion that held the part is asked about again. `seen` are
    the revision whose parts were on screen and the lesion that held this one: a later revision numbers them anew.

    Raises
    ------
    ComponentTakenError
        Where the timepoint's mask has no such part any more.
    ChangedMeanwhileError
        Where the part is not the one that was `seen`.
    """
    patient = _begin(timepoint.study.patient_id, by)
    timepoint.refresh_from_db(fields=["revision"])
    if lesion is not None:
        _require_one_patient(lesion, timepoint, None)
    holder = next((each for each in timepoint.observations.all() if list(component) in each.components), None)
    if holder is None:
        raise ComponentTakenError("This part is not in the study's mask any more. Reload, and choose it again.")
    if seen is not None and seen != (timepoint.revision_id, holder.lesion_id):
        raise ChangedMeanwhileError(
            "The mask or its lesions changed since you looked. Look, and choose the part again."
        )
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


def _require_seen(lesion: Lesion, now: LesionObservation | None, seen: str) -> None:
    """Refuse an act that rests on another state than the record's: nobody signs what they did not see."""
    state = "" if now is None else now.state
    if state == seen:
        return
    who = f" by {now.confirmed_by}" if now is not None and now.confirmed_by else ""
    words = LesionState(state).label.lower() if state else "without an entry"
    raise ChangedMeanwhileError(
        f"{lesion.name} was changed{who} since you looked: {words} now. Look, and say it again if it still holds."
    )


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
