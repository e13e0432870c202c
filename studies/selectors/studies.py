"""Studies a person may see."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Case, Count, IntegerField, OuterRef, Prefetch, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from studies.errors import NotFoundError
from studies.models import GeometryVerdict, Patient, Segmentation, Series, Study, User
from studies.permissions import NOT_VISIBLE_MESSAGE, visible_patients


def with_briefs(studies: QuerySet[Study]) -> QuerySet[Study]:
    """Add `segmentation_count` and `first_series_id`: a volume before other images, images before other objects."""
    counts = (
        Segmentation.objects.filter(series__study=OuterRef("pk"))
        .order_by()
        .values("series__study")
        .annotate(count=Count("pk"))
        .values("count")
    )
    preference = Case(
        When(geometry_verdict=GeometryVerdict.REGULAR, then=Value(0)),
        When(geometry_verdict=GeometryVerdict.NOT_IMAGES, then=Value(2)),
        default=Value(1),
        output_field=IntegerField(),
    )
    first = Series.objects.filter(study=OuterRef("pk")).order_by(preference, "series_number", "id")
    return studies.annotate(
        segmentation_count=Coalesce(Subquery(counts), 0), first_series_id=Subquery(first.values("pk")[:1])
    )


def visible_studies(user: User) -> QuerySet[Study]:
    """Return the studies of the patients the person sees."""
    return Study.objects.filter(patient__in=visible_patients(user))


def studies_of(patient: Patient) -> QuerySet[Study]:
    """Return a patient's studies, newest first, ready to be listed."""
    return with_briefs(Study.objects.filter(patient=patient))


def get_study_for(user: User, study_id: UUID) -> Study:
    """Return a study with its patient and series; `NotFoundError` when it is not there or not to be seen."""
    studies = with_briefs(visible_studies(user)).select_related("patient")
    study = studies.prefetch_related(Prefetch("series", queryset=Series.objects.order_by("series_number", "id")))
    found = study.filter(pk=study_id).first()
    if found is None:
        raise NotFoundError(NOT_VISIBLE_MESSAGE)
    return found
