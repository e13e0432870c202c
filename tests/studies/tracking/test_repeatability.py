"""The literature's limits as data, and what they say of a change."""

from __future__ import annotations

from decimal import Decimal

import pytest

from studies.tracking.repeatability import (
    LIMITS,
    Quantity,
    Readers,
    find_limit,
    is_within_percent,
)


@pytest.mark.parametrize(
    ("quantity", "readers", "limits"),
    [
        (Quantity.LONGEST_DIAMETER, Readers.ONE, ("-17.8", "16.1")),
        (Quantity.LONGEST_DIAMETER, Readers.TWO, ("-22.1", "25.4")),
        (Quantity.SUM_OF_DIAMETERS, Readers.ONE, ("-9.8", "13.1")),
        (Quantity.SUM_OF_DIAMETERS, Readers.TWO, ("-19.2", "19.5")),
        (Quantity.SINGLE_LESION_BURDEN, Readers.ONE, None),
        (Quantity.SINGLE_LESION_BURDEN, Readers.TWO, ("-31.3", "30.3")),
        (Quantity.SHORT_AXIS, Readers.TWO, None),
        (Quantity.LUNG_NODULE_VOLUME, Readers.TWO, ("-25", "25")),
        (Quantity.LUNG_TUMOUR_VOLUME, Readers.TWO, ("-35", "55")),
        (Quantity.TUMOUR_VOLUME, Readers.TWO, None),
    ],
)
def test_the_specification_s_limits(quantity: Quantity, readers: Readers, limits: tuple[str, str] | None) -> None:
    found = find_limit(quantity, readers=readers)
    assert (found and (found.lower_percent, found.upper_percent)) == (limits and tuple(map(Decimal, limits)))


@pytest.mark.parametrize(
    ("quantity", "size", "upper"),
    [
        (Quantity.TUMOUR_VOLUME, "9.9", None),
        (Quantity.TUMOUR_VOLUME, "34.9", 39),
        (Quantity.TUMOUR_VOLUME, "35", 29),
        (Quantity.TUMOUR_VOLUME, "100", 24),
        (Quantity.TUMOUR_VOLUME, "101", None),
        (Quantity.SMALL_NODULE_VOLUME, "6", 80),
        (Quantity.SMALL_NODULE_VOLUME, "13", None),
    ],
)
def test_size_ranges(quantity: Quantity, size: str, upper: int | None) -> None:
    limit = find_limit(quantity, size_mm=Decimal(size))
    assert (limit.upper_percent if limit else None) == upper
    assert limit is None or not limit.is_verified


def test_nodule_rows_follow_from_their_coefficient_of_variation() -> None:
    """Change needed = 1.96 x sqrt(2) x wCV."""
    variation = {6: 29, 7: 23, 8: 19, 9: 16, 10: 14, 11: 12, 12: 11}
    for size, percent in variation.items():
        limit = find_limit(Quantity.SMALL_NODULE_VOLUME, size_mm=Decimal(size))
        assert limit is not None
        assert int(limit.upper_percent) == round(1.96 * 2**0.5 * percent)


def test_a_band_of_84_percent_never_stands_for_one_of_95() -> None:
    oxnard = [row for row in LIMITS if row.coverage_percent == 84]
    assert len(oxnard) == 1
    found = find_limit(Quantity.LONGEST_DIAMETER, readers=Readers.ONE)
    assert found is not None
    assert found.coverage_percent == 95


def test_a_change_from_zero_is_unknown() -> None:
    assert is_within_percent(Decimal(0), Decimal(5), Decimal(10)) is None


def test_a_limit_counts_as_within() -> None:
    assert is_within_percent(Decimal(1000), Decimal(1250), Decimal(25)) is True
    assert is_within_percent(Decimal(1000), Decimal("1250.1"), Decimal(25)) is False
    assert is_within_percent(Decimal(1000), Decimal(750), Decimal(25)) is True


def test_each_row_cites_a_source_and_is_a_band() -> None:
    for row in LIMITS:
        assert row.citation
        assert row.lower_percent < 0 < row.upper_percent
