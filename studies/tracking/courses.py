"""From a followed patient to the course that each criterion judges.

What a criterion needs and nobody recorded stays missing there: a lesion that is not marked is not evaluable and never
0 mm, a new lesion that no person confirmed is equivocal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from studies.tracking.criteria import mrano, mrecist_hcc, rano_2_0, rano_bm, rano_hgg, rano_lgg
from studies.tracking.criteria.brain_inputs import BrainCourse, BrainTimepoint, MeasurementMode, TumourComponent
from studies.tracking.criteria.configuration import CriteriaConfiguration, change_configuration
from studies.tracking.criteria.errors import CriteriaInputError
from studies.tracking.criteria.exact import total
from studies.tracking.criteria.inputs import (
    Certainty,
    DiameterCourse,
    LesionKind,
    LesionRole,
    NewLesion,
    NonTargetObservation,
    NonTargetState,
    TargetLesion,
    TargetObservation,
    TargetState,
    Timepoint,
)
from studies.tracking.criteria.irecist import assess_irecist
from studies.tracking.criteria.lugano_ct import assess_lugano_ct
from studies.tracking.criteria.lugano_pet import LymphomaUptake, assess_deauville_course
from studies.tracking.criteria.lymphoma_inputs import LymphomaTimepoint, NodeDiameters
from studies.tracking.criteria.mrano import assess_mrano
from studies.tracking.criteria.mrecist_hcc import assess_mrecist_hcc
from studies.tracking.criteria.percist import PetTimepoint, assess_percist
from studies.tracking.criteria.rano_2_0 import assess_rano_2_0
from studies.tracking.criteria.rano_bm import assess_rano_bm
from studies.tracking.criteria.rano_hgg import assess_rano_hgg
from studies.tracking.criteria.rano_lgg import assess_rano_lgg
from studies.tracking.criteria.rano_mixed import assess_rano_mixed
from studies.tracking.criteria.recist import assess_recist
from studies.tracking.criteria.verdict import CourseVerdict, Criterion
from studies.tracking.criteria.volumetric import VolumeTimepoint, assess_volumes
from studies.tracking.followed import (
    NOT_SEEN,
    SEEN,
    FollowedLesion,
    FollowedObservation,
    FollowedPatient,
    FollowedState,
    FollowedTimepoint,
)

_TARGET_STATES = {
    FollowedState.TOO_SMALL: TargetState.TOO_SMALL_TO_MEASURE,
    FollowedState.ABSENT: TargetState.ABSENT,
    FollowedState.MERGED: TargetState.MERGED,
}
_REASONS = {
    FollowedState.UNMARKED: "not marked, and nobody said that it is gone",
    FollowedState.PRESENT: "seen and not measured",
    FollowedState.NOT_EVALUABLE: "not evaluable",
}
_PART_WORDS = {TumourComponent.ENHANCING: "enhancing", TumourComponent.NON_ENHANCING: "non-enhancing"}
_NON_TARGET_STATES = {
    FollowedState.ABSENT: NonTargetState.ABSENT,
    FollowedState.NOT_EVALUABLE: NonTargetState.NOT_EVALUABLE,
    FollowedState.UNMARKED: NonTargetState.NOT_EVALUABLE,
}


def to_diameter_course(patient: FollowedPatient) -> DiameterCourse:
    """Return the course for RECIST 1.1, iRECIST, mRECIST and RANO-BM."""
    targets = patient.in_role(LesionRole.TARGET)
    return DiameterCourse(
        targets=tuple(TargetLesion(lesion.name, lesion.organ, lesion.kind) for lesion in targets),
        timepoints=tuple(_diameter_timepoint(patient, timepoint, targets) for timepoint in patient.timepoints),
        new_therapy_day=patient.new_therapy_day,
    )


def to_brain_course(
    patient: FollowedPatient,
    *,
    mode: MeasurementMode = MeasurementMode.PRODUCTS_2D,
    component: TumourComponent = TumourComponent.ENHANCING,
    targets: tuple[FollowedLesion, ...] | None = None,
) -> BrainCourse:
    """Return the course for RANO; a target without a value leaves the scan not evaluable (RN.NE).

    Without ``targets`` all of the patient's count.
    """
    counted = patient.in_role(LesionRole.TARGET) if targets is None else targets
    return BrainCourse(
        timepoints=tuple(_brain_timepoint(patient, timepoint, counted) for timepoint in patient.timepoints),
        mode=mode,
        component=component,
        radiotherapy_end_day=patient.radiotherapy_end_day,
        new_therapy_day=patient.new_therapy_day,
    )


def to_volumes(patient: FollowedPatient) -> tuple[VolumeTimepoint, ...]:
    """Return the summed volume of all lesions of the baseline at each timepoint."""
    followed = [lesion for lesion in patient.lesions if patient.role_of(lesion) is not LesionRole.NEW]
    return tuple(
        VolumeTimepoint(timepoint.day, _sum([_volume_ml(timepoint.observation_of(lesion.name)) for lesion in followed]))
        for timepoint in patient.timepoints
    )


def to_lymphoma(patient: FollowedPatient) -> tuple[LymphomaTimepoint, ...]:
    """Return the targets' diameters for Lugano on CT; gone is 0 x 0 mm, too small 5 x 5 mm."""
    targets = patient.in_role(LesionRole.TARGET)
    return tuple(
        LymphomaTimepoint(
            days_from_baseline=timepoint.day,
            nodes=tuple(_node(timepoint.observation_of(lesion.name)) for lesion in targets),
            new_lesion_ids=_unequivocal(patient, timepoint),
        )
        for timepoint in patient.timepoints
    )


def to_pet(patient: FollowedPatient) -> tuple[PetTimepoint, ...]:
    """Return the SULpeak of every lesion that has one, and the reference tissues that were recorded."""
    return tuple(
        PetTimepoint(
            days_from_baseline=timepoint.day,
            sul_peaks=tuple(
                part.sul_peak for seen in timepoint.observations for part in seen.parts if part.sul_peak is not None
            ),
            total_lesion_glycolysis=_sum(
                [part.total_glycolysis for seen in timepoint.observations for part in seen.parts]
            ),
            are_all_resolved=bool(timepoint.observations)
            and all(seen.state is FollowedState.ABSENT for seen in timepoint.observations),
            new_lesion_ids=_unequivocal(patient, timepoint),
            liver_mean=timepoint.liver_mean,
            liver_sd=timepoint.liver_sd,
            blood_mean=timepoint.blood_mean,
            blood_sd=timepoint.blood_sd,
        )
        for timepoint in patient.timepoints
    )


def to_deauville(patient: FollowedPatient) -> tuple[tuple[int, LymphomaUptake], ...]:
    """Return the Deauville score that was recorded on each day, with the trend of the uptake."""
    return tuple(
        (
            timepoint.day,
            LymphomaUptake(
                uptake=None,
                mediastinum=None,
                liver=None,
                trend=timepoint.uptake_trend,
                has_new_lesion=bool(_unequivocal(patient, timepoint)),
                stated_score=timepoint.deauville_score,
            ),
        )
        for timepoint in patient.timepoints
    )


def _brain_course_of_part(patient: FollowedPatient, part: TumourComponent) -> BrainCourse:
    """Return the course of a criterion that measures one part of a glioma; refuse targets said to be the other part.

    Where nobody said a word, all targets are taken to be the part that the criterion measures.
    """
    others = [t.name for t in patient.in_role(LesionRole.TARGET) if t.component not in (None, part)]
    if others:
        raise CriteriaInputError(
            f"Unknown, because this criterion measures the {_PART_WORDS[part]} tumour and {', '.join(others)} was said "
            f"to be of the other part. Choose {_PART_WORDS[part]} targets, or RANO 2.0, mixed."
        )
    return to_brain_course(patient, component=part)


def _assess_rano_2_0(patient: FollowedPatient, configuration: CriteriaConfiguration) -> CourseVerdict:
    """Judge the part of the tumour that all targets were said to be: enhancing unless all are non-enhancing."""
    parts = {lesion.component for lesion in patient.in_role(LesionRole.TARGET)}
    part = TumourComponent.NON_ENHANCING if parts == {TumourComponent.NON_ENHANCING} else TumourComponent.ENHANCING
    return assess_rano_2_0(_brain_course_of_part(patient, part), configuration)


def _assess_mixed(patient: FollowedPatient, configuration: CriteriaConfiguration) -> CourseVerdict:
    """Judge a glioma of two components, each alone, and join them (RN.MIXED)."""
    targets = patient.in_role(LesionRole.TARGET)
    unsaid = [lesion.name for lesion in targets if lesion.component is None]
    if unsaid:
        raise CriteriaInputError(
            f"Unknown, because nobody said which part of the tumour {', '.join(unsaid)} is. Say of each target whether "
            "it is enhancing or non-enhancing."
        )
    enhancing, non_enhancing = (_judge_component(patient, each, configuration) for each in TumourComponent)
    return assess_rano_mixed(enhancing, non_enhancing, configuration)


def _judge_component(
    patient: FollowedPatient, component: TumourComponent, configuration: CriteriaConfiguration
) -> CourseVerdict:
    targets = tuple(lesion for lesion in patient.in_role(LesionRole.TARGET) if lesion.component is component)
    if not targets:
        raise CriteriaInputError(
            f"Unknown, because there is no {_PART_WORDS[component]} target: this is no mixed tumour. "
            "Choose one, or RANO 2.0."
        )
    return assess_rano_2_0(to_brain_course(patient, component=component, targets=targets), configuration)


DEFAULTS = CriteriaConfiguration()


@dataclass(frozen=True, slots=True)
class _Judge:
    """How one criterion judges a followed patient, and the values it has unless others are stated."""

    judge: Callable[[FollowedPatient, CriteriaConfiguration], CourseVerdict]
    defaults: CriteriaConfiguration = DEFAULTS


_JUDGES: Mapping[Criterion, _Judge] = {
    Criterion.RECIST_1_1: _Judge(lambda p, v: assess_recist(to_diameter_course(p), v)),
    Criterion.IRECIST: _Judge(lambda p, v: assess_irecist(to_diameter_course(p), v)),
    Criterion.MRECIST_HCC: _Judge(lambda p, v: assess_mrecist_hcc(to_diameter_course(p), v), mrecist_hcc.DEFAULTS),
    Criterion.RANO_2_0: _Judge(_assess_rano_2_0, rano_2_0.DEFAULTS),
    Criterion.MRANO: _Judge(
        lambda p, v: assess_mrano(_brain_course_of_part(p, TumourComponent.ENHANCING), v), mrano.DEFAULTS
    ),
    Criterion.RANO_HGG: _Judge(
        lambda p, v: assess_rano_hgg(_brain_course_of_part(p, TumourComponent.ENHANCING), v), rano_hgg.DEFAULTS
    ),
    Criterion.RANO_LGG: _Judge(
        lambda p, v: assess_rano_lgg(_brain_course_of_part(p, TumourComponent.NON_ENHANCING), v),
        rano_lgg.DEFAULTS,
    ),
    Criterion.RANO_MIXED: _Judge(_assess_mixed, rano_2_0.DEFAULTS),
    Criterion.RANO_BM: _Judge(lambda p, v: assess_rano_bm(to_diameter_course(p), v), rano_bm.DEFAULTS),
    Criterion.LUGANO_CT: _Judge(lambda p, v: assess_lugano_ct(to_lymphoma(p), v)),
    Criterion.LUGANO_PET: _Judge(lambda p, v: assess_deauville_course(to_deauville(p), v)),
    Criterion.PERCIST: _Judge(lambda p, _: assess_percist(to_pet(p))),
    Criterion.VOLUMETRIC: _Judge(lambda p, _: assess_volumes(to_volumes(p))),
}
COMPUTABLE = tuple(_JUDGES)
"""What can be computed from lesions that are followed and from what a reader recorded beside them."""


def configure(criterion: Criterion, changes: Mapping[str, Any] | None = None) -> CriteriaConfiguration:
    """Return a criterion's configuration: its own values, with what is stated changed."""
    return change_configuration(_JUDGES[criterion].defaults, changes or {})


def assess(
    patient: FollowedPatient, criterion: Criterion, configuration: CriteriaConfiguration | None = None
) -> CourseVerdict:
    """Judge a followed patient by one criterion; without a configuration by its own values.

    Raises
    ------
    CriteriaInputError
        Where what was recorded cannot be judged; the message says what to record.
    """
    judge = _JUDGES[criterion]
    return judge.judge(patient, configuration or judge.defaults)


def _diameter_timepoint(
    patient: FollowedPatient, timepoint: FollowedTimepoint, targets: tuple[FollowedLesion, ...]
) -> Timepoint:
    return Timepoint(
        days_from_baseline=timepoint.day,
        targets=tuple(_target(lesion, timepoint.observation_of(lesion.name)) for lesion in targets),
        non_targets=tuple(
            _non_target(lesion, timepoint.observation_of(lesion.name))
            for lesion in patient.in_role(LesionRole.NON_TARGET)
        ),
        new_lesions=_new_lesions(patient, timepoint),
        is_tumour_marker_elevated=timepoint.is_tumour_marker_elevated,
        clinical_status=timepoint.clinical_status,
        steroid=timepoint.steroid,
    )


def _brain_timepoint(
    patient: FollowedPatient, timepoint: FollowedTimepoint, targets: tuple[FollowedLesion, ...]
) -> BrainTimepoint:
    seen = [timepoint.observation_of(lesion.name) for lesion in targets]
    products = [_product_mm2(each) for each in seen]
    known = [product for product in products if product is not None]
    return BrainTimepoint(
        days_from_baseline=timepoint.day,
        products_mm2=tuple(known) if len(known) == len(products) else None,
        volume_ml=_sum([_volume_ml(each) for each in seen]),
        new_lesions=_new_lesions(patient, timepoint),
        non_measurable=timepoint.non_measurable,
        flair=timepoint.flair,
        clinical_status=timepoint.clinical_status,
        steroid=timepoint.steroid,
    )


def _target(lesion: FollowedLesion, seen: FollowedObservation) -> TargetObservation:
    if seen.state in _TARGET_STATES:
        return TargetObservation(lesion.name, _TARGET_STATES[seen.state])
    if seen.state in NOT_SEEN:
        return TargetObservation(lesion.name, TargetState.NOT_EVALUABLE, reason=_REASONS[seen.state])
    is_node = lesion.kind is LesionKind.NODE
    diameters = tuple(part.perpendicular_diameter_mm if is_node else part.longest_diameter_mm for part in seen.parts)
    if len(diameters) > 1:
        return TargetObservation(lesion.name, fragment_diameters_mm=diameters)
    if is_node:
        return TargetObservation(lesion.name, short_axis_mm=diameters[0])
    return TargetObservation(lesion.name, longest_diameter_mm=diameters[0])


def _non_target(lesion: FollowedLesion, seen: FollowedObservation) -> NonTargetObservation:
    if seen.is_unequivocal_progression:
        return NonTargetObservation(lesion.name, NonTargetState.UNEQUIVOCAL_PROGRESSION)
    short = max((part.perpendicular_diameter_mm for part in seen.parts), default=None)
    return NonTargetObservation(
        lesion.name,
        _NON_TARGET_STATES.get(seen.state, NonTargetState.PRESENT),
        short if lesion.kind is LesionKind.NODE else None,
    )


def _new_lesions(patient: FollowedPatient, timepoint: FollowedTimepoint) -> tuple[NewLesion, ...]:
    if timepoint is patient.baseline:
        return ()
    return tuple(
        NewLesion(
            lesion_id=lesion.name,
            certainty=lesion.certainty,
            kind=lesion.kind,
            diameter_mm=_new_diameter(lesion, timepoint.observation_of(lesion.name)),
            is_growing=lesion.is_growing,
        )
        for lesion in patient.in_role(LesionRole.NEW)
        if timepoint.observation_of(lesion.name).state in SEEN
    )


def _new_diameter(lesion: FollowedLesion, seen: FollowedObservation) -> Decimal | None:
    if lesion.kind is LesionKind.NODE:
        return max((part.perpendicular_diameter_mm for part in seen.parts), default=None)
    return total(part.longest_diameter_mm for part in seen.parts) if seen.parts else None


def _unequivocal(patient: FollowedPatient, timepoint: FollowedTimepoint) -> tuple[str, ...]:
    return tuple(new.lesion_id for new in _new_lesions(patient, timepoint) if new.certainty is Certainty.UNEQUIVOCAL)


def _product_mm2(seen: FollowedObservation) -> Decimal | None:
    if seen.state in (FollowedState.ABSENT, FollowedState.MERGED):
        return Decimal(0)
    return total(part.product_mm2 for part in seen.parts) if seen.parts else None


def _volume_ml(seen: FollowedObservation) -> Decimal | None:
    if seen.state in (FollowedState.ABSENT, FollowedState.MERGED):
        return Decimal(0)
    return total(part.volume_ml for part in seen.parts) if seen.parts else None


def _node(seen: FollowedObservation) -> NodeDiameters:
    fixed = {FollowedState.ABSENT: Decimal(0), FollowedState.MERGED: Decimal(0), FollowedState.TOO_SMALL: Decimal(5)}
    if seen.state in fixed:
        return NodeDiameters(seen.lesion, fixed[seen.state], fixed[seen.state])
    if not seen.parts:
        return NodeDiameters(seen.lesion, None, None)
    largest = max(seen.parts, key=lambda part: part.product_mm2)
    return NodeDiameters(seen.lesion, largest.longest_diameter_mm, largest.perpendicular_diameter_mm)


def _sum(values: list[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return total(known) if known and len(known) == len(values) else None
