"""Series and instances a person may see."""

from __future__ import annotations

from uuid import UUID

from studies.errors import NotFoundError
from studies.models import Instance, Series, User
from studies.permissions import NOT_VISIBLE_MESSAGE, visible_patients


def get_series_for(user: User, series_id: UUID) -> Series:
    """Return a series with its study and patient; `NotFoundError` when it is not there or not to be seen."""
    series = (
        Series.objects.select_related("study__patient")
        .filter(pk=series_id, study__patient__in=visible_patients(user))
        .first()
    )
    if series is None:
        raise NotFoundError(NOT_VISIBLE_MESSAGE)
    return series


def get_instance_for(user: User, instance_id: UUID) -> Instance:
    """Return an instance with its series, study and patient; `NotFoundError` as for a series."""
    instance = (
        Instance.objects.select_related("series__study__patient", "blob")
        .filter(pk=instance_id, series__study__patient__in=visible_patients(user))
        .first()
    )
    if instance is None:
        raise NotFoundError(NOT_VISIBLE_MESSAGE)
    return instance
