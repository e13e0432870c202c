"""Exact numbers: thresholds are decided on the decimals that were recorded, never on floats or rounded percentages.

R11.NUM. ``46.0 -> 32.2`` is exactly -30 %; in binary floats it is 0.29999999999999993 and the partial response is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from fractions import Fraction

from studies.tracking.criteria.errors import NotANumberError, UnitMissingError

Number = Decimal | int | float | str

_MILLIMETRES_PER = {"mm": Decimal(1), "cm": Decimal(10), "m": Decimal(1000)}
_MOST_DECIMALS = 4
_ENOUGH_DIGITS = 200


def exact(value: Number, *, name: str = "value") -> Decimal:
    """Return the decimal that was recorded; a float stands for the shortest decimal that prints as it.

    Raises
    ------
    NotANumberError
        If the value is negative, infinite or no number.
    """
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        raise NotANumberError(f"{name} is {value!r}, which is no number. Record a number.") from None
    if isinstance(value, bool) or not number.is_finite() or number < 0:
        raise NotANumberError(f"{name} is {value!r}. A measurement is a finite number of zero or more.")
    return number


def exact_or_none(value: Number | None, *, name: str = "value") -> Decimal | None:
    """Return the decimal that was recorded, or None where nothing was."""
    return None if value is None else exact(value, name=name)


def to_millimetres(value: Number, unit: str | None) -> Decimal:
    """Return a length in millimetres, exactly.

    Raises
    ------
    UnitMissingError
        If the unit is missing or is no unit of length: 1.2 without a unit is 1.2 mm or 12 mm, and nobody can tell.
    """
    if unit is None or unit.strip() not in _MILLIMETRES_PER:
        given = "has no unit" if not unit else f"has the unit {unit!r}"
        raise UnitMissingError(f"The length {value} {given}. Give it in mm, cm or m.")
    return exact(value, name="length") * _MILLIMETRES_PER[unit.strip()]


def total(values: Iterable[Decimal]) -> Decimal:
    """Return the exact sum."""
    with localcontext() as context:
        context.prec = _ENOUGH_DIGITS
        return sum(values, Decimal(0))


def is_at_least(value: Decimal, share: Fraction, reference: Decimal) -> bool:
    """Tell whether ``value >= share * reference`` exactly."""
    return Fraction(value) >= share * Fraction(reference)


def is_at_most(value: Decimal, share: Fraction, reference: Decimal) -> bool:
    """Tell whether ``value <= share * reference`` exactly."""
    return Fraction(value) <= share * Fraction(reference)


def difference(value: Decimal, reference: Decimal) -> Decimal:
    """Return ``value - reference`` exactly."""
    with localcontext() as context:
        context.prec = _ENOUGH_DIGITS
        return value - reference


def plain(value: Decimal) -> str:
    """Return a decimal without exponent and without trailing zeros: what a person would write."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True, slots=True)
class PercentChange:
    """A change against a reference, exact; ``fraction`` is None where the reference is zero and the value is not."""

    fraction: Fraction | None

    @property
    def is_infinite(self) -> bool:
        return self.fraction is None

    def __str__(self) -> str:
        """Return the percentage for display, rounded so that a missed threshold never reads as a reached one."""
        if self.fraction is None:
            return "n/a (the reference is 0)"
        percent = self.fraction * 100
        for places in range(1, _MOST_DECIMALS + 1):
            shown = _rounded(percent, places)
            if shown != shown.to_integral_value() or Fraction(shown) == percent:
                return f"{shown:+f} %"
        side = "just above" if percent > Fraction(shown) else "just below"
        return f"{side} {_rounded(percent, 1):+f} %"


def _rounded(value: Fraction, places: int) -> Decimal:
    with localcontext() as context:
        context.prec = _ENOUGH_DIGITS
        quotient = Decimal(value.numerator) / Decimal(value.denominator)
        return quotient.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN) + 0


def percent_change(value: Decimal, reference: Decimal) -> PercentChange:
    """Return the exact relative change; 0 against 0 is no change (R11.T.NADIR0)."""
    if reference == 0:
        return PercentChange(Fraction(0) if value == 0 else None)
    return PercentChange((Fraction(value) - Fraction(reference)) / Fraction(reference))
