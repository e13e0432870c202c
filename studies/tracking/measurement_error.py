"""How far a measured ratio can lie from the true one: the error model behind change, growth and response probability.

The literature gives limits between which the ratio of two measurements of something unchanged falls in 95 of 100
pairs. The model is a normal distribution of the logarithm of that ratio, each half with its own width, so that the
central 95 % end exactly at both limits and an unchanged value is as likely a little growth as a little shrinkage: the
asymmetry that readers show from the first to the second reading is kept as width and never as a drift.

The voxel grid of the two dates leaves an interval of its own. On each side the literature's limit and the distances
that both dates' grids leave are added as root of squares. The repeated scans of the literature were digitised too, on
grids that are not told, so this errs on the wide side; taking the wider of both instead covers too little where slices
are thick and readers good (`manage.py bench calibration`).

For one date alone the limits of a pair are spread evenly over both dates: a normal with 1 / sqrt(2) of the mean
half-width. The asymmetry belongs to the order of a pair and to neither date.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import erf, exp, hypot, inf, log, log1p, sqrt

from studies.tracking.intervals import Z_95
from studies.tracking.repeatability import Quantity, Readers, RepeatabilityLimit, find_limit

Number = float | Decimal
FULL_COVERAGE = 95


@dataclass(frozen=True, slots=True)
class Measured:
    """A positive or zero measurement with the ends of its grid's 95 % interval.

    Attributes
    ----------
    low, high
        None where the grid gives no end: not known, or fewer than three slices.
    """

    value: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, value: Number, interval: tuple[Number | None, Number | None] | None = None) -> Measured:
        """Return a measurement from recorded decimals or floats."""
        low, high = interval or (None, None)
        return cls(float(value), None if low is None else float(low), None if high is None else float(high))

    @property
    def log_down(self) -> float | None:
        """How far the logarithm of the true value may lie below the measured one, by the grid."""
        if self.low is None or self.value <= 0:
            return None
        return log(self.value / self.low) if self.low > 0 else inf

    @property
    def log_up(self) -> float | None:
        """How far it may lie above."""
        return None if self.high is None or self.value <= 0 else log(self.high / self.value)


def add_up(parts: Iterable[Measured]) -> Measured:
    """Return the sum of independent measurements; squares of distances add up, an unknown one leaves it open."""
    listed = list(parts)
    value = sum(part.value for part in listed)
    below = [None if part.low is None else part.value - part.low for part in listed]
    above = [None if part.high is None else part.high - part.value for part in listed]
    down, up = _root_of_squares(below), _root_of_squares(above)
    return Measured(value, None if down is None else max(0.0, value - down), None if up is None else value + up)


@dataclass(frozen=True, slots=True)
class RatioError:
    """The error of the logarithm of a measured ratio: 95 % between ``-down`` and ``up``, median 0.

    Attributes
    ----------
    basis
        Where the widths come from, for the reader.
    cautions
        What the reader should know besides.
    """

    down: float
    up: float
    basis: str
    cautions: tuple[str, ...] = ()

    def below(self, error: float) -> float:
        """Return the probability of an error smaller than this."""
        half_width = self.down if error < 0 else self.up
        if error == 0 or half_width == inf:
            return 0.5
        return 0.5 * (1.0 + erf(error * Z_95 / half_width / sqrt(2.0)))

    @property
    def one_date_deviation(self) -> float:
        """Standard deviation of the logarithm of one date's measurement."""
        return (self.down + self.up) / 2.0 / Z_95 / sqrt(2.0)


@dataclass(frozen=True, slots=True)
class UnknownError:
    """No error model, and why."""

    reason: str


def find_ratio_error(
    quantity: Quantity,
    *,
    readers: Readers = Readers.TWO,
    size_mm: Decimal | None = None,
    old: Measured | None = None,
    new: Measured | None = None,
    limit: RepeatabilityLimit | None = None,
) -> RatioError | UnknownError:
    """Return the error of a ratio of two measurements, or why it is unknown.

    Parameters
    ----------
    size_mm
        Longest diameter, which some rows of the literature need.
    old, new
        Both dates, for the grid.
    limit
        A row of one's own, as of a site's own test-retest study; the literature's otherwise.
    """
    row = limit or find_limit(quantity, readers=readers, size_mm=size_mm)
    if row is None:
        return UnknownError(f"Unknown, because no repeatability figure is known for {_said(quantity, readers)}.")
    if row.coverage_percent != FULL_COVERAGE:
        return UnknownError(
            f"Unknown, because no 95 % limit is known for {_said(quantity, readers)}, only this: {row.citation}."
        )
    literature = _literature_error(row)
    return literature if old is None or new is None else _widen_by_grid(literature, old, new)


def _said(quantity: Quantity, readers: Readers) -> str:
    who = {Readers.ONE: "by one reader", Readers.TWO: "by two readers", Readers.ANY: "by any readers"}[readers]
    return f"{quantity.value.replace('_', ' ')} {who} at this size"


def _literature_error(row: RepeatabilityLimit) -> RatioError:
    cautions = () if row.is_verified else ("The repeatability figure was not verified at its source.",)
    lower, upper = float(row.lower_percent) / 100.0, float(row.upper_percent) / 100.0
    basis = f"95 % limits of {row.lower_percent:f} to +{row.upper_percent:f} % ({row.citation})"
    return RatioError(-log1p(lower), log1p(upper), basis, cautions)


def _widen_by_grid(literature: RatioError, old: Measured, new: Measured) -> RatioError:
    """Add the grid to the literature on each side.

    The measured ratio errs downwards where the new value is read too small or the old one too large.
    """
    grid_down = _root_of_squares([new.log_up, old.log_down])
    grid_up = _root_of_squares([new.log_down, old.log_up])
    cautions = list(literature.cautions)
    if grid_down is None or grid_up is None:
        cautions.append("The grid gives no end on a side (as with fewer than three slices): the limits stand alone.")
    down, up = hypot(literature.down, grid_down or 0.0), hypot(literature.up, grid_up or 0.0)
    basis = f"{literature.basis}, the voxel grids added" if grid_down or grid_up else literature.basis
    return RatioError(down, up, basis, tuple(cautions))


def _root_of_squares(distances: list[float | None]) -> float | None:
    known = [each for each in distances if each is not None]
    return sqrt(sum(each**2 for each in known)) if len(known) == len(distances) else None


def ratio_interval(ratio: float, error: RatioError) -> tuple[float, float | None]:
    """Return the 95 % interval of the true ratio; None where nothing bounds it from above."""
    high = None if error.down == inf else ratio * exp(error.down)
    return ratio * exp(-error.up), high
