"""Where on the axis of a sum the next responses begin: what a chart draws as lines."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from studies.tracking.criteria.verdict import Criterion, TimepointVerdict

_PARTIAL = {"mm": Decimal("0.7"), "mm2": Decimal("0.5"), "mL": Decimal("0.35")}
_PROGRESSION = {"mm": Decimal("1.2"), "mm2": Decimal("1.25"), "mL": Decimal("1.4")}
_SPHERE_PARTIAL, _SPHERE_PROGRESSION = Decimal("0.343"), Decimal("1.728")
_RECIST_GROWTH_MM = Decimal(5)
_WITH_ABSOLUTE = (Criterion.RECIST_1_1, Criterion.IRECIST)
_WITHOUT_LINES = (Criterion.PERCIST, Criterion.LUGANO_CT, Criterion.LUGANO_PET, Criterion.RANO_MIXED)


@dataclass(frozen=True, slots=True)
class ResponseBands:
    """At or below `partial_at` a partial response begins, at or above `progression_at` progression; in `unit`.

    `note` says what a line cannot show.
    """

    partial_at: Decimal
    progression_at: Decimal
    unit: str
    note: str = ""


def find_shares(criterion: Criterion, unit: str) -> tuple[Decimal, Decimal] | None:
    """Return at which share of the baseline a partial response begins, and at which of the nadir progression.

    None where the criterion has no such lines.
    """
    if criterion in _WITHOUT_LINES or unit not in _PARTIAL:
        return None
    if criterion is Criterion.VOLUMETRIC:
        return _SPHERE_PARTIAL, _SPHERE_PROGRESSION
    return _PARTIAL[unit], _PROGRESSION[unit]


def find_bands(verdict: TimepointVerdict) -> ResponseBands | None:
    """Return the lines for the next timepoint's sum; None where the criterion has none or there is no reference."""
    numbers, criterion = verdict.numbers, verdict.criterion
    baseline = numbers.value if numbers.baseline is None else numbers.baseline
    known = [each for each in (numbers.nadir, numbers.value, baseline) if each is not None]
    shares = find_shares(criterion, numbers.unit)
    if shares is None or not baseline:
        return None
    nadir = min(known)
    partial, progression = baseline * shares[0], nadir * shares[1]
    note = ""
    if criterion in _WITH_ABSOLUTE:
        progression = max(progression, nadir + _RECIST_GROWTH_MM)
    if criterion is Criterion.RANO_BM:
        note = "Progression needs 5 mm of growth in one lesion as well."
    return ResponseBands(partial, progression, numbers.unit, note)
