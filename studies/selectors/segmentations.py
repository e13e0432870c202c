"""Segmentations and revisions a person may see."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Prefetch, QuerySet

from studies.errors import NotFoundError
from studies.models import Segmentation, SegmentationRevision, Series, User
from studies.permissions import NOT_VISIBLE_MESSAGE, visible_patients


def revisions_with_segments() -> QuerySet[SegmentationRevision]:
    """Return revisions ready to be shown: their author and their segments are read with them."""
    return SegmentationRevision.objects.select_related("created_by").prefetch_related("segments")


def segmentations_of(series: Series) -> QuerySet[Segmentation]:
    """Return the segmentations of a series, newest first, with their revisions and segments."""
    return (
        Segmentation.objects.filter(series=series)
        .select_related("created_by", "accepted_by")
        .prefetch_related(Prefetch("revisions", queryset=revisions_with_segments()))
    )


def get_segmentation_for(user: User, segmentation_id: UUID) -> Segmentation:
    """Return a segmentation with its series, study and patient; `NotFoundError` when not there or not to be seen."""
    segmentation = (
        Segmentation.objects.select_related("series__study__patient", "created_by", "accepted_by")
        .prefetch_related(Prefetch("revisions", queryset=revisions_with_segments()))
        .filter(pk=segmentation_id, series__study__patient__in=visible_patients(user))
        .first()
    )
    if segmentation is None:
        raise NotFoundError(NOT_VISIBLE_MESSAGE)
    return segmentation


def get_revision_for(user: User, revision_id: UUID) -> SegmentationRevision:
    """Return a revision with its segmentation, series, study and patient; `NotFoundError` as above."""
    revision = (
        revisions_with_segments()
        .select_related("segmentation__series__study__patient", "blob")
        .filter(pk=revision_id, segmentation__series__study__patient__in=visible_patients(user))
        .first()
    )
    if revision is None:
        raise NotFoundError(NOT_VISIBLE_MESSAGE)
    return revision
