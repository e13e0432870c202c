"""What the criteria say of a patient, kept each time it changes, and what a reader says instead."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar

from django.db import transaction

from studies.errors import ConflictError, InvalidInputError
from studies.models import Assessment, AssessmentOverride, MatchingState, Patient, User
from studies.permissions import ACTING_ROLES, require_role
from studies.services import audit
from studies.services.followed_record import FollowedRecord, read_followed, read_plan
from studies.services.tracking_news import announce_tracking
from studies.tracking.comparability import Concern
from studies.tracking.courses import assess, configure
from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.errors import CriteriaInputError
from studies.tracking.criteria.verdict import CourseVerdict, Criterion, Response
from studies.tracking.flip_explanation import explain_difference


class StaleAssessmentError(ConflictError):
    """The numbers changed since the reader looked."""

    code: ClassVar[str] = "assessment.stale"


@dataclass(frozen=True, slots=True)
class PatientAssessment:
    """A verdict with what it rests on.

    Attributes
    ----------
    digest
        Of criterion, configuration and inputs: what an override refers to.
    """

    record: FollowedRecord
    criterion: Criterion
    configuration: CriteriaConfiguration
    verdict: CourseVerdict
    digest: str


@dataclass(frozen=True, slots=True)
class Flip:
    """The last change of a verdict: from what to what, and because of what."""

    before: Assessment
    after: Assessment
    reasons: tuple[str, ...]


def assess_patient(patient: Patient, criterion: Criterion | None = None) -> PatientAssessment:
    """Judge a patient by a criterion, the planned one unless another is named.

    Raises
    ------
    CriteriaInputError
        Where what is recorded cannot be judged; the message says what to record.
    """
    chosen = criterion or planned_criterion(patient)
    record = read_followed(patient, concern=Concern.UPTAKE if chosen is Criterion.PERCIST else Concern.DIAMETERS)
    changes = record.plan.configuration if chosen == record.plan.criterion else {}
    configuration = configure(chosen, changes)
    verdict = assess(record.patient, chosen, configuration)
    digest = _digest(chosen, to_plain(asdict(configuration)), to_plain(asdict(record.patient)))
    return PatientAssessment(record, chosen, configuration, verdict, digest)


@transaction.atomic
def settle_tracking(patient: Patient) -> None:
    """Keep the verdict that now holds, if it rests on other inputs than the last, and tell the browsers.

    Called by every act that changes what is known of the lesions, under the patient's lock.
    """
    announce_tracking(patient)
    try:
        found = assess_patient(patient)
    except CriteriaInputError:
        return  # nothing to be judged yet; who asks is told why
    if any(each.matching_state == MatchingState.WAITING for each in found.record.timepoints):
        return  # a verdict on half of the lesions is none to be kept
    last = _last_kept(patient, found.criterion)
    if last is None or last.inputs_digest != found.digest:
        _keep(patient, found)


@transaction.atomic
def override_assessment(
    patient: Patient,
    *,
    criterion: Criterion,
    digest: str,
    response: Response | None,
    reason: str,
    by: User,
    address: str = "",
) -> AssessmentOverride:
    """Record a reader's verdict beside the computed one; without a response an earlier override is taken back.

    Raises
    ------
    StaleAssessmentError
        Where `digest` is not of the verdict that now holds.
    """
    require_role(by, *ACTING_ROLES)
    Patient.objects.select_for_update().get(pk=patient.pk)
    if not reason.strip():
        raise InvalidInputError("Say why: an override without a reason cannot be understood later.")
    found = assess_patient(patient, criterion)
    if found.digest != digest:
        raise StaleAssessmentError("The numbers changed since you looked. Look at the new verdict, then override it.")
    kept = Assessment.objects.filter(patient=patient, inputs_digest=digest).last() or _keep(patient, found)
    override = AssessmentOverride.objects.create(
        assessment=kept, response=response or "", reason=reason.strip(), created_by=by
    )
    announce_tracking(patient)
    audit.record(
        act="assessment.overridden",
        actor=by,
        subject=kept,
        patient=patient,
        address=address,
        computed=kept.overall_response,
        response=str(response or ""),
    )
    return override


def find_overrides(patient: Patient, digest: str) -> list[AssessmentOverride]:
    """Return what readers said of exactly these inputs, newest first."""
    return list(
        AssessmentOverride.objects.filter(assessment__patient=patient, assessment__inputs_digest=digest)
        .select_related("created_by", "assessment")
        .order_by("-created_at")
    )


def find_flip(patient: Patient, criterion: Criterion) -> Flip | None:
    """Return the last change of a patient's verdict on one date by a criterion, with what changed before it.

    None where it never changed; that a further date brought another response is no change of a verdict.
    """
    kept = list(Assessment.objects.filter(patient=patient, criterion=criterion).order_by("-created_at")[:50])
    for after, before in itertools.pairwise(kept):
        is_one_date = after.timepoint_id == before.timepoint_id
        if is_one_date and after.overall_response != before.overall_response:
            return Flip(before, after, explain_difference(before.inputs, after.inputs))
    return None


def to_plain(value: Any) -> Any:
    """Return dataclass contents as JSON keeps them; decimals as text, so that nothing is rounded."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        return {str(key): to_plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(part) for part in value]
    return value


def planned_criterion(patient: Patient) -> Criterion:
    """Return the criterion a patient is followed by."""
    return Criterion(read_plan(patient).criterion)


def _last_kept(patient: Patient, criterion: Criterion) -> Assessment | None:
    return Assessment.objects.filter(patient=patient, criterion=criterion).order_by("created_at").last()


def _keep(patient: Patient, found: PatientAssessment) -> Assessment:
    latest = found.verdict.latest
    return Assessment.objects.create(
        patient=patient,
        timepoint=found.record.timepoints[-1],
        criterion=found.criterion,
        configuration_version=found.verdict.configuration_version,
        configuration=to_plain(asdict(found.configuration)),
        inputs=to_plain(asdict(found.record.patient)),
        inputs_digest=found.digest,
        overall_response=latest.overall_response,
        rule_id=latest.clause.rule_id,
        sentence=latest.clause.sentence,
    )


def _digest(criterion: Criterion, configuration: Any, inputs: Any) -> str:
    read = {"criterion": criterion.value, "configuration": configuration, "inputs": inputs}
    return hashlib.sha256(json.dumps(read, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
