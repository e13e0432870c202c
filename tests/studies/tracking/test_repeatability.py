"""The literature's limits as data, and what they say of a change."""

from __future__ import annotations

from decimal import Decimal

import pytest

from studies.tracking.repeatability import (
    LIMITS,
    BandAnswer,
    Quantity,
    Readers,
    band_of,
    find_limit,
    is_within_percent,
)


@pytest.mark.parametrize(
    ("quantity", "readers", "new", "answer"),
    [
        (Quantity.LONGEST_DIAMETER, Readers.ONE, "116.1", "within"),
        (Quantity.LONGEST_DIAMETER, Readers.ONE, "116.2", "beyond"),
        (Quantity.LONGEST_DIAMETER, Readers.ONE, "82.2", "within"),
        (Quantity.LONGEST_DIAMETER, Readers.ONE, "82.1", "beyond"),
        (Quantity.LONGEST_DIAMETER, Readers.TWO, "125.4", "within"),
        (Quantity.SUM_OF_DIAMETERS, Readers.ONE, "113.2", "beyond"),
        (Quantity.SUM_OF_DIAMETERS, Readers.TWO, "119.5", "within"),
        (Quantity.SINGLE_LESION_BURDEN, Readers.ONE, "101", "unknown"),
        (Quantity.LUNG_NODULE_VOLUME, Readers.TWO, "125", "within"),
        (Quantity.LUNG_TUMOUR_VOLUME, Readers.TWO, "155.1", "beyond"),
        (Quantity.TUMOUR_VOLUME, Readers.TWO, "101", "unknown"),
    ],
)
def test_bands(quantity: Quantity, readers: Readers, new: str, answer: str) -> None:
    band = band_of(quantity, old=Decimal(100), new=Decimal(new), readers=readers)
    assert band.answer == answer
    assert band.limit is None or band.limit.citation in band.sentence


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
    if limit is not None:
        assert not limit.is_verified
        band = band_of(quantity, old=Decimal(1), new=Decimal(1), size_mm=Decimal(size))
        assert "not verified" in band.sentence


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
    assert band_of(Quantity.SUM_OF_DIAMETERS, old=Decimal(0), new=Decimal(5)).answer is BandAnswer.UNKNOWN
    assert is_within_percent(Decimal(0), Decimal(5), Decimal(10)) is None


def test_a_limit_counts_as_within() -> None:
    assert is_within_percent(Decimal(1000), Decimal(1250), Decimal(25)) is True
    assert is_within_percent(Decimal(1000), Decimal("1250.1"), Decimal(25)) is False
    assert is_within_percent(Decimal(1000), Decimal(750), Decimal(25)) is True


def test_each_row_cites_a_source_and_is_a_band() -> None:
    for row in LIMITS:
        assert row.citation
        assert row.lower_percent < 0 < row.upper_percent
