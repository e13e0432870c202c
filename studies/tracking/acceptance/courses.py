"""Vectors that describe a course: read into domain types, judged, and written back as the vectors write results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from studies.tracking.acceptance.schema import Fields
from studies.tracking.acceptance.values import (
    CLINICAL,
    NON_TARGET_STATES,
    TARGET_STATES,
    new_lesions,
    read_configuration,
    word,
)
from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.exact import PercentChange
from studies.tracking.criteria.inputs import (
    ClinicalStatus,
    DiameterCourse,
    LesionKind,
    NewLesion,
    NonTargetObservation,
    SteroidDose,
    TargetLesion,
    TargetObservation,
    TargetState,
    Timepoint,
)
from studies.tracking.criteria.irecist import assess_irecist
from studies.tracking.criteria.mrecist_hcc import DEFAULTS as MRECIST_DEFAULTS
from studies.tracking.criteria.mrecist_hcc import assess_mrecist_hcc
from studies.tracking.criteria.rano_bm import DEFAULTS as RANO_BM_DEFAULTS
from studies.tracking.criteria.rano_bm import assess_rano_bm
from studies.tracking.criteria.recist import assess_recist
from studies.tracking.criteria.verdict import CourseVerdict, TimepointVerdict

Assess = Callable[[DiameterCourse, CriteriaConfiguration], CourseVerdict]
_GROWTH_NAMES = ("non_target_increase", "non_target_growth", "nlnt_growth", "nlnt_increase", "further_increase")


def diameter_runner(assess: Assess, defaults: CriteriaConfiguration) -> Callable[[Fields], Mapping[str, Any]]:
    """Return what runs a vector of one criterion on sums of diameters."""

    def run(body: Fields) -> Mapping[str, Any]:
        config = body.part("config")
        course = read_diameter_course(body, new_therapy_day=config.take("new_therapy_day"))
        return written(assess(course, read_configuration(config, defaults)))

    return run


DIAMETER_RUNNERS = {
    "RECIST_1_1": diameter_runner(assess_recist, CriteriaConfiguration()),
    "IRECIST": diameter_runner(assess_irecist, CriteriaConfiguration()),
    "MRECIST_HCC": diameter_runner(assess_mrecist_hcc, MRECIST_DEFAULTS),
    "RANO_BM": diameter_runner(assess_rano_bm, RANO_BM_DEFAULTS),
}


def read_diameter_course(body: Fields, *, new_therapy_day: int | None) -> DiameterCourse:
    """Return the course of a vector."""
    targets = tuple(
        TargetLesion(str(part.need("id")), str(part.take("organ", default="")), LesionKind(part.need("kind")))
        for part in body.parts("lesions")
    )
    kinds = {target.lesion_id: target.kind for target in targets}
    parts = body.parts("timepoints")
    was_elevated = bool(parts and parts[0].values.get("marker_elevated"))
    timepoints = tuple(_read_timepoint(part, kinds, was_elevated) for part in parts)
    return DiameterCourse(targets, timepoints, new_therapy_day)


def _read_timepoint(part: Fields, kinds: Mapping[str, LesionKind], was_marker_elevated: bool) -> Timepoint:
    found = part.part("targets")
    non_targets = part.part("non_target")
    marker = part.take("marker_elevated")
    return Timepoint(
        days_from_baseline=int(part.need("day")),
        targets=tuple(_read_target(name, found.take(name), kinds.get(name)) for name in found.values),
        non_targets=tuple(_read_non_target(name, non_targets.take(name)) for name in non_targets.values),
        new_lesions=(*new_lesions(part.take("new_lesion")), *_immune_new_lesions(part)),
        # a marker that a vector does not mention is normal
        is_tumour_marker_elevated=False if marker is None and was_marker_elevated else marker,
        is_non_target_burden_increased=bool(part.take("nt_further_increase", default=False)),
        clinical_status=read_clinical(part),
        steroid=read_steroid(part),
    )


def read_clinical(part: Fields) -> ClinicalStatus:
    """Return the clinical status; one that a vector does not mention is stable."""
    return word(part.take("clinical", default="stable"), CLINICAL, "clinical")


def read_steroid(part: Fields) -> SteroidDose:
    """Return the steroid dose; one that a vector does not mention is none."""
    replacement = part.take("steroid_physiological", "steroid_physiologic", "physiological_replacement", default=False)
    return SteroidDose(part.take("steroid_mg", default=Decimal(0)) or Decimal(0), bool(replacement))


def _read_target(lesion_id: str, value: Any, kind: LesionKind | None) -> TargetObservation:
    found = Fields(value if isinstance(value, Mapping) else {"mm": value}, lesion_id)
    state = word(found.take("state", default="measured"), TARGET_STATES, f"state of {lesion_id}")
    if state is not TargetState.MEASURED:
        return TargetObservation(lesion_id, state)
    if fragments := found.take("fragments"):
        return TargetObservation(lesion_id, fragment_diameters_mm=tuple(fragments))
    diameter = found.need("mm")
    if kind is LesionKind.NODE:
        return TargetObservation(lesion_id, short_axis_mm=diameter)
    return TargetObservation(lesion_id, longest_diameter_mm=diameter)


def _read_non_target(lesion_id: str, value: Any) -> NonTargetObservation:
    if isinstance(value, Mapping):
        return NonTargetObservation(lesion_id, short_axis_mm=value["node_mm"])
    return NonTargetObservation(lesion_id, word(value, NON_TARGET_STATES, f"non-target {lesion_id}"))


def _immune_new_lesions(part: Fields) -> tuple[NewLesion, ...]:
    found = part.part("new_lesions")
    is_growing = bool(found.take(*_GROWTH_NAMES, default=False))
    measured = tuple(
        NewLesion(f"new target {number}", diameter_mm=diameter)
        for number, diameter in enumerate(found.take("target_mm", default=()) or (), 1)
    )
    count = int(found.take("non_target_n", default=0) or 0)
    others = tuple(NewLesion(f"new non-target {number}", is_growing=is_growing) for number in range(1, count + 1))
    return measured + others


def written(verdict: CourseVerdict) -> Mapping[str, Any]:
    """Return a verdict as the vectors write results."""
    return {
        "timepoints": [_written_timepoint(timepoint) for timepoint in verdict.timepoints],
        "bor": str(verdict.best_overall_response.response),
        "progression_day": verdict.progression_day,
        "pseudoprogression_days": list(verdict.pseudoprogression_days),
    }


def _written_timepoint(verdict: TimepointVerdict) -> Mapping[str, Any]:
    numbers = verdict.numbers
    return {
        "day": verdict.days_from_baseline,
        "sum": numbers.value,
        "nadir": numbers.nadir,
        "pct_baseline": written_percent(numbers.percent_from_baseline),
        "pct_nadir": written_percent(numbers.percent_from_nadir),
        "target": str(verdict.target_response),
        "non_target": None if verdict.non_target_response is None else str(verdict.non_target_response),
        "overall": str(verdict.overall_response),
        "rule": verdict.clause.rule_id,
    }


def written_percent(change: PercentChange | None) -> Any:
    """Return a relative change as the vectors write it: percent, "inf", or null."""
    if change is None:
        return None
    return "inf" if change.fraction is None else change.fraction * 100
