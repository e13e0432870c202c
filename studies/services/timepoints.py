"""Which studies a patient's lesions are followed on, and what a reader records of the patient at each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import transaction

from studies.errors import ConflictError, InvalidInputError
from studies.models import Patient, ResponsePlan, Segmentation, Study, Timepoint, User
from studies.permissions import ACTING_ROLES, require_role
from studies.services import audit
from studies.services.assessments import settle_tracking
from studies.services.followed_record import check_references
from studies.services.lesion_matching import enqueue_matching
from studies.tracking.courses import configure
from studies.tracking.criteria.verdict import Criterion

RECORDED = (
    "excluded_reason",
    "comparability_accepted_reason",
    "clinical_status",
    "steroid_dexamethasone_mg",
    "is_steroid_replacement",
    "is_tumour_marker_elevated",
    "non_measurable_trend",
    "flair_trend",
    "liver_sul_mean",
    "liver_sul_sd",
    "blood_sul_mean",
    "blood_sul_sd",
    "reference_source",
    "deauville_score",
    "uptake_trend",
)


class UndatedStudyError(ConflictError):
    """A study without a date has no place on the time axis."""

    code: ClassVar[str] = "timepoint.undated"


class SameDayError(ConflictError):
    """Two studies of one day."""

    code: ClassVar[str] = "timepoint.same_day"


class OtherStudyError(InvalidInputError):
    """A segmentation of another study."""

    code: ClassVar[str] = "timepoint.other_study"


@transaction.atomic
def follow_study(study: Study, *, segmentation: Segmentation, by: User, address: str = "") -> Timepoint:
    """Follow the patient's lesions on a study by a segmentation; on one that is followed, choose another segmentation.

    Raises
    ------
    UndatedStudyError, SameDayError, OtherStudyError
        Where the study has no place of its own on the time axis, or the segmentation is another study's.
    """
    require_role(by, *ACTING_ROLES)
    if segmentation.series.study_id != study.pk:
        raise OtherStudyError("This segmentation belongs to another study. Choose one of this study's.")
    patient = Patient.objects.select_for_update().get(pk=study.patient_id)
    if study.study_date is None:
        raise UndatedStudyError("This study has no date, so it has no place among the others. Correct its date first.")
    twin = (
        Timepoint.objects.filter(study__patient=patient, study__study_date=study.study_date, excluded_reason="")
        .exclude(study=study)
        .first()
    )
    if twin is not None:
        raise SameDayError(
            f"Another study of {study.study_date} is followed already. Choose the one that counts: leave the other out "
            "first."
        )
    timepoint, is_new = Timepoint.objects.get_or_create(
        study=study, defaults={"segmentation": segmentation, "created_by": by}
    )
    if not is_new and timepoint.segmentation_id != segmentation.pk:
        timepoint.observations.all().delete()  # they speak of components of another segmentation
        timepoint.segmentation, timepoint.revision, timepoint.inputs_digest = segmentation, None, ""
        timepoint.save(update_fields=["segmentation", "revision", "inputs_digest"])
    enqueue_matching(patient)
    settle_tracking(patient)
    audit.record(
        act="timepoint.followed",
        actor=by,
        subject=timepoint,
        patient=patient,
        address=address,
        segmentation=segmentation.pk,
    )
    return timepoint


@transaction.atomic
def record_timepoint(timepoint: Timepoint, *, values: Mapping[str, Any], by: User, address: str = "") -> Timepoint:
    """Record how the patient was, or leave a timepoint out with a reason (an empty one takes it in again).

    Raises
    ------
    CriteriaInputError
        Where the reference tissues of a PET cannot be as recorded.
    """
    require_role(by, *ACTING_ROLES)
    patient = Patient.objects.select_for_update().get(pk=timepoint.study.patient_id)
    changed = {name: values[name] for name in RECORDED if name in values}
    for name, value in changed.items():
        setattr(timepoint, name, value)
    check_references(timepoint)
    timepoint.save(update_fields=list(changed))
    if "excluded_reason" in changed:
        enqueue_matching(patient)
    settle_tracking(patient)
    audit.record(
        act="timepoint.recorded", actor=by, subject=timepoint, patient=patient, address=address, names=sorted(changed)
    )
    return timepoint


@transaction.atomic
def plan_response(
    patient: Patient,
    *,
    criterion: Criterion | None = None,
    configuration: Mapping[str, Any] | None = None,
    baseline: Timepoint | None = None,
    is_baseline_first: bool = False,
    by: User,
    address: str = "",
) -> ResponsePlan:
    """Choose the criterion, its configuration and the baseline; what is not named stays."""
    require_role(by, *ACTING_ROLES)
    Patient.objects.select_for_update().get(pk=patient.pk)
    plan, _ = ResponsePlan.objects.get_or_create(patient=patient)
    if criterion is not None:
        plan.criterion = criterion
    if configuration is not None:
        configure(Criterion(plan.criterion), configuration)  # refuses what is no configuration
        plan.configuration = dict(configuration)
    if baseline is not None:
        if baseline.study.patient_id != patient.pk:
            raise InvalidInputError("The baseline is a timepoint of another patient. Choose one of this patient's.")
        plan.baseline = baseline
    if is_baseline_first:
        plan.baseline = None
    plan.save()
    settle_tracking(patient)
    audit.record(
        act="response.planned",
        actor=by,
        subject=plan,
        patient=patient,
        address=address,
        criterion=plan.criterion,
        configuration=plan.configuration,
        baseline=plan.baseline_id,
    )
    return plan
