"""Growth of a lung nodule: volume change, doubling time, and what three guidelines call growth.

1. NO.VDT: the doubling time is days x ln 2 / ln(V2 / V1), from diameters days x ln 2 / (3 ln(d2 / d1)); for equal
   volumes it is undefined, for a shrinking nodule it is negative.
2. NO.VDT (NELSON, BTS): growth is a volume at least 25 % larger; then a doubling time below 400 days is positive, 400
   to 600 days indeterminate. Anything else is negative.
3. NO.VDT (Lung-RADS 2022): growth is a mean diameter more than 1.5 mm larger within 12 months.
4. NO.VDT (Fleischner): growth is a diameter at least 2 mm larger.

The classes are decided on exact integers; only the doubling time for display is rounded.

References: NELSON and BTS thresholds, Lung-RADS v2022, Fleischner Society 2017, as collected in the specification.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import StrEnum
from fractions import Fraction

from studies.tracking.criteria.errors import CriteriaInputError, SameDayError
from studies.tracking.criteria.exact import difference, exact, percent_change, plain
from studies.tracking.criteria.verdict import Clause

_GROWTH_SHARE = Fraction(125, 100)
_FAST_DAYS, _SLOW_DAYS = 400, 600
_LUNG_RADS_MM, _FLEISCHNER_MM = Decimal("1.5"), Decimal(2)
_LUNG_RADS_DAYS = 366  # twelve months, a leap year included
_DIGITS = 50


class NodulePace(StrEnum):
    """What the doubling time says (NELSON calls negative "low")."""

    POSITIVE = "positive"
    INDETERMINATE = "indeterminate"
    NEGATIVE = "negative"


@dataclass(frozen=True, slots=True)
class NoduleGrowth:
    """How a nodule changed; None where a value is undefined or was not measured."""

    doubling_time_days: Decimal | None
    volume_ratio: Fraction
    pace: NodulePace
    is_lung_rads_growth: bool | None
    is_fleischner_growth: bool | None
    clause: Clause

    @property
    def volume_change_percent(self) -> Fraction:
        return (self.volume_ratio - 1) * 100


def nodule_growth_from_volumes(first_mm3: Decimal, second_mm3: Decimal, *, days: int) -> NoduleGrowth:
    """Return the growth between two volumes, ``days`` apart."""
    first, second = _checked(first_mm3, "first volume"), _checked(second_mm3, "second volume")
    return _growth(Fraction(second) / Fraction(first), days=days, is_lung_rads=None, is_fleischner=None)


def nodule_growth_from_diameters(first_mm: Decimal, second_mm: Decimal, *, days: int) -> NoduleGrowth:
    """Return the growth between two mean diameters of a sphere, ``days`` apart."""
    first, second = _checked(first_mm, "first diameter"), _checked(second_mm, "second diameter")
    rise = difference(second, first)
    return _growth(
        (Fraction(second) / Fraction(first)) ** 3,
        days=days,
        is_lung_rads=rise > _LUNG_RADS_MM and days <= _LUNG_RADS_DAYS,
        is_fleischner=rise >= _FLEISCHNER_MM,
    )


def _checked(value: Decimal, name: str) -> Decimal:
    number = exact(value, name=name)
    if number == 0:
        raise CriteriaInputError(f"The {name} is 0: a doubling time needs a nodule on both scans.")
    return number


def _growth(ratio: Fraction, *, days: int, is_lung_rads: bool | None, is_fleischner: bool | None) -> NoduleGrowth:
    if days <= 0:
        raise SameDayError(f"The scans lie {days} days apart. A doubling time needs a later second scan.")
    doubling = _doubling_time(ratio, days)
    pace = _pace(ratio, days)
    change = percent_change(Decimal(ratio.numerator), Decimal(ratio.denominator))
    if doubling is None:
        sentence = "The volume is unchanged; a doubling time is undefined."
    elif doubling < 0:
        sentence = f"Shrinking: {change} in {days} days, halving time {plain(_shown(-doubling))} days."
    else:
        sentence = f"{change} in {days} days, doubling time {plain(_shown(doubling))} days: {pace.value}."
    return NoduleGrowth(doubling, ratio, pace, is_lung_rads, is_fleischner, Clause("NO.VDT", sentence))


def _doubling_time(ratio: Fraction, days: int) -> Decimal | None:
    if ratio == 1:
        return None
    with localcontext() as context:
        context.prec = _DIGITS
        growth = Decimal(ratio.numerator).ln() - Decimal(ratio.denominator).ln()
        return days * Decimal(2).ln() / growth


def _shown(days: Decimal) -> Decimal:
    return round(days, 1)


def _pace(ratio: Fraction, days: int) -> NodulePace:
    if ratio < _GROWTH_SHARE:
        return NodulePace.NEGATIVE
    if _doubles_within(ratio, days, _FAST_DAYS, is_inclusive=False):
        return NodulePace.POSITIVE
    is_slow = _doubles_within(ratio, days, _SLOW_DAYS, is_inclusive=True)
    return NodulePace.INDETERMINATE if is_slow else NodulePace.NEGATIVE


def _doubles_within(ratio: Fraction, days: int, limit_days: int, *, is_inclusive: bool) -> bool:
    """Tell whether the doubling time is below the limit, exactly: 2 to the days against the ratio to the limit."""
    left: int = int(2**days) * ratio.denominator**limit_days
    right: int = ratio.numerator**limit_days
    return left <= right if is_inclusive else left < right
