"""Numbers are exact, and what is displayed never looks like a threshold that was missed."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from studies.tracking.criteria.errors import NotANumberError, UnitMissingError
from studies.tracking.criteria.exact import (
    PercentChange,
    exact,
    is_at_least,
    is_at_most,
    percent_change,
    to_millimetres,
    total,
)


@pytest.mark.parametrize(("before", "after"), [("46.0", "32.2"), ("28.0", "19.6"), ("10", "7")])
def test_thirty_percent_is_thirty_percent(before: str, after: str) -> None:
    assert is_at_most(Decimal(after), Fraction(7, 10), Decimal(before))
    assert not is_at_most(Decimal(after) + Decimal("0.0001"), Fraction(7, 10), Decimal(before))


def test_twenty_percent_is_twenty_percent() -> None:
    assert (38.4 - 32.0) / 32.0 < 0.2  # what binary floats make of it
    assert is_at_least(exact(38.4), Fraction(12, 10), exact(32.0))


def test_sums_are_exact() -> None:
    assert 0.1 + 0.2 != 0.3
    assert total(exact(value) for value in (0.1, 0.2)) == Decimal("0.3")


@pytest.mark.parametrize(
    ("fraction", "shown"),
    [
        (Fraction(-2996, 10000), "-29.96 %"),
        (Fraction(-30, 100), "-30.0 %"),
        (Fraction(199, 1000), "+19.9 %"),
        (Fraction(1, 3), "+33.3 %"),
        (Fraction(0), "0.0 %"),
        (Fraction(2, 10) - Fraction(1, 10**9), "just below +20.0 %"),
    ],
)
def test_a_missed_threshold_is_not_displayed_as_reached(fraction: Fraction, shown: str) -> None:
    assert str(PercentChange(fraction)).lstrip("+") == shown.lstrip("+")


def test_a_change_from_zero_is_not_divided() -> None:
    assert percent_change(Decimal(5), Decimal(0)).is_infinite
    assert percent_change(Decimal(0), Decimal(0)).fraction == 0
    assert "n/a" in str(percent_change(Decimal(5), Decimal(0)))


def test_units_are_never_guessed() -> None:
    assert to_millimetres("1.2", "cm") == 12 == to_millimetres("12", "mm")
    for unit in (None, "", "inch"):
        with pytest.raises(UnitMissingError) as caught:
            to_millimetres("1.2", unit)
        assert caught.value.code == "criteria.unit_missing"
        assert "mm, cm or m" in caught.value.message


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "twelve", True])
def test_what_is_no_measurement_is_refused(value: str) -> None:
    with pytest.raises(NotANumberError):
        exact(value)
