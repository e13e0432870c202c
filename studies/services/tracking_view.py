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
from studies.services.registrations import explain_registration, find_registrations, prior_to_current
from studies.services.volumes import describe_grid
from studies.tracking.criteria.inputs import LesionRole
from studies.tracking.criteria.measurability import MeasurabilityVerdict
from studies.tracking.criteria.verdict import Criterion
from studies.tracking.intervals import Interval, Quantity
from studies.tracking.planes import ImagePlane, find_plane
from studies.tracking.timeline import Finding, Marked, Presence, Sighting, audit_lesion

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
class RemarkView:
    """What a second reader would ask about, with the timepoints it is about."""

    finding: Finding
    timepoint_ids: Sequence[UUID]
    sentence: str


@dataclass(frozen=True, slots=True)
class FollowedLesionView:
    """A lesion with the part it plays, whether it can be a target, and what a second reader would ask."""

    lesion: Lesion
    role: LesionRole
    measurability: MeasurabilityVerdict | None
    observations: Sequence[LesionObservation]
    remarks: Sequence[RemarkView]
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


class _Dates:
    """The timepoints that take part, with what every lesion asks of them: looked up once for all."""

    def __init__(self, timepoints: Sequence[Timepoint]) -> None:
        self.timepoints = timepoints
        self._planes: dict[UUID, ImagePlane] = {}
        self._ways = find_registrations([each.segmentation.series for each in timepoints])

    def plane_of(self, timepoint: Timepoint) -> ImagePlane:
        """Return the plane of the images of a date on which something was measured."""
        if timepoint.pk not in self._planes:
            self._planes[timepoint.pk] = find_plane(describe_grid(timepoint.segmentation.series))
        return self._planes[timepoint.pk]

    def way(self, source: Timepoint, target: Timepoint) -> SeriesRegistration | None:
        """Return what is known of how one date lies over another."""
        return self._ways.get((source.segmentation.series_id, target.segmentation.series_id))


def view_tracking(patient: Patient) -> TrackingView:
    """Return everything that is followed of a patient."""
    plan, timepoints = read_plan(patient), read_timepoints(patient)
    baseline = find_baseline(plan, timepoints)
    day_zero = baseline.study.study_date if baseline else None
    views = [_view_timepoint(each, baseline, day_zero) for each in timepoints]
    taking_part = [each.timepoint for each in views if each.day is not None]
    lesions = list(lesions_of(patient))
    verdicts = judge_lesions(lesions, baseline, Criterion(plan.criterion))
    dates = _Dates(taking_part)
    return TrackingView(
        patient=patient,
        plan=plan,
        timepoints=views,
        lesions=[_view_lesion(each, baseline, dates, verdicts) for each in lesions],
        therapy=list(therapy_of(patient)),
        studies=list(segmented_studies_of(patient)),
        registrations=_view_registrations(dates),
    )


def _view_timepoint(timepoint: Timepoint, baseline: Timepoint | None, day_zero: date | None) -> FollowedTimepointView:
    when = timepoint.study.study_date
    takes_part = not timepoint.excluded_reason and day_zero is not None and when is not None and when >= day_zero
    day = (when - day_zero).days if takes_part and when and day_zero else None
    return FollowedTimepointView(timepoint, day, baseline is not None and timepoint.pk == baseline.pk)


def _view_lesion(
    lesion: Lesion,
    baseline: Timepoint | None,
    dates: _Dates,
    verdicts: Mapping[UUID, MeasurabilityVerdict],
) -> FollowedLesionView:
    seen = {each.timepoint_id: each for each in lesion.observations.all()}
    at_baseline = seen.get(baseline.pk) if baseline else None
    is_there = at_baseline is not None and at_baseline.state in _THERE
    remarks = audit_lesion([_sight(each, dates, seen.get(each.pk)) for each in dates.timepoints])
    return FollowedLesionView(
        lesion=lesion,
        role=LesionRole(lesion.role) if is_there else LesionRole.NEW,
        measurability=verdicts.get(lesion.pk),
        observations=list(seen.values()),
        remarks=[
            RemarkView(each.finding, [dates.timepoints[place].pk for place in each.dates], each.sentence)
            for each in remarks
        ],
        places=_find_places(dates, seen),
    )


def _find_places(dates: _Dates, seen: Mapping[UUID, LesionObservation]) -> list[LesionPlace]:
    """Return where a lesion is to be looked for on each date; dates to which no registration leads are left out."""
    timepoints = dates.timepoints
    marked = {
        place: _centre(seen[each.pk])
        for place, each in enumerate(timepoints)
        if each.pk in seen and seen[each.pk].measurements
    }
    places = []
    for place, timepoint in enumerate(timepoints):
        nearest = min(marked, key=lambda other: (abs(other - place), other), default=None)
        at = None if nearest is None else _lead(dates, timepoints[nearest], timepoint, marked[nearest])
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


def _lead(
    dates: _Dates, source: Timepoint, target: Timepoint, at: tuple[float, float, float]
) -> tuple[float, float, float] | None:
    """Return a place of one date on another; None where no registration leads there."""
    if source.pk == target.pk:
        return at
    registration = dates.way(source, target)
    if registration is None or not registration.is_trusted:
        return None
    x, y, z, _ = (float(value) for value in prior_to_current(registration) @ (*at, 1.0))
    return (x, y, z)


def _sight(timepoint: Timepoint, dates: _Dates, seen: LesionObservation | None) -> Sighting:
    day = _days_between(dates.timepoints[0], timepoint)
    if seen is None:
        return Sighting(day, Presence.UNMARKED)
    if seen.state in _PRESENCES:
        return Sighting(day, _PRESENCES[LesionState(seen.state)])
    if not seen.measurements:
        return Sighting(day, Presence.NOT_IMAGED)  # seen and not measured: no number to compare
    largest = max(seen.measurements, key=lambda each: float(each["volume"]["value"]))
    return Sighting(
        day,
        Presence.MARKED,
        Marked(dates.plane_of(timepoint), _quantity(largest["longest_diameter"]), _quantity(largest["volume"])),
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


def _view_registrations(dates: _Dates) -> list[RegistrationView]:
    views = []
    for before, after in itertools.pairwise(dates.timepoints):
        prior, current = before.segmentation.series, after.segmentation.series
        found = dates.way(before, after)
        views.append(RegistrationView(prior, current, found, explain_registration(found) if found else ""))
    return views
