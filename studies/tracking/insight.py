"""What stands behind a verdict: how sure it is, what would change it, and how each lesion changed.

A pure function of what is followed, the criterion and its configuration. Where something cannot be known there is a
sentence that says why, and no number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from studies.tracking.burden import LesionSize, MixedResponse, WholeBurden, find_mixed_response, measure_burden
from studies.tracking.change import NODES_IN_SUM, Change, find_change, quantity_of_sum
from studies.tracking.comparison import Comparison, compare_verdicts
from studies.tracking.courses import assess, configure, to_brain_course, to_diameter_course
from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.errors import CriteriaInputError
from studies.tracking.criteria.inputs import LesionKind, LesionRole
from studies.tracking.criteria.irecist import assess_irecist
from studies.tracking.criteria.mrano import assess_mrano
from studies.tracking.criteria.mrecist_hcc import assess_mrecist_hcc
from studies.tracking.criteria.rano_2_0 import assess_rano_2_0
from studies.tracking.criteria.rano_bm import assess_rano_bm
from studies.tracking.criteria.verdict import Criterion
from studies.tracking.flip_margin import FlipMargin, find_flip_margins
from studies.tracking.followed import (
    SEEN,
    FollowedLesion,
    FollowedObservation,
    FollowedPart,
    FollowedPatient,
    FollowedState,
    FollowedTimepoint,
)
from studies.tracking.growth import DatedMeasure, Growth, find_growth
from studies.tracking.measurement_error import Measured, add_up
from studies.tracking.repeatability import Quantity
from studies.tracking.response_probability import (
    SEED,
    ErrorSettings,
    ResponseProbability,
    brain_probability,
    diameter_probability,
    recist_probability,
)
from studies.tracking.selection import SelectionCount, judge_selections

_DIAMETERS = {
    Criterion.IRECIST: assess_irecist,
    Criterion.MRECIST_HCC: assess_mrecist_hcc,
    Criterion.RANO_BM: assess_rano_bm,
}
_BRAIN = {Criterion.RANO_2_0: assess_rano_2_0, Criterion.MRANO: assess_mrano}
_SIDE_BY_SIDE = (
    Criterion.RECIST_1_1,
    Criterion.IRECIST,
    Criterion.MRECIST_HCC,
    Criterion.RANO_BM,
    Criterion.RANO_2_0,
    Criterion.VOLUMETRIC,
)
_GONE = (FollowedState.ABSENT, FollowedState.MERGED)


class Reference(StrEnum):
    """What a value is compared with."""

    BASELINE = "baseline"
    PREVIOUS = "previous"
    NADIR = "nadir"


@dataclass(frozen=True, slots=True)
class LesionChange:
    """How one lesion changed between two days; diameters of nodes are their short axes."""

    lesion: str
    reference: Reference
    from_day: int
    to_day: int
    diameter: Change
    volume: Change


@dataclass(frozen=True, slots=True)
class SumChange:
    """How the sum of the targets changed up to the latest timepoint."""

    reference: Reference
    from_day: int
    to_day: int
    change: Change


@dataclass(frozen=True, slots=True)
class LesionGrowth:
    """How fast one lesion grows over all dates on which it was measured, by volume."""

    lesion: str
    growth: Growth


@dataclass(frozen=True, slots=True)
class Insight:
    """What stands behind a verdict; each part that is None or empty has its reason beside it."""

    probability: ResponseProbability
    selection: SelectionCount | None
    selection_unknown: str
    flip_margins: tuple[FlipMargin, ...]
    flip_unknown: str
    lesion_changes: tuple[LesionChange, ...]
    sum_changes: tuple[SumChange, ...]
    growth: tuple[LesionGrowth, ...]
    comparison: Comparison
    burden: tuple[tuple[int, WholeBurden], ...]
    mixed_response: MixedResponse | None


@lru_cache(maxsize=64)
def find_insight(patient: FollowedPatient, criterion: Criterion, configuration: CriteriaConfiguration) -> Insight:
    """Return what stands behind the latest verdict of a criterion.

    Raises
    ------
    CriteriaInputError
        Where there is no verdict.
    """
    assess(patient, criterion, configuration)
    selection, selection_unknown = _judge_choice(patient, criterion, configuration)
    margins, flip_unknown = _find_margins(patient, criterion, configuration)
    return Insight(
        probability=_find_probability(patient, criterion, configuration),
        selection=selection,
        selection_unknown=selection_unknown,
        flip_margins=margins,
        flip_unknown=flip_unknown,
        lesion_changes=tuple(_changes_of_lesions(patient)),
        sum_changes=tuple(_changes_of_sum(patient)),
        growth=tuple(_growth_of_lesions(patient)),
        comparison=_compare(patient),
        burden=tuple((t.day, measure_burden(_sizes_at(patient, t))) for t in patient.timepoints),
        mixed_response=_mixed(patient),
    )


def measured_length(lesion: FollowedLesion, parts: Iterable[FollowedPart]) -> Measured:
    """Return the length a lesion counts with, fragments added up, with the grid's interval."""
    if lesion.kind is LesionKind.NODE:
        return add_up(Measured.of(p.perpendicular_diameter_mm, p.perpendicular_interval_mm) for p in parts)
    return add_up(Measured.of(p.longest_diameter_mm, p.longest_interval_mm) for p in parts)


def measured_volume(parts: Iterable[FollowedPart]) -> Measured:
    """Return a lesion's volume, fragments added up, with the grid's interval."""
    return add_up(Measured.of(part.volume_ml, part.volume_interval_ml) for part in parts)


def _find_probability(
    patient: FollowedPatient, criterion: Criterion, configuration: CriteriaConfiguration
) -> ResponseProbability:
    if len(patient.timepoints) < 2:
        return _no_probability("there is only the baseline.")
    errors = ErrorSettings(grids=_grids(patient))
    if criterion is Criterion.RECIST_1_1:
        return recist_probability(to_diameter_course(patient), configuration, errors=errors)
    if criterion in _DIAMETERS:
        judge = _DIAMETERS[criterion]
        return diameter_probability(to_diameter_course(patient), lambda c: judge(c, configuration), errors=errors)
    if criterion in _BRAIN:
        judge_brain = _BRAIN[criterion]
        return brain_probability(to_brain_course(patient), lambda c: judge_brain(c, configuration))
    return _no_probability(f"no repeatability figure is known for what {criterion} counts.")


def _no_probability(reason: str) -> ResponseProbability:
    return ResponseProbability((), 0, SEED, None, "", f"Unknown, because {reason}")


def _grids(patient: FollowedPatient) -> dict[tuple[str, int], tuple[float, float | None]]:
    grids = {}
    for lesion in patient.in_role(LesionRole.TARGET):
        for timepoint in patient.timepoints:
            parts = timepoint.observation_of(lesion.name).parts
            if parts:
                measured = measured_length(lesion, parts)
                grids[lesion.name, timepoint.day] = (measured.low or 0.0, measured.high)
    return grids


def _judge_choice(
    patient: FollowedPatient, criterion: Criterion, configuration: CriteriaConfiguration
) -> tuple[SelectionCount | None, str]:
    """Return how the verdict depends on which lesions were chosen: every measured one could have been."""
    if criterion is not Criterion.RECIST_1_1:
        return None, "Counted for RECIST 1.1 only: other criteria have no limit of targets per organ."
    chosen = [lesion.name for lesion in patient.in_role(LesionRole.TARGET)]
    everything = replace(
        patient,
        lesions=tuple(
            replace(lesion, role=LesionRole.TARGET)
            if patient.baseline.observation_of(lesion.name).state is FollowedState.MEASURED
            else lesion
            for lesion in patient.lesions
        ),
    )
    try:
        return judge_selections(to_diameter_course(everything), chosen_ids=chosen, configuration=configuration), ""
    except CriteriaInputError as error:
        return None, error.message


def _find_margins(
    patient: FollowedPatient, criterion: Criterion, configuration: CriteriaConfiguration
) -> tuple[tuple[FlipMargin, ...], str]:
    if criterion is not Criterion.RECIST_1_1:
        return (), "Computed for RECIST 1.1 only."
    try:
        return find_flip_margins(to_diameter_course(patient), configuration), ""
    except CriteriaInputError as error:
        return (), error.message


def _changes_of_lesions(patient: FollowedPatient) -> Iterable[LesionChange]:
    for lesion in patient.lesions:
        seen = [(t.day, t.observation_of(lesion.name)) for t in patient.timepoints]
        measured = [(day, each) for day, each in seen if each.parts]
        for place in range(1, len(measured)):
            yield _change(lesion, Reference.PREVIOUS, measured[place - 1], measured[place])
            yield _change(lesion, Reference.BASELINE, measured[0], measured[place])


def _change(
    lesion: FollowedLesion,
    reference: Reference,
    before: tuple[int, FollowedObservation],
    after: tuple[int, FollowedObservation],
) -> LesionChange:
    old, new = before[1].parts, after[1].parts
    size = max((part.longest_diameter_mm for part in old), default=Decimal(0))
    return LesionChange(
        lesion=lesion.name,
        reference=reference,
        from_day=before[0],
        to_day=after[0],
        diameter=find_change(_length_of(lesion), measured_length(lesion, old), measured_length(lesion, new)),
        volume=find_change(Quantity.TUMOUR_VOLUME, measured_volume(old), measured_volume(new), size_mm=size),
    )


def _length_of(lesion: FollowedLesion) -> Quantity:
    return Quantity.SHORT_AXIS if lesion.kind is LesionKind.NODE else Quantity.LONGEST_DIAMETER


def _changes_of_sum(patient: FollowedPatient) -> Iterable[SumChange]:
    """Yield the sum's change from baseline on every date, then of the latest from the smallest and the one before."""
    sums = [(t.day, _sum_at(patient, place)) for place, t in enumerate(patient.timepoints)]
    known = [(day, measured) for day, measured in sums if measured is not None]
    if not known:
        return
    (first_day, first), *later = known
    for day, measured in later:
        yield SumChange(Reference.BASELINE, first_day, day, _change_of_sum(patient, first, measured))
    day, now = sums[-1]
    if now is None or not later:
        return
    earlier = known[:-1]
    nadir = min(earlier, key=lambda each: each[1].value)
    for reference, (from_day, old) in ((Reference.NADIR, nadir), (Reference.PREVIOUS, earlier[-1])):
        yield SumChange(reference, from_day, day, _change_of_sum(patient, old, now))


def find_sum_change(patient: FollowedPatient, place: int) -> Change | None:
    """Return how the sum of the targets changed from baseline to a timepoint; None where one of the sums is missing."""
    old, new = _sum_at(patient, 0), _sum_at(patient, place)
    return None if old is None or new is None else _change_of_sum(patient, old, new)


def _change_of_sum(patient: FollowedPatient, old: Measured, new: Measured) -> Change:
    kinds = [lesion.kind for lesion in patient.in_role(LesionRole.TARGET)]
    nodes = kinds.count(LesionKind.NODE)
    change = find_change(quantity_of_sum(len(kinds), node_count=nodes), old, new)
    return replace(change, basis=f"{change.basis}; {NODES_IN_SUM}") if nodes and change.basis else change


def _sum_at(patient: FollowedPatient, place: int) -> Measured | None:
    """Return the sum of the targets where every one of them has a value there."""
    targets, timepoint = patient.in_role(LesionRole.TARGET), patient.timepoints[place]
    seen = [(lesion, timepoint.observation_of(lesion.name)) for lesion in targets]
    if not seen or any(not each.parts and each.state not in _GONE for _, each in seen):
        return None
    return add_up(measured_length(lesion, each.parts) for lesion, each in seen if each.parts)


def sums_of(patient: FollowedPatient) -> tuple[Measured | None, ...]:
    """Return the sum of the targets' diameters at each timepoint with the grid's interval; None where incomplete."""
    return tuple(_sum_at(patient, place) for place in range(len(patient.timepoints)))


def _growth_of_lesions(patient: FollowedPatient) -> Iterable[LesionGrowth]:
    for lesion in patient.lesions:
        dated = [
            DatedMeasure(t.day, measured_volume(t.observation_of(lesion.name).parts))
            for t in patient.timepoints
            if t.observation_of(lesion.name).parts
        ]
        if len(dated) > 1:
            first = next(p for t in patient.timepoints if (p := t.observation_of(lesion.name).parts))
            size = max(part.longest_diameter_mm for part in first)
            yield LesionGrowth(lesion.name, find_growth(Quantity.TUMOUR_VOLUME, dated, size_mm=size))


def _sizes_at(patient: FollowedPatient, timepoint: FollowedTimepoint) -> list[LesionSize]:
    """Return every lesion but those that are gone; one of which nobody said anything is there without a size."""
    sizes = []
    for lesion in patient.lesions:
        seen = timepoint.observation_of(lesion.name)
        has_begun = any(
            each.day <= timepoint.day and each.observation_of(lesion.name).state in SEEN for each in patient.timepoints
        )
        if not has_begun or seen.state in _GONE:
            continue
        diameter = measured_length(lesion, seen.parts) if seen.parts else None
        sizes.append(
            LesionSize(lesion.name, lesion.organ, diameter, measured_volume(seen.parts) if seen.parts else None)
        )
    return sizes


def _mixed(patient: FollowedPatient) -> MixedResponse | None:
    """Return how far lesions went different ways from baseline to the latest timepoint."""
    if len(patient.timepoints) < 2:
        return None
    first, last = patient.timepoints[0], patient.timepoints[-1]
    return find_mixed_response(_sizes_at(patient, first), _sizes_at(patient, last))


def _compare(patient: FollowedPatient) -> Comparison:
    """Return what other criteria say of the same lesions, each by its own values; without those that cannot judge."""
    verdicts = []
    for criterion in _SIDE_BY_SIDE:
        try:
            verdicts.append(assess(patient, criterion, configure(criterion)))
        except CriteriaInputError:
            continue
    return compare_verdicts(verdicts)
