"""How to get from the series on which lesions were last seen to the one they are looked for on."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import hypot
from uuid import UUID

import numpy as np
import numpy.typing as npt

from studies.models import RegistrationState, Series
from studies.services.registrations import prior_to_current, request_registration
from studies.tracking.matching import REGISTRATION_SD_MM

DOUBTFUL_SD_MM = 12.0
"""Where lesions are expected when no registration is trusted."""


@dataclass(frozen=True, slots=True)
class Way:
    """The way from an earlier series to the one that is matched.

    Attributes
    ----------
    matrix_mm
        4x4, patient LPS mm to patient LPS mm.
    spread_mm
        Where lesions are expected after it, one standard deviation.
    digest
        Names the registrations it rests on, in the state in which they were read.
    """

    matrix_mm: npt.NDArray[np.float64]
    spread_mm: float
    is_trusted: bool
    digest: str


def find_ways(dates: Sequence[Series], priors: Sequence[Series], current: Series) -> dict[UUID, Way] | None:
    """Return the way from each prior series to the current one; None while a registration is still to be computed.

    Where the direct one is not trusted, the way over the dates in between is taken if every step of it is: a body that
    changed too much over a year is often recognised month by month.

    Parameters
    ----------
    dates
        The series of all followed dates in their order; the priors and the current one are among them.
    """
    found = {prior.pk: _find_way(dates, prior, current) for prior in priors}
    complete = {key: way for key, way in found.items() if way is not None}
    return complete if len(complete) == len(found) else None


def _find_way(dates: Sequence[Series], prior: Series, current: Series) -> Way | None:
    direct = _read_way(prior, current)
    if direct is None or direct.is_trusted:
        return direct
    steps = _steps_between(dates, prior, current)
    if len(steps) < 2:
        return direct
    ways = [_read_way(one, other) for one, other in steps]
    known = [way for way in ways if way is not None]
    if len(known) < len(ways):
        return None
    return reduce(_join, known) if all(way.is_trusted for way in known) else direct


def _steps_between(dates: Sequence[Series], prior: Series, current: Series) -> list[tuple[Series, Series]]:
    order = [each.pk for each in dates]
    start, end = order.index(prior.pk), order.index(current.pk)
    between = dates[start : end + 1] if start < end else dates[end : start + 1][::-1]
    return list(itertools.pairwise(between))


def _join(first: Way, second: Way) -> Way:
    return Way(
        second.matrix_mm @ first.matrix_mm,
        hypot(first.spread_mm, second.spread_mm),
        first.is_trusted and second.is_trusted,
        f"{first.digest}+{second.digest}",
    )


def _read_way(prior: Series, current: Series) -> Way | None:
    registration = request_registration(prior, current)
    if registration.state == RegistrationState.PENDING:
        return None
    is_trusted = registration.is_trusted
    return Way(
        prior_to_current(registration),
        max(REGISTRATION_SD_MM, registration.residual_mm or 0.0) if is_trusted else DOUBTFUL_SD_MM,
        is_trusted,
        f"{registration.pk}:{registration.nudge_mm}:{registration.state}",
    )
