"""The record of a patient's lesions as the pure rooms read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from studies.models import (
    Lesion,
    LesionObservation,
    LesionState,
    MatchingState,
    Patient,
    ResponsePlan,
    TherapyKind,
    TherapyLine,
    Timepoint,
)
from studies.services.comparability import compare_series
from studies.services.lesion_uptake import SUL
from studies.tracking.comparability import Concern, Severity
from studies.tracking.criteria.brain_inputs import Trend, TumourComponent
from studies.tracking.criteria.inputs import Certainty, ClinicalStatus, LesionKind, LesionRole, SteroidDose
from studies.tracking.criteria.lugano_pet import UptakeTrend
from studies.tracking.criteria.percist import PetTimepoint
from studies.tracking.criteria.verdict import Criterion
from studies.tracking.followed import (
    FollowedLesion,
    FollowedObservation,
    FollowedPart,
    FollowedPatient,
    FollowedState,
    FollowedTimepoint,
    recorded_ml,
    recorded_mm,
)
from studies.tracking.non_target_growth import ask_about_non_targets


@dataclass(frozen=True, slots=True)
class FollowedRecord:
    """What a verdict rests on, and what stands between it and being more than provisional.

    Attributes
    ----------
    timepoints
        In the order of `patient.timepoints`, baseline first.
    questions
        What a person has not confirmed or recorded yet, in sentences; empty where the verdict is not provisional.
    """

    patient: FollowedPatient
    timepoints: tuple[Timepoint, ...]
    lesions: tuple[Lesion, ...]
    plan: ResponsePlan
    questions: tuple[str, ...]


def read_plan(patient: Patient) -> ResponsePlan:
    """Return how a patient is followed; one that nobody planned is followed by RECIST 1.1, unsaved."""
    plan = ResponsePlan.objects.filter(patient=patient).select_related("baseline__study").first()
    return plan or ResponsePlan(patient=patient, criterion=Criterion.RECIST_1_1)


def read_timepoints(patient: Patient) -> list[Timepoint]:
    """Return all timepoints by date, left-out ones too."""
    return list(
        Timepoint.objects.filter(study__patient=patient).select_related("study", "segmentation__series", "revision")
    )


def find_baseline(plan: ResponsePlan, timepoints: Iterable[Timepoint]) -> Timepoint | None:
    """Return the timepoint the others are compared with: the planned one, or the first that takes part."""
    taking_part = [each for each in timepoints if not each.excluded_reason]
    planned = next((each for each in taking_part if each.pk == plan.baseline_id), None)
    return planned or (taking_part[0] if taking_part else None)


def read_followed(patient: Patient, *, concern: Concern = Concern.DIAMETERS) -> FollowedRecord:
    """Return what is recorded of a patient's lesions from baseline on.

    What was measured on a date that may not be compared with the baseline is not evaluable, unless a reader accepted
    that it is compared.

    Parameters
    ----------
    concern
        Which measurements are compared.

    Raises
    ------
    CriteriaInputError
        Where there is no baseline, or the timepoints have no order.
    """
    plan, timepoints = read_plan(patient), read_timepoints(patient)
    baseline = find_baseline(plan, timepoints)
    day_zero = baseline.study.study_date if baseline else None
    followed = [
        each for each in timepoints if baseline and day_zero and not each.excluded_reason and _date_of(each) >= day_zero
    ]
    lesions = list(Lesion.objects.filter(patient=patient, dismissed_reason=""))
    seen: dict[UUID, list[LesionObservation]] = {each.pk: [] for each in followed}
    for observation in LesionObservation.objects.filter(timepoint__in=followed, lesion__in=lesions).select_related(
        "lesion"
    ):
        seen[observation.timepoint_id].append(observation)
    refusals = {each.pk: refusal for each in followed[1:] if (refusal := _refuse(followed[0], each, concern))}
    therapy = list(TherapyLine.objects.filter(patient=patient))
    course = FollowedPatient(
        lesions=tuple(_lesion(each) for each in lesions),
        timepoints=tuple(
            _timepoint(each, seen[each.pk], day_zero or date.min, is_comparable=each.pk not in refusals)
            for each in followed
        ),
        radiotherapy_end_day=_radiotherapy_end(therapy, followed, day_zero),
        new_therapy_day=_new_therapy(therapy, day_zero),
    )
    return FollowedRecord(
        patient=course,
        timepoints=tuple(followed),
        lesions=tuple(lesions),
        plan=plan,
        questions=(
            *refusals.values(),
            *_list_questions(followed, lesions, seen),
            *ask_about_non_targets(course),
        ),
    )


def read_parts(measurements: Iterable[Mapping[str, Any]]) -> tuple[FollowedPart, ...]:
    """Return stored measurements as they are recorded for the criteria."""
    return tuple(
        FollowedPart(
            longest_diameter_mm=recorded_mm(each["longest_diameter"]["value"]),
            perpendicular_diameter_mm=recorded_mm(each["perpendicular_diameter"]["value"]),
            volume_ml=recorded_ml(each["volume"]["value"]),
            longest_interval_mm=_interval(each["longest_diameter"], recorded_mm),
            perpendicular_interval_mm=_interval(each["perpendicular_diameter"], recorded_mm),
            volume_interval_ml=_interval(each["volume"], recorded_ml),
            **_uptake(each.get("uptake", [])),
        )
        for each in measurements
    )


def _uptake(scales: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    """Return SULpeak and TLG where the PET's headers allowed lean body mass."""
    for scale in scales:
        if scale["unit"] == SUL and scale["peak"] is not None:
            return {
                "sul_peak": recorded_ml(scale["peak"]["value"]),
                "total_glycolysis": recorded_ml(scale["total_glycolysis"]),
            }
    return {}


def _interval(quantity: Mapping[str, Any], record: Any) -> tuple[Any, Any]:
    high = quantity["interval"]["high"]
    return record(quantity["interval"]["low"]), None if high is None else record(high)


def _date_of(timepoint: Timepoint) -> date:
    return timepoint.study.study_date or date.min


def _lesion(lesion: Lesion) -> FollowedLesion:
    return FollowedLesion(
        name=lesion.name,
        organ=lesion.organ,
        kind=LesionKind(lesion.kind),
        role=LesionRole(lesion.role),
        certainty=Certainty(lesion.certainty),
        is_growing=lesion.is_growing,
        component=TumourComponent(lesion.component) if lesion.component else None,
    )


def _refuse(baseline: Timepoint, current: Timepoint, concern: Concern) -> str:
    """Return why a date may not be compared with the baseline; empty where it may."""
    if current.comparability_accepted_reason:
        return ""
    compared = compare_series(baseline.segmentation.series, current.segmentation.series)
    if compared.is_evaluable(concern):
        return ""
    why = next(each for each in compared.mismatches if each.severity is Severity.NOT_EVALUABLE)
    return (
        f"{_date_of(current):%d %b %Y}: not evaluable against the baseline. {why.sentence} Follow another series of "
        "that day, or accept the comparison with a reason."
    )


def _timepoint(
    timepoint: Timepoint, seen: list[LesionObservation], day_zero: date, *, is_comparable: bool
) -> FollowedTimepoint:
    dose = timepoint.steroid_dexamethasone_mg
    return FollowedTimepoint(
        day=(_date_of(timepoint) - day_zero).days,
        observations=tuple(
            _observation(each, is_comparable=is_comparable)
            for each in sorted(seen, key=lambda each: each.lesion.number)
        ),
        clinical_status=ClinicalStatus(timepoint.clinical_status),
        steroid=None if dose is None else SteroidDose(dose, timepoint.is_steroid_replacement),
        is_tumour_marker_elevated=timepoint.is_tumour_marker_elevated,
        non_measurable=Trend(timepoint.non_measurable_trend) if timepoint.non_measurable_trend else None,
        flair=Trend(timepoint.flair_trend) if timepoint.flair_trend else None,
        deauville_score=timepoint.deauville_score,
        uptake_trend=UptakeTrend(timepoint.uptake_trend) if timepoint.uptake_trend else None,
        liver_mean=timepoint.liver_sul_mean,
        liver_sd=timepoint.liver_sul_sd,
        blood_mean=timepoint.blood_sul_mean,
        blood_sd=timepoint.blood_sul_sd,
    )


def check_references(timepoint: Timepoint) -> None:
    """Refuse reference tissues that cannot be as recorded.

    Raises
    ------
    CriteriaInputError
        Where a standard deviation is larger than its mean.
    """
    PetTimepoint(
        days_from_baseline=0,
        liver_mean=timepoint.liver_sul_mean,
        liver_sd=timepoint.liver_sul_sd,
        blood_mean=timepoint.blood_sul_mean,
        blood_sd=timepoint.blood_sul_sd,
    )


def _observation(seen: LesionObservation, *, is_comparable: bool) -> FollowedObservation:
    is_measured = seen.state == LesionState.MEASURED and is_comparable
    is_lost = seen.state == LesionState.MEASURED and not is_comparable
    return FollowedObservation(
        lesion=seen.lesion.name,
        state=FollowedState.NOT_EVALUABLE if is_lost else FollowedState(seen.state),
        parts=read_parts(seen.measurements) if is_measured else (),
        is_unequivocal_progression=seen.is_unequivocal_progression,
        is_confirmed=seen.confirmed_by_id is not None,
    )


def _radiotherapy_end(therapy: list[TherapyLine], followed: list[Timepoint], day_zero: date | None) -> int | None:
    """Return the last end of radiation before the latest timepoint, in days from baseline."""
    if day_zero is None or not followed:
        return None
    ends = [
        each.end_date
        for each in therapy
        if each.kind == TherapyKind.RADIATION and each.end_date and each.end_date <= _date_of(followed[-1])
    ]
    return (max(ends) - day_zero).days if ends else None


def _new_therapy(therapy: list[TherapyLine], day_zero: date | None) -> int | None:
    starts = [each.start_date for each in therapy if each.is_new_anticancer_therapy]
    return (min(starts) - day_zero).days if starts and day_zero else None


def _list_questions(
    followed: list[Timepoint], lesions: list[Lesion], seen: Mapping[UUID, list[LesionObservation]]
) -> tuple[str, ...]:
    questions = []
    for timepoint in followed:
        on = f"{_date_of(timepoint):%d %b %Y}"
        if timepoint.matching_state == MatchingState.WAITING:
            questions.append(f"{on}: lesions are still being measured and matched.")
        if timepoint.matching_state == MatchingState.FAILED:
            questions.append(f"{on}: nothing could be measured. {timepoint.problem}")
        open_ones = [each for each in seen[timepoint.pk] if each.confirmed_by_id is None]
        unmarked = [each.lesion.name for each in open_ones if each.state == LesionState.UNMARKED]
        asked = [
            each.lesion.name
            for each in open_ones
            if each.state != LesionState.UNMARKED and each.proposal.get("must_ask")
        ]
        if asked:
            questions.append(f"{on}: {_be(asked)} {_list(asked)} matched rightly? Confirm or correct.")
        if unmarked:
            questions.append(f"{on}: {_list(unmarked)} {_be(unmarked)} not marked. Gone, too small, or missed?")
    suggested = [each.name for each in lesions if each.is_role_suggested and each.role == LesionRole.TARGET]
    if suggested:
        them = ("target", "was", "it") if len(suggested) == 1 else ("targets", "were", "them")
        questions.append(
            f"The {them[0]} {_list(suggested)} {them[1]} suggested by the software. Confirm or change {them[2]}."
        )
    return tuple(questions)


def _be(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
