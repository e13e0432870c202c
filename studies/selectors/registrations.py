"""Pairs of series a person may lay over each other."""

from __future__ import annotations

from uuid import UUID

from studies.models import Series, User
from studies.selectors.series import get_series_for


def get_series_pair_for(user: User, *, current_id: UUID, prior_id: UUID) -> tuple[Series, Series]:
    """Return the current and the prior series; `NotFoundError` when either is not there or not to be seen."""
    return get_series_for(user, current_id), get_series_for(user, prior_id)
