"""All that is followed of a patient, put together for the patient page: one read, no change."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from studies.models import (
    Lesion,
    LesionObservation,
    LesionState,
    Patient,
    ResponsePlan,
    Series,
    SeriesRegistration,
    Study,
    TherapyLine,
    Timepoint,
)
from studies.selectors.tracking import lesions_of, segmented_studies_of, therapy_of
from studies.services.followed_record import find_baseline, read_plan, read_timepoints
from studies.services.lesion_roles import judge_lesions
from studies.services.registrations import explain_registration, find_registration, prior_to_current
from studies.services.volumes import describe_grid
from studies.tracking.criteria.inputs import LesionRole
from studies.tracking.criteria.measurability import MeasurabilityVerdict
from studies.tracking.criteria.verdict import Criterion
from studies.tracking.intervals import Interval, Quantity
from studies.tracking.planes import find_plane
from studies.tracking.timeline import Marked, Presence, Remark, Sighting, audit_lesion

_THERE = (LesionState.MEASURED, LesionState.PRESENT, LesionState.TOO_SMALL)
_PRESENCES = {
    LesionState.ABSENT: Presence.STATED_ABSENT,
    LesionState.MERGED: Presence.STATED_ABSENT,
    LesionState.NOT_EVALUABLE: Presence.NOT_IMAGED,
    LesionState.UNMARKED: Presence.UNMARKED,
}


@dataclass(frozen=True, slots=True)
class FollowedTimepointView:
    """A timepoint with its day from baseline; `day` is None where it takes no part."""

    timepoint: Timepoint
    day: int | None
    is_baseline: bool


@dataclass(frozen=True, slots=True)
class LesionPlace:
    """Where a lesion lies on a date, marked there or led there from the nearest date on which it is."""

    timepoint_id: UUID
    study_id: UUID
    series_id: UUID
    study_date: date | None
    at_mm: tuple[float, float, float]
    is_marked: bool


@dataclass(frozen=True, slots=True)
class FollowedLesionView:
    """A lesion with the part it plays, whether it can be a target, and what a second reader would ask."""

    lesion: Lesion
    role: LesionRole
    measurability: MeasurabilityVerdict | None
    observations: Sequence[LesionObservation]
    remarks: Sequence[Remark]
    remark_timepoint_ids: Sequence[Sequence[UUID]]
    places: Sequence[LesionPlace]


@dataclass(frozen=True, slots=True)
class RegistrationView:
    """How two followed dates that come one after the other lie over each other."""

    prior_series: Series
    current_series: Series
    registration: SeriesRegistration | None
    explanation: str


@dataclass(frozen=True, slots=True)
class TrackingView:
    """The patient's course as followed."""

    patient: Patient
    plan: ResponsePlan
    timepoints: Sequence[FollowedTimepointView]
    lesions: Sequence[FollowedLesionView]
    therapy: Sequence[TherapyLine]
    studies: Sequence[Study]
    registrations: Sequence[RegistrationView]


def view_tracking(patient: Patient) -> TrackingView:
    """Return everything that is followed of a patient."""
    plan, timepoints = read_plan(patient), read_timepoints(patient)
    baseline = find_baseline(plan, timepoints)
    day_zero = baseline.study.study_date if baseline else None
    views = [_view_timepoint(each, baseline, day_zero) for each in timepoints]
    taking_part = [each.timepoint for each in views if each.day is not None]
    lesions = list(lesions_of(patient))
    verdicts = judge_lesions(lesions, baseline, Criterion(plan.criterion))
    return TrackingView(
        patient=patient,
        plan=plan,
        timepoints=views,
        lesions=[_view_lesion(each, baseline, taking_part, verdicts) for each in lesions],
        therapy=list(therapy_of(patient)),
        studies=list(segmented_studies_of(patient)),
        registrations=_view_registrations(taking_part),
    )


def _view_timepoint(timepoint: Timepoint, baseline: Timepoint | None, day_zero: date | None) -> FollowedTimepointView:
    when = timepoint.study.study_date
    takes_part = not timepoint.excluded_reason and day_zero is not None and when is not None and when >= day_zero
    day = (when - day_zero).days if takes_part and when and day_zero else None
    return FollowedTimepointView(timepoint, day, baseline is not None and timepoint.pk == baseline.pk)


def _view_lesion(
    lesion: Lesion,
    baseline: Timepoint | None,
    timepoints: Sequence[Timepoint],
    verdicts: Mapping[UUID, MeasurabilityVerdict],
) -> FollowedLesionView:
    seen = {each.timepoint_id: each for each in lesion.observations.all()}
    at_baseline = seen.get(baseline.pk) if baseline else None
    is_there = at_baseline is not None and at_baseline.state in _THERE
    remarks = audit_lesion([_sight(each, timepoints[0], seen.get(each.pk)) for each in timepoints])
    return FollowedLesionView(
        lesion=lesion,
        role=LesionRole(lesion.role) if is_there else LesionRole.NEW,
        measurability=verdicts.get(lesion.pk),
        observations=list(seen.values()),
        remarks=remarks,
        remark_timepoint_ids=[[timepoints[place].pk for place in each.dates] for each in remarks],
        places=_find_places(timepoints, seen),
    )


def _find_places(timepoints: Sequence[Timepoint], seen: Mapping[UUID, LesionObservation]) -> list[LesionPlace]:
    """Return where a lesion is to be looked for on each date; dates to which no registration leads are left out."""
    marked = {
        place: _centre(seen[each.pk])
        for place, each in enumerate(timepoints)
        if each.pk in seen and seen[each.pk].measurements
    }
    places = []
    for place, timepoint in enumerate(timepoints):
        nearest = min(marked, key=lambda other: (abs(other - place), other), default=None)
        at = None if nearest is None else _lead(timepoints[nearest], timepoint, marked[nearest])
        if at is not None:
            study, series_id = timepoint.study, timepoint.segmentation.series_id
            places.append(
                LesionPlace(timepoint.pk, study.pk, series_id, study.study_date, at, is_marked=place in marked)
            )
    return places


def _centre(seen: LesionObservation) -> tuple[float, float, float]:
    largest = max(seen.measurements, key=lambda each: float(each["volume"]["value"]))
    x, y, z = largest["centroid_mm"]
    return (x, y, z)


def _lead(source: Timepoint, target: Timepoint, at: tuple[float, float, float]) -> tuple[float, float, float] | None:
    """Return a place of one date on another; None where no registration leads there."""
    if source.pk == target.pk:
        return at
    registration = find_registration(source.segmentation.series, target.segmentation.series)
    if registration is None or not registration.is_trusted:
        return None
    x, y, z, _ = (float(value) for value in prior_to_current(registration) @ (*at, 1.0))
    return (x, y, z)


def _sight(timepoint: Timepoint, first: Timepoint, seen: LesionObservation | None) -> Sighting:
    day = _days_between(first, timepoint)
    if seen is None:
        return Sighting(day, Presence.UNMARKED)
    if seen.state in _PRESENCES:
        return Sighting(day, _PRESENCES[LesionState(seen.state)])
    if not seen.measurements:
        return Sighting(day, Presence.NOT_IMAGED)  # seen and not measured: no number to compare
    largest = max(seen.measurements, key=lambda each: float(each["volume"]["value"]))
    plane = find_plane(describe_grid(timepoint.segmentation.series))
    return Sighting(
        day,
        Presence.MARKED,
        Marked(plane, _quantity(largest["longest_diameter"]), _quantity(largest["volume"])),
    )


def _quantity(plain: Mapping[str, Any]) -> Quantity:
    interval, limit = plain["interval"], plain["limit"]
    return Quantity(
        plain["value"],
        plain["unit"],
        Interval(interval["low"], interval["high"]),
        Interval(limit["low"], limit["high"]),
    )


def _days_between(first: Timepoint, other: Timepoint) -> int:
    one, two = first.study.study_date, other.study.study_date
    return (two - one).days if one and two else 0


def _view_registrations(timepoints: Sequence[Timepoint]) -> list[RegistrationView]:
    views = []
    for before, after in itertools.pairwise(timepoints):
        prior, current = before.segmentation.series, after.segmentation.series
        found = find_registration(prior, current)
        views.append(RegistrationView(prior, current, found, explain_registration(found) if found else ""))
    return views
