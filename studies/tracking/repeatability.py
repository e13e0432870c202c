"""How far a measurement repeats: the literature's limits as data (REP.BAND).

What they say of a change is found by `change.find_change`. Where the literature read for this work gives no figure
there is no row, and a figure that could not be checked at its source says so.

References: criteria specification, section 6; each row cites its own source.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from studies.tracking.criteria.exact import exact, percent_change


class Quantity(StrEnum):
    """What was measured twice."""

    LONGEST_DIAMETER = "longest_diameter"
    SHORT_AXIS = "short_axis"
    """Of a node; no row answers for it."""
    SUM_OF_DIAMETERS = "sum_of_diameters"
    SINGLE_LESION_BURDEN = "single_lesion_burden"
    LUNG_NODULE_VOLUME = "lung_nodule_volume"
    LUNG_TUMOUR_VOLUME = "lung_tumour_volume"
    TUMOUR_VOLUME = "tumour_volume"
    SMALL_NODULE_VOLUME = "small_nodule_volume"


class Readers(StrEnum):
    """Who measured: the same person twice, or two people."""

    ONE = "one"
    TWO = "two"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class RepeatabilityLimit:
    """One row: between which changes repeated measurements of something unchanged fall.

    Attributes
    ----------
    smallest_mm, below_mm
        Longest diameters for which the row holds, the lower end included, the upper one not; None is open.
    coverage_percent
        Share of repeats inside the limits; 95 for a limit of agreement, None where the source does not say.
    is_verified
        Whether the figure was read at its source during this work.
    """

    quantity: Quantity
    readers: Readers
    lower_percent: Decimal
    upper_percent: Decimal
    coverage_percent: int | None
    citation: str
    is_verified: bool
    smallest_mm: Decimal | None = None
    below_mm: Decimal | None = None

    def holds_for(self, quantity: Quantity, readers: Readers, size_mm: Decimal | None) -> bool:
        """Tell whether this row answers for a measurement."""
        if quantity is not self.quantity or self.readers not in (readers, Readers.ANY):
            return False
        if self.smallest_mm is None and self.below_mm is None:
            return True
        is_large = size_mm is not None and (self.smallest_mm is None or size_mm >= self.smallest_mm)
        return is_large and (self.below_mm is None or (size_mm is not None and size_mm < self.below_mm))


def _row(
    quantity: Quantity,
    readers: Readers,
    limits: tuple[str, str],
    citation: str,
    *,
    coverage_percent: int | None = 95,
    is_verified: bool = True,
    size: tuple[str, str] | None = None,
) -> RepeatabilityLimit:
    return RepeatabilityLimit(
        quantity=quantity,
        readers=readers,
        lower_percent=Decimal(limits[0]),
        upper_percent=Decimal(limits[1]),
        coverage_percent=coverage_percent,
        citation=citation,
        is_verified=is_verified,
        smallest_mm=Decimal(size[0]) if size else None,
        below_mm=Decimal(size[1]) if size else None,
    )


_YOON = "Yoon 2016, Eur J Cancer, meta-analysis, 95 % limits of agreement"
_OXNARD = "Oxnard 2011, JCO (PMC3157977), same-day repeat CT: 84 % of lesions within 10 %; no 95 % limit"
_QIBA_VOLUME = "QIBA CT tumour volume change, advanced disease (claim table not readable at its source)"
_QIBA_NODULE = (
    "QIBA small lung nodule, 1.96 x sqrt(2) x within-subject coefficient of variation (not readable at its source)"
)

LIMITS: tuple[RepeatabilityLimit, ...] = (
    _row(Quantity.LONGEST_DIAMETER, Readers.ONE, ("-17.8", "16.1"), _YOON),
    _row(Quantity.LONGEST_DIAMETER, Readers.TWO, ("-22.1", "25.4"), _YOON),
    _row(Quantity.LONGEST_DIAMETER, Readers.ONE, ("-10", "10"), _OXNARD, coverage_percent=84),
    _row(Quantity.SUM_OF_DIAMETERS, Readers.ONE, ("-9.8", "13.1"), _YOON),
    _row(Quantity.SUM_OF_DIAMETERS, Readers.TWO, ("-19.2", "19.5"), _YOON),
    _row(Quantity.SINGLE_LESION_BURDEN, Readers.TWO, ("-31.3", "30.3"), _YOON),
    _row(
        Quantity.LUNG_NODULE_VOLUME,
        Readers.ANY,
        ("-25", "25"),
        "BTS guideline, coffee-break CT (MILD: 27 %)",
    ),
    _row(
        Quantity.LUNG_TUMOUR_VOLUME,
        Readers.ANY,
        ("-35", "55"),
        "Cancer Imaging 2015, s40644-015-0052-2, modelled limits of change",
    ),
    *(
        _row(Quantity.TUMOUR_VOLUME, Readers.ANY, (f"-{limit}", limit), _QIBA_VOLUME, is_verified=False, size=size)
        for size, limit in ((("10", "35"), "39"), (("35", "50"), "29"), (("50", "100.1"), "24"))
    ),
    *(
        _row(
            Quantity.SMALL_NODULE_VOLUME,
            Readers.ANY,
            (f"-{limit}", limit),
            _QIBA_NODULE,
            is_verified=False,
            size=(str(size), str(size + 1)),
        )
        for size, limit in ((6, "80"), (7, "64"), (8, "53"), (9, "44"), (10, "39"), (11, "33"), (12, "30"))
    ),
)


def find_limit(
    quantity: Quantity, *, readers: Readers = Readers.TWO, size_mm: Decimal | None = None
) -> RepeatabilityLimit | None:
    """Return the row that answers for a measurement: a 95 % limit before any other, None where there is none."""
    rows = [row for row in LIMITS if row.holds_for(quantity, readers, size_mm)]
    return min(rows, key=lambda row: row.coverage_percent != 95, default=None)


def is_within_percent(old: Decimal, new: Decimal, limit_percent: Decimal) -> bool | None:
    """Tell whether a change is at most this many percent either way; None for a change from 0."""
    change = percent_change(exact(new, name="new value"), exact(old, name="old value")).fraction
    return None if change is None else abs(change) * 100 <= Fraction(limit_percent)
