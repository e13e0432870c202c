"""Volumes of the left ventricle at the ends of diastole and systole, and the ejection fraction, by the method of discs.

The area of each slice is multiplied by the distance from slice centre to slice centre, so that gaps between slices
belong to the ventricle; of uneven distances half of either side counts. The phase of the largest volume is the end of
diastole, that of the smallest the end of systole.

References
----------
Schulz-Menger J et al., Standardized image interpretation and post-processing in cardiovascular magnetic resonance,
J Cardiovasc Magn Reson 2020;22:19, DOI 10.1186/s12968-020-00610-6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot, log

import numpy as np
import numpy.typing as npt

from studies.figures.figure import Figure, FigureCaution, FigureKind, UnknownReason
from studies.figures.phases import PhaseGrid
from studies.imaging.geometry import VolumeGeometry
from studies.tracking.intervals import Interval, bound_volume

Masks = npt.NDArray[np.bool_]
LEAST_SHARE_OF_SLICES = 0.5
"""A phase outlined in fewer slices than this share of end-diastole's was forgotten, not contracted."""
EVEN_SHARE = 0.05
FEW_SLICES = 5
_KINDS = (
    FigureKind.END_DIASTOLIC_VOLUME,
    FigureKind.END_SYSTOLIC_VOLUME,
    FigureKind.STROKE_VOLUME,
    FigureKind.EJECTION_FRACTION,
)


@dataclass(frozen=True, slots=True)
class _PhaseVolume:
    """A volume in mL (in any unit where the pixel size is unknown) with how far it may be off."""

    phase: int
    value: float
    spread: float | None
    slice_count: int


def measure_ventricle(
    masks: Masks, grid: PhaseGrid | UnknownReason, *, pixel_mm: tuple[float, float] | None, segment_number: int
) -> tuple[Figure, ...]:
    """Return both volumes and stroke volume in mL and the ejection fraction in %, each known or with the reason.

    Parameters
    ----------
    masks
        The cavity, axes (frame, row, column).
    grid
        Which frame is which place and phase, or why that is not known.
    pixel_mm
        (between rows, between columns). Where it is None volumes are unknown; the ejection fraction needs none.
    """
    if isinstance(grid, UnknownReason):
        return tuple(_unknown(kind, segment_number, grid) for kind in _KINDS)
    phases = _measure_phases(masks, grid, pixel_mm)
    if len(phases) < 2:
        return tuple(_unknown(kind, segment_number, UnknownReason.ONE_PHASE_OUTLINED) for kind in _KINDS)
    end_diastole = max(phases, key=lambda each: each.value)
    end_systole = min(phases, key=lambda each: each.value)
    fraction = _measure_fraction(end_diastole, end_systole, segment_number)
    cautions = _find_cautions(grid, end_diastole)
    count = len(grid.frames)
    if pixel_mm is None:
        volumes = tuple(_unknown(kind, segment_number, UnknownReason.NO_PIXEL_SIZE) for kind in _KINDS[:3])
    else:
        volumes = (
            _volume(FigureKind.END_DIASTOLIC_VOLUME, end_diastole, segment_number, count, cautions),
            _volume(FigureKind.END_SYSTOLIC_VOLUME, end_systole, segment_number, count, cautions),
            _measure_stroke(end_diastole, end_systole, segment_number),
        )
    return (*volumes, replace(fraction, phase_count=count, cautions=cautions))


def find_disc_heights(places_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the height of the disc that each slice stands for, mm; the outermost reach as far out as in."""
    gaps = np.diff(places_mm)
    return (np.append(gaps[:1], gaps) + np.append(gaps, gaps[-1:])) / 2.0


def _measure_phases(masks: Masks, grid: PhaseGrid, pixel_mm: tuple[float, float] | None) -> list[_PhaseVolume]:
    counts = np.count_nonzero(masks, axis=(1, 2))[grid.frames]
    slices = np.count_nonzero(counts, axis=1)
    pixel_mm2 = 1.0 if pixel_mm is None else pixel_mm[0] * pixel_mm[1]
    volumes = counts @ find_disc_heights(grid.places_mm) * pixel_mm2 / 1000.0
    least = slices[int(np.argmax(volumes))] * LEAST_SHARE_OF_SLICES
    return [
        _PhaseVolume(
            int(phase) + 1,
            float(volumes[phase]),
            None if pixel_mm is None else _find_spread(masks[grid.frames[phase]], grid, pixel_mm),
            int(slices[phase]),
        )
        for phase in np.flatnonzero((slices > 0) & (slices >= least))
    ]


def _find_spread(mask: Masks, grid: PhaseGrid, pixel_mm: tuple[float, float]) -> float:
    """Return how far the grid may put a phase's volume off, mL; uneven slices count as the widest distance does."""
    box = tuple(slice(int(axis.min()), int(axis.max()) + 1) for axis in np.nonzero(mask))
    inner = mask[box]
    widest = float(np.diff(grid.places_mm).max())
    geometry = VolumeGeometry(inner.shape, (widest, *pixel_mm), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    bounded = bound_volume(inner, geometry)
    high = bounded.interval.high
    return 0.0 if high is None else high - bounded.value


def _volume(
    kind: FigureKind,
    phase: _PhaseVolume,
    segment_number: int,
    phase_count: int,
    cautions: tuple[FigureCaution, ...],
) -> Figure:
    return Figure(
        kind,
        segment_number,
        phase.value,
        "mL",
        _around(phase.value, phase.spread),
        phase=phase.phase,
        phase_count=phase_count,
        slice_count=phase.slice_count,
        cautions=cautions,
    )


def _measure_stroke(end_diastole: _PhaseVolume, end_systole: _PhaseVolume, segment_number: int) -> Figure:
    value = end_diastole.value - end_systole.value
    known = end_diastole.spread is not None and end_systole.spread is not None
    spread = hypot(end_diastole.spread or 0.0, end_systole.spread or 0.0) if known else None
    return Figure(FigureKind.STROKE_VOLUME, segment_number, value, "mL", _around(value, spread))


def _measure_fraction(end_diastole: _PhaseVolume, end_systole: _PhaseVolume, segment_number: int) -> Figure:
    """Return 1 - ESV/EDV in %; the ends of both volumes are independent and add up as logarithms of their ratio."""
    ratio = end_systole.value / end_diastole.value
    interval = _bound_fraction(end_diastole, end_systole, ratio)
    return Figure(FigureKind.EJECTION_FRACTION, segment_number, 100.0 * (1.0 - ratio), "%", interval)


def _bound_fraction(end_diastole: _PhaseVolume, end_systole: _PhaseVolume, ratio: float) -> Interval | None:
    large, small = end_diastole.spread, end_systole.spread
    if large is None or small is None or large >= end_diastole.value or small >= end_systole.value:
        return None
    up = hypot(log(1.0 + small / end_systole.value), -log(1.0 - large / end_diastole.value))
    down = hypot(-log(1.0 - small / end_systole.value), log(1.0 + large / end_diastole.value))
    return Interval(100.0 * (1.0 - ratio * float(np.exp(up))), 100.0 * (1.0 - ratio * float(np.exp(-down))))


def _around(value: float, spread: float | None) -> Interval | None:
    return None if spread is None else Interval(max(0.0, value - spread), value + spread)


def _find_cautions(grid: PhaseGrid, end_diastole: _PhaseVolume) -> tuple[FigureCaution, ...]:
    gaps = np.diff(grid.places_mm)
    found = (
        (FigureCaution.ORDER_BY_NUMBER, grid.is_by_number),
        (FigureCaution.UNEVEN_SLICES, bool(np.ptp(gaps) > EVEN_SHARE * gaps.mean())),
        (FigureCaution.FEW_SLICES, end_diastole.slice_count < FEW_SLICES),
    )
    return tuple(caution for caution, is_so in found if is_so)


def _unknown(kind: FigureKind, segment_number: int, reason: UnknownReason) -> Figure:
    unit = "%" if kind is FigureKind.EJECTION_FRACTION else "mL"
    return Figure(kind, segment_number, None, unit, unknown=reason)
