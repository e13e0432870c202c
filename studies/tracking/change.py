"""Whether a change is real: its size, its 95 % repeatability interval, and how probable true growth is.

The interval is that of the true ratio given the measured one (`measurement_error`), without opinion beforehand: no
change is more likely than another. The probability that growth is real is the share of measurement errors smaller than
the change seen; shrinkage is the rest, since a true change of exactly nothing has no weight on a continuous scale.

Where the literature has no 95 % limit for a quantity there is no interval and no probability, and the reason is given.
A change is shown beside a response category and never alters it (REP.BAND).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import log

from studies.tracking.measurement_error import (
    Measured,
    RatioError,
    UnknownError,
    find_ratio_error,
    ratio_interval,
)
from studies.tracking.repeatability import Quantity, Readers, RepeatabilityLimit


@dataclass(frozen=True, slots=True)
class ChangeInterval:
    """95 % repeatability interval of a change; an upper end is None where nothing bounds it."""

    low: float
    high: float | None
    low_percent: float
    high_percent: float | None

    @property
    def is_growth(self) -> bool:
        """Whether all of it is growth: grown beyond error."""
        return self.low > 0

    @property
    def is_shrinkage(self) -> bool:
        """Whether all of it is shrinkage."""
        return self.high is not None and self.high < 0


@dataclass(frozen=True, slots=True)
class Change:
    """A change between two dates.

    Attributes
    ----------
    absolute
        New less old, in the unit of the quantity.
    percent
        Of the old value; None where that is 0.
    interval, growth_probability, shrinkage_probability
        None where unknown.
    unknown_because
        A sentence where they are unknown, else empty.
    basis
        Where the interval comes from.
    cautions
        What the reader should know besides.
    """

    quantity: Quantity
    old: float
    new: float
    absolute: float
    percent: float | None
    interval: ChangeInterval | None
    growth_probability: float | None
    shrinkage_probability: float | None
    basis: str
    unknown_because: str = ""
    cautions: tuple[str, ...] = ()


NODES_IN_SUM = "a node's short axis, of which no figure is known, is taken to repeat like any lesion of a sum"
"""What is assumed where a sum holds nodes beside other lesions: the literature's limits are of sums of lesions."""


def quantity_of_sum(target_count: int, *, node_count: int = 0) -> Quantity:
    """Return what a sum of diameters is for the literature.

    With one lesion it is a burden of its own; of nodes alone it is made of short axes, of which nothing is known.
    """
    if node_count == target_count > 0:
        return Quantity.SHORT_AXIS
    return Quantity.SINGLE_LESION_BURDEN if target_count == 1 else Quantity.SUM_OF_DIAMETERS


def find_change(
    quantity: Quantity,
    old: Measured,
    new: Measured,
    *,
    readers: Readers = Readers.TWO,
    size_mm: Decimal | None = None,
    limit: RepeatabilityLimit | None = None,
) -> Change:
    """Return the change of a lesion or a sum between two dates.

    Parameters
    ----------
    readers
        Whether one person measured both dates; two unless it is known.
    size_mm
        The lesion's longest diameter on the old date, for volumes.
    limit
        A site's own row instead of the literature's.
    """
    _check(old, new)
    absolute = new.value - old.value
    percent = absolute / old.value * 100.0 if old.value else (0.0 if not new.value else None)
    error = _error_of(quantity, old, new, readers, size_mm, limit)
    if isinstance(error, UnknownError):
        return Change(
            quantity, old.value, new.value, absolute, percent, None, None, None, basis="", unknown_because=error.reason
        )
    growth = error.below(log(new.value / old.value))
    return Change(
        quantity=quantity,
        old=old.value,
        new=new.value,
        absolute=absolute,
        percent=percent,
        interval=_interval(old, new, error),
        growth_probability=growth,
        shrinkage_probability=1.0 - growth,
        basis=error.basis,
        cautions=error.cautions,
    )


def _check(old: Measured, new: Measured) -> None:
    for measured in (old, new):
        if not 0.0 <= measured.value < float("inf"):
            raise ValueError(f"A measurement is a finite number of zero or more, not {measured.value}.")


def _error_of(
    quantity: Quantity,
    old: Measured,
    new: Measured,
    readers: Readers,
    size_mm: Decimal | None,
    limit: RepeatabilityLimit | None,
) -> RatioError | UnknownError:
    if old.value == 0 or new.value == 0:
        return UnknownError(
            "Unknown, because a change from or to 0 has no ratio: that a lesion is gone or new is a finding, no "
            "measurement."
        )
    return find_ratio_error(quantity, readers=readers, size_mm=size_mm, old=old, new=new, limit=limit)


def _interval(old: Measured, new: Measured, error: RatioError) -> ChangeInterval:
    low, high = ratio_interval(new.value / old.value, error)
    return ChangeInterval(
        low=old.value * (low - 1.0),
        high=None if high is None else old.value * (high - 1.0),
        low_percent=(low - 1.0) * 100.0,
        high_percent=None if high is None else (high - 1.0) * 100.0,
    )
