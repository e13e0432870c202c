"""Timepoints, lesions and therapy a person may see."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.db.models import Model, Prefetch, QuerySet

from studies.errors import NotFoundError
from studies.models import (
    Lesion,
    LesionObservation,
    Patient,
    Segmentation,
    Series,
    Study,
    TherapyLine,
    Timepoint,
    User,
)
from studies.permissions import NOT_VISIBLE_MESSAGE, visible_patients

Row = TypeVar("Row", bound=Model)


def get_timepoint_for(user: User, timepoint_id: UUID) -> Timepoint:
    """Return a timepoint with its study and patient; `NotFoundError` when it is not there or not to be seen."""
    rows = Timepoint.objects.select_related("study__patient", "segmentation__series", "revision")
    return _only(rows.filter(study__patient__in=visible_patients(user)), timepoint_id)


def get_lesion_for(user: User, lesion_id: UUID) -> Lesion:
    """Return a lesion with its patient; `NotFoundError` as above."""
    return _only(Lesion.objects.select_related("patient").filter(patient__in=visible_patients(user)), lesion_id)


def get_observation_for(user: User, observation_id: UUID) -> LesionObservation:
    """Return an observation with its lesion and timepoint; `NotFoundError` as above."""
    rows = LesionObservation.objects.select_related("lesion__patient", "timepoint__study")
    return _only(rows.filter(lesion__patient__in=visible_patients(user)), observation_id)


def get_therapy_for(user: User, therapy_id: UUID) -> TherapyLine:
    """Return a treatment with its patient; `NotFoundError` as above."""
    rows = TherapyLine.objects.select_related("patient").filter(patient__in=visible_patients(user))
    return _only(rows, therapy_id)


def lesions_of(patient: Patient) -> QuerySet[Lesion]:
    """Return a patient's lesions by number, dismissed ones too, with what was seen of each by date."""
    seen = LesionObservation.objects.select_related("confirmed_by", "merged_into", "timepoint").order_by(
        "timepoint__study__study_date"
    )
    return Lesion.objects.filter(patient=patient).prefetch_related(Prefetch("observations", queryset=seen))


def segmented_studies_of(patient: Patient) -> QuerySet[Study]:
    """Return a patient's studies by date with their series and segmentations, newest segmentation first."""
    segmentations = Segmentation.objects.order_by("-created_at").prefetch_related("revisions")
    series = Series.objects.order_by("series_number", "id").prefetch_related(
        Prefetch("segmentations", queryset=segmentations)
    )
    return (
        Study.objects.filter(patient=patient)
        .order_by("sort_date", "study_time", "id")
        .prefetch_related(Prefetch("series", queryset=series))
    )


def therapy_of(patient: Patient) -> QuerySet[TherapyLine]:
    """Return a patient's treatments by their start."""
    return TherapyLine.objects.filter(patient=patient)


def _only(rows: QuerySet[Row], key: UUID) -> Row:
    found = rows.filter(pk=key).first()
    if found is None:
        raise NotFoundError(NOT_VISIBLE_MESSAGE)
    return found
