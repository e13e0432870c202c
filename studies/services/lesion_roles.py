"""Which lesions can be targets, why, and which the software suggests until a person has chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from studies.models import Lesion, LesionObservation, LesionState, Patient, Timepoint
from studies.services.followed_record import find_baseline, read_parts, read_plan, read_timepoints
from studies.tracking.criteria.inputs import LesionKind, LesionRole
from studies.tracking.criteria.measurability import (
    Candidate,
    FindingType,
    MeasurabilityVerdict,
    Method,
    Scheme,
    judge_measurability,
)
from studies.tracking.criteria.target_selection import (
    SelectionError,
    TargetCandidate,
    check_selection,
    organ_group,
    suggest_targets,
)
from studies.tracking.criteria.verdict import Criterion

_METHODS = {"CT": Method.CT, "PT": Method.CT, "MR": Method.MRI, "US": Method.ULTRASOUND, "CR": Method.CHEST_XRAY}
_BRAIN = {Criterion.RANO_2_0, Criterion.MRANO, Criterion.RANO_HGG, Criterion.RANO_LGG, Criterion.RANO_MIXED}


def scheme_of(criterion: Criterion) -> Scheme:
    """Return whose baseline rules hold under a criterion."""
    if criterion is Criterion.RANO_BM:
        return Scheme.RANO_BM
    return Scheme.RANO if criterion in _BRAIN else Scheme.RECIST


def describe_candidate(lesion: Lesion, timepoint: Timepoint, measurements: Sequence[Mapping[str, Any]]) -> Candidate:
    """Return a lesion at baseline with what decides whether it is measurable; slices count with their distance."""
    series = timepoint.segmentation.series
    parts = read_parts(measurements)
    largest = max(parts, key=lambda part: part.longest_diameter_mm, default=None)
    return Candidate(
        kind=LesionKind(lesion.kind),
        longest_diameter_mm=largest.longest_diameter_mm if largest else None,
        short_axis_mm=largest.perpendicular_diameter_mm if largest else None,
        slice_thickness_mm=Decimal(str(round(series.spacing_mm[0], 2))) if series.spacing_mm else None,
        method=_METHODS.get(series.modality, Method.CT),
        finding_type=FindingType(lesion.finding_type),
        has_soft_tissue_component=lesion.has_soft_tissue_component,
        is_locally_treated=lesion.is_locally_treated,
        has_progressed_since_treatment=lesion.has_progressed_since_treatment,
        slice_count=max((int(each["slice_count"]) for each in measurements), default=None),
    )


def judge_lesions(
    lesions: Sequence[Lesion], baseline: Timepoint | None, criterion: Criterion
) -> dict[UUID, MeasurabilityVerdict]:
    """Return for each lesion that is measured at baseline whether it can be a target there, and why.

    Reads the lesions' observations: prefetch them.
    """
    if baseline is None:
        return {}
    return {
        lesion.pk: judge_measurability(describe_candidate(lesion, baseline, seen.measurements), scheme_of(criterion))
        for lesion in lesions
        for seen in lesion.observations.all()
        if seen.timepoint_id == baseline.pk and seen.state == LesionState.MEASURED
    }


@dataclass(frozen=True, slots=True)
class TargetChoice:
    """What lesions would be together as targets.

    Attributes
    ----------
    organs
        How many lie in each organ as the rule counts it; "" where nobody named it.
    problems
        Why they may not go together; empty where they may.
    """

    organs: Mapping[str, int]
    problems: tuple[SelectionError, ...]


def check_targets(patient: Patient, lesion_ids: Collection[UUID]) -> TargetChoice:
    """Return what these lesions would be as targets (R11.SEL); those that are not measured at baseline do not count."""
    baseline = find_baseline(read_plan(patient), read_timepoints(patient))
    if baseline is None:
        return TargetChoice({}, ())
    seen = _measured_at(baseline)
    lesions = Lesion.objects.filter(patient=patient, dismissed_reason="", pk__in=lesion_ids)
    chosen = [_target(each, baseline, seen[each.pk]) for each in lesions if each.pk in seen]
    organs = Counter(organ_group(each.organ, each.candidate.kind) for each in chosen)
    return TargetChoice(organs, check_selection(chosen))


def find_targets(patient: Patient) -> set[UUID]:
    """Return which lesions are targets, suggested or chosen; those that are not measured at baseline do not count."""
    baseline = find_baseline(read_plan(patient), read_timepoints(patient))
    seen = _measured_at(baseline) if baseline else {}
    targets = Lesion.objects.filter(patient=patient, dismissed_reason="", role=LesionRole.TARGET, pk__in=seen)
    return set(targets.values_list("pk", flat=True))


def suggest_roles(patient: Patient) -> None:
    """Propose targets among the lesions of the baseline while no person has given any lesion a role."""
    baseline = find_baseline(read_plan(patient), read_timepoints(patient))
    lesions = list(Lesion.objects.filter(patient=patient, dismissed_reason=""))
    if baseline is None or any(not each.is_role_suggested for each in lesions):
        return
    seen = _measured_at(baseline)
    there = [each for each in lesions if each.pk in seen]
    measured = [(_target(each, baseline, seen[each.pk]), _length(each, seen[each.pk])) for each in there]
    chosen = {there[index].pk for index in suggest_targets(measured)}
    for lesion in lesions:
        role = LesionRole.TARGET if lesion.pk in chosen else LesionRole.NON_TARGET
        if lesion.role != role:
            Lesion.objects.filter(pk=lesion.pk).update(role=role)


def _measured_at(timepoint: Timepoint) -> dict[UUID, LesionObservation]:
    rows = LesionObservation.objects.filter(timepoint=timepoint, state=LesionState.MEASURED)
    return {each.lesion_id: each for each in rows}


def _target(lesion: Lesion, baseline: Timepoint, seen: LesionObservation) -> TargetCandidate:
    return TargetCandidate(lesion.organ, describe_candidate(lesion, baseline, seen.measurements))


def _length(lesion: Lesion, seen: LesionObservation) -> Decimal:
    is_node = lesion.kind == LesionKind.NODE
    parts = read_parts(seen.measurements)
    return max(each.perpendicular_diameter_mm if is_node else each.longest_diameter_mm for each in parts)
