"""How fast a lesion grows: per day, per month, and its doubling time, each with a 95 % interval.

Growth is taken as exponential: the logarithm of the quantity against days. Two dates give the line through them, with
the interval of the ratio (`measurement_error`). Three and more give the least-squares line; its interval rests on the
literature's spread of one measurement or on the spread around the line (Student's t with n - 2 degrees of freedom),
whichever is wider. Where the literature has no figure, the spread around the line stands alone, and two dates give a
rate without an interval.

A doubling time is ln 2 over the rate of the logarithm of the *volume*; a diameter counts three times, a product 3/2. A
rate that may be zero has no longest doubling time: the interval is then open upwards and says so, and a rate that is
surely negative gives a halving time.

References: Schwartz M. Cancer 1961;14:1272-1294 (doubling time).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import expm1, inf, log, sqrt

import numpy as np
from scipy.stats import t as student

from studies.tracking.intervals import Z_95
from studies.tracking.measurement_error import Measured, RatioError, UnknownError, find_ratio_error
from studies.tracking.repeatability import Quantity, Readers, RepeatabilityLimit

DAYS_PER_MONTH = 30.4375
_Scale = Callable[[float], float]
_VOLUMES = (
    Quantity.LUNG_NODULE_VOLUME,
    Quantity.LUNG_TUMOUR_VOLUME,
    Quantity.TUMOUR_VOLUME,
    Quantity.SMALL_NODULE_VOLUME,
)


class GrowthTrend(StrEnum):
    """What the interval of the rate says."""

    GROWING = "growing"
    SHRINKING = "shrinking"
    UNCERTAIN = "uncertain"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DatedMeasure:
    """A measurement on a day counted from baseline."""

    day: int
    measured: Measured


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate with its 95 % interval; ``low`` and ``high`` are None where unknown or unbounded."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class DoublingTime:
    """Days in which the volume doubles, or halves.

    Attributes
    ----------
    days
        Positive for doubling, negative for halving; None where the size is unchanged.
    low_days, high_days
        Ends of the 95 % interval of a doubling time (of a halving time where surely shrinking, as positive days).
        ``high_days`` is None where the rate may be zero; both are None where nothing is known.
    sentence
        The same for the reader.
    """

    days: float | None
    low_days: float | None
    high_days: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Growth:
    """How a quantity grew over the dates given.

    Attributes
    ----------
    per_day
        In the unit of the quantity (mm, mL) at the middle of the time covered, from the fitted curve.
    percent_per_month
        Of the quantity itself, 30.4375 days to the month.
    date_count
        Dates the fit rests on.
    """

    trend: GrowthTrend
    per_day: Rate
    percent_per_month: Rate
    doubling_time: DoublingTime
    date_count: int
    basis: str
    unknown_because: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    """Rate of the logarithm per day with its interval, and the value in the middle of the time covered."""

    rate: float
    low: float | None
    high: float | None
    middle: float
    basis: str
    unknown_because: str = ""


def find_growth(
    quantity: Quantity,
    dated: Sequence[DatedMeasure],
    *,
    readers: Readers = Readers.TWO,
    size_mm: Decimal | None = None,
    limit: RepeatabilityLimit | None = None,
    is_product: bool = False,
) -> Growth:
    """Return the growth over two dates or more.

    Parameters
    ----------
    dated
        In order of their days; measured and greater than 0 on each.
    size_mm, limit
        As for `find_change`.
    is_product
        The quantity is a product of two diameters (mm2), which no row of the literature covers.

    Raises
    ------
    ValueError
        With fewer than two dates, days that do not rise, or a value of 0: growth from or to nothing has no rate.
    """
    _check(dated)
    row = (
        None
        if is_product
        else find_ratio_error(
            quantity, readers=readers, size_mm=size_mm, old=dated[0].measured, new=dated[-1].measured, limit=limit
        )
    )
    error = row if row is not None else UnknownError("Unknown, because no repeatability figure is known for products.")
    line = _through_two(dated, error) if len(dated) == 2 else _fit(dated, error)
    dimension = 1.0 if quantity in _VOLUMES else 1.5 if is_product else 3.0
    return Growth(
        trend=_trend(line),
        per_day=_scaled(line, lambda rate: rate * line.middle),
        percent_per_month=_scaled(line, lambda rate: expm1(rate * DAYS_PER_MONTH) * 100.0),
        doubling_time=_doubling_time(line, dimension),
        date_count=len(dated),
        basis=line.basis,
        unknown_because=line.unknown_because,
    )


def _check(dated: Sequence[DatedMeasure]) -> None:
    days = [each.day for each in dated]
    if len(days) < 2:
        raise ValueError("Growth needs two dates.")
    if any(later <= earlier for earlier, later in itertools.pairwise(days)):
        raise ValueError("Put the dates in order; two measurements on one day have no rate.")
    if any(not 0.0 < each.measured.value < inf for each in dated):
        raise ValueError("Growth needs a measurement greater than 0 on each date.")


def _through_two(dated: Sequence[DatedMeasure], error: RatioError | UnknownError) -> _Line:
    first, last = dated[0], dated[1]
    days, grown = last.day - first.day, log(last.measured.value / first.measured.value)
    middle = sqrt(first.measured.value * last.measured.value)
    if isinstance(error, UnknownError):
        return _Line(grown / days, None, None, middle, "", error.reason)
    high = None if error.down == inf else (grown + error.down) / days
    low = None if error.up == inf else (grown - error.up) / days
    return _Line(grown / days, low, high, middle, error.basis)


def _fit(dated: Sequence[DatedMeasure], error: RatioError | UnknownError) -> _Line:
    days = np.array([each.day for each in dated], dtype=np.float64)
    values = np.log([each.measured.value for each in dated])
    offsets = days - days.mean()
    spread = float((offsets**2).sum())
    rate = float(offsets @ values) / spread
    residuals = values - values.mean() - rate * offsets
    free = len(dated) - 2
    around = float(student.ppf(0.975, free)) * sqrt(float((residuals**2).sum()) / free / spread)
    middle = float(np.exp(values.mean() + rate * ((days[0] + days[-1]) / 2.0 - days.mean())))
    if isinstance(error, UnknownError):
        basis = f"spread around the line through {len(dated)} dates alone; {error.reason[0].lower()}{error.reason[1:]}"
        return _Line(rate, rate - around, rate + around, middle, basis)
    known = Z_95 * error.one_date_deviation / sqrt(spread)
    half = max(known, around)
    wider = "" if known >= around else ", widened by the spread around the line"
    basis = f"line through {len(dated)} dates, {error.basis}{wider}"
    return _Line(rate, _finite(rate - half), _finite(rate + half), middle, basis)


def _finite(end: float) -> float | None:
    return end if abs(end) < inf else None


def _scaled(line: _Line, scale: _Scale) -> Rate:
    ends = [None if end is None else scale(end) for end in (line.low, line.high)]
    return Rate(scale(line.rate), ends[0], ends[1])


def _trend(line: _Line) -> GrowthTrend:
    if line.low is None and line.high is None:
        return GrowthTrend.UNKNOWN
    if line.low is not None and line.low > 0:
        return GrowthTrend.GROWING
    return GrowthTrend.SHRINKING if line.high is not None and line.high < 0 else GrowthTrend.UNCERTAIN


def _doubling_time(line: _Line, dimension: float) -> DoublingTime:
    rate = line.rate * dimension
    days = None if rate == 0 else log(2.0) / rate
    low = None if line.low is None else line.low * dimension
    high = None if line.high is None else line.high * dimension
    said = (
        "unchanged, so it has none"
        if days is None
        else f"{abs(days):.0f} days {'to double' if days > 0 else 'to halve'}"
    )
    if line.unknown_because:
        return DoublingTime(days, None, None, f"{said.capitalize()}; interval unknown. {line.unknown_because}")
    if low is not None and low > 0:
        return _closed(days, high, low, f"{said.capitalize()}", "doubling time")
    if high is not None and high < 0:
        return _closed(days, None if low is None else -low, -high, f"Shrinking: {said}", "halving time")
    shortest = log(2.0) / high if high is not None and high > 0 else None
    bound = f"it doubles in no less than {shortest:.0f} days" if shortest else "no shortest doubling time is known"
    return DoublingTime(
        days, shortest, None, f"{said.capitalize()}; the rate may be zero or shrinkage, {bound} and has no upper end."
    )


def _closed(days: float | None, fastest: float | None, slowest: float, said: str, name: str) -> DoublingTime:
    low = None if fastest is None else log(2.0) / fastest
    high = log(2.0) / slowest
    least = "0" if low is None else f"{low:.0f}"
    return DoublingTime(days, low, high, f"{said}; 95 % interval of the {name} {least} to {high:.0f} days.")
