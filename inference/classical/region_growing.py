"""From one click to the structure that was clicked.

The band of grey values that belongs to the structure is not asked for: of the bands around the value at the click, the
one whose connected region has the strongest edge wins (peripheral contrast), in relation to how far the band reaches
from that value. A region that leaks has long stretches of border without an edge and loses.

References
----------
Hojjatoleslami SA, Kittler J. Region growing: a new approach. IEEE Trans Image Process 1998. doi:10.1109/83.704325
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.classical.grey_values import GreyValues, Mask
from studies.errors import InvalidInputError

Point = tuple[int, int, int]
Spacing = tuple[float, float, float]
Smooth = npt.NDArray[np.float32]

_REACH_VOXELS = 48
"""Half the first region looked at, in voxels of the finest axis; doubled while the structure reaches its edge."""
_SEARCH_VOXELS = 32**3
"""The band is searched on a grid of about this size, so that a large region costs no more than a small one."""
_CLICK_RADIUS_MM = 2.0
_NECK_MM = 0.9
"""Half the width of bridges that are cut."""
_STEPS = 7
"""Bounds tried per sweep, evenly over the range and again evenly over the voxels."""
_MOST_GROWTH = 2.0
_NOISE_FACTOR = 30.0
"""How much the spread of values at the click counts beside the reach of a band: little where tissue is even (CT)."""
_EDGE_PERCENTILE = 25
"""Of the steps along a region's border; below the median, so that a stretch without an edge is felt early."""


class NothingGrownError(InvalidInputError):
    """The click lies where no structure can be told from its surroundings."""

    code = "region.nothing_found"


@dataclass(frozen=True, slots=True)
class Band:
    """Grey values that belong to the structure, bounds included."""

    lower: float
    upper: float

    def contains(self, smooth: Smooth) -> Mask:
        """Return which voxels lie in the band."""
        return np.asarray((smooth >= self.lower) & (smooth <= self.upper))


def grow_region(voxels: GreyValues, seed: Point, *, spacing_mm: Spacing, tolerance: float, largest_ml: float) -> Mask:
    """Return the structure around a clicked voxel.

    Parameters
    ----------
    voxels
        Finite grey values, axes (slice, row, column).
    seed
        The click, (slice, row, column).
    tolerance
        1 goes to where the edge is strongest; less stays farther inside, more goes beyond.
    largest_ml
        A band whose region exceeds this volume is narrowed until it does not.

    Returns
    -------
    Boolean array of the volume's shape: one region, holes closed.

    Raises
    ------
    NothingGrownError
        Where the voxels around the click are all alike in every region looked at, or nothing within the largest
        volume holds together.
    """
    region = np.zeros(voxels.shape, np.bool_)
    reach = _REACH_VOXELS
    while True:
        crop, seed_in_crop = _crop_around(seed, voxels.shape, reach * min(spacing_mm), spacing_mm)
        smooth = _smooth(voxels[crop], spacing_mm)
        grown = _grow_in_crop(smooth, seed_in_crop, spacing_mm, tolerance, largest_ml)
        if crop == tuple(slice(0, n) for n in voxels.shape) or not _reaches_inner_border(grown, crop, voxels.shape):
            break
        reach *= 2
    region[crop] = grown
    return region


def _crop_around(
    seed: Point, shape: tuple[int, ...], reach_mm: float, spacing_mm: Spacing
) -> tuple[tuple[slice, ...], Point]:
    starts = [max(0, c - round(reach_mm / s)) for c, s in zip(seed, spacing_mm, strict=True)]
    stops = [min(n, c + round(reach_mm / s) + 1) for c, s, n in zip(seed, spacing_mm, shape, strict=True)]
    inside = [c - start for c, start in zip(seed, starts, strict=True)]
    return tuple(slice(a, b) for a, b in zip(starts, stops, strict=True)), (inside[0], inside[1], inside[2])


def _reaches_inner_border(region: Mask, crop: tuple[slice, ...], shape: tuple[int, ...]) -> bool:
    for axis, (part, size) in enumerate(zip(crop, shape, strict=True)):
        if part.start > 0 and region.take(0, axis).any():
            return True
        if part.stop < size and region.take(-1, axis).any():
            return True
    return False


def _smooth(voxels: GreyValues, spacing_mm: Spacing) -> Smooth:
    # about one voxel of the finest axis: noise goes, a 3 mm canal stays
    sigmas = [0.8 * min(spacing_mm) / s for s in spacing_mm]
    return np.asarray(ndimage.gaussian_filter(voxels.astype(np.float32), sigmas))


def _distance_mm(shape: tuple[int, ...], point: Point, spacing_mm: Spacing) -> npt.NDArray[np.float64]:
    axes = np.ogrid[tuple(slice(0, n) for n in shape)]
    squares = [((axis - c) * s) ** 2 for axis, c, s in zip(axes, point, spacing_mm, strict=True)]
    return np.asarray(np.sqrt(squares[0] + squares[1] + squares[2]))


def _grow_in_crop(smooth: Smooth, seed: Point, spacing_mm: Spacing, tolerance: float, largest_ml: float) -> Mask:
    click = _distance_mm(smooth.shape, seed, spacing_mm) <= max(_CLICK_RADIUS_MM, 1.01 * min(spacing_mm))
    band = _centre_bounds(_find_band(smooth, seed, spacing_mm, click, largest_ml), smooth, click)
    voxel_ml = float(np.prod(spacing_mm)) / 1000.0
    centre = float(np.median(smooth[click & band.contains(smooth)]))
    for factor in tolerance * np.array([1.0, 0.85, 0.7, 0.55, 0.4, 0.25]):
        widened = Band(centre - (centre - band.lower) * factor, centre + (band.upper - centre) * factor)
        region = _take_clicked(widened.contains(smooth), click)
        if not 0 < np.count_nonzero(region) * voxel_ml <= largest_ml:
            continue
        region = _tidy(region, click, spacing_mm)
        if 0 < np.count_nonzero(region) * voxel_ml <= largest_ml:
            return region
    raise NothingGrownError(
        "Nothing around this point holds together within the largest volume. "
        "Click well inside the structure, or allow a larger volume."
    )


def _take_clicked(similar: Mask, click: Mask) -> Mask:
    """Return the connected part that holds most of the click's neighbourhood."""
    labels, count = ndimage.label(similar)
    votes = np.bincount(labels[click], minlength=count + 1)
    votes[0] = 0
    return np.asarray(labels == votes.argmax()) if votes.any() else np.zeros_like(similar)


def _find_band(smooth: Smooth, seed: Point, spacing_mm: Spacing, click: Mask, largest_ml: float) -> Band:
    step = max(1, int(np.ceil((smooth.size / _SEARCH_VOXELS) ** (1 / 3))))
    # the finest axes are thinned first
    steps = [max(1, min(step, round(step * min(spacing_mm) / s))) for s in spacing_mm]
    thin = tuple(slice(c % n, None, n) for c, n in zip(seed, steps, strict=True))
    most_voxels = largest_ml * 1000.0 / float(np.prod(spacing_mm) * np.prod(steps))
    search = _Search(smooth[thin], click[thin], smooth[click], most_voxels)
    low, high = float(smooth.min()), float(smooth.max())
    if low == high:
        raise NothingGrownError("The image is uniform around this point: there is no edge to grow to.")
    brighter = search.alternate(Band(low, high), first_lower=True)
    darker = search.alternate(Band(low, high), first_lower=False)
    return max(brighter, darker, key=lambda scored: scored[0])[1]


def _centre_bounds(band: Band, smooth: Smooth, click: Mask) -> Band:
    """Move each bound halfway between the region and what lies just beyond it, unless the region leaks there.

    A blurred edge is as steep on the inside as in its middle, and the border belongs in the middle.
    """
    region = _take_clicked(band.contains(smooth), click)
    if not region.any():
        return band
    inside = float(np.median(smooth[region]))
    near = np.asarray(ndimage.binary_dilation(region, iterations=4)) & ~np.asarray(ndimage.binary_dilation(region))
    beyond = smooth[near]
    below, above = beyond[beyond < band.lower], beyond[beyond > band.upper]
    lower = (inside + float(np.median(below))) / 2 if below.size else band.lower
    upper = (inside + float(np.median(above))) / 2 if above.size else band.upper
    centred = Band(min(lower, inside), max(upper, inside))
    grown = np.count_nonzero(_take_clicked(centred.contains(smooth), click))
    return centred if grown <= _MOST_GROWTH * np.count_nonzero(region) else band


class _Search:
    """Scores bands by how sharp the border of the clicked region is."""

    def __init__(self, smooth: Smooth, click: Mask, values: Smooth, most_voxels: float) -> None:
        self.smooth = smooth
        self.click = click
        self.low, self.high = float(smooth.min()), float(smooth.max())
        self.near_low, self.centre, self.near_high = (float(v) for v in np.percentile(values, (25, 50, 75)))
        self.spread = 1.4826 * float(np.median(np.abs(values - self.centre)))
        self.edges = [np.abs(np.diff(smooth, axis=axis)) for axis in range(3)]
        self.most_voxels = most_voxels
        self.least_voxels = max(1, int(click.sum() * 0.5))

    def alternate(self, band: Band, *, first_lower: bool) -> tuple[float, Band]:
        """Move one bound to its best place, then the other."""
        best = (-1.0, band)
        for round_number in range(2):
            moves_lower = first_lower == (round_number == 0)
            best = max(best, self._sweep(best[1], moves_lower=moves_lower), key=lambda scored: scored[0])
        return best

    def _sweep(self, band: Band, *, moves_lower: bool) -> tuple[float, Band]:
        far, near = (self.low, self.near_high) if moves_lower else (self.high, self.near_low)
        coarse = self._choose_bounds(min(far, near), max(far, near))
        best = self._best_of(band, coarse, moves_lower=moves_lower)
        middle = best[1].lower if moves_lower else best[1].upper
        place = int(np.argmin(np.abs(coarse - middle)))
        below, above = coarse[max(place - 1, 0)], coarse[min(place + 1, coarse.size - 1)]
        fine = np.array(
            [below + (middle - below) * f for f in (1 / 3, 2 / 3)]
            + [middle + (above - middle) * f for f in (1 / 3, 2 / 3)]
        )
        return max(best, self._best_of(band, fine, moves_lower=moves_lower), key=lambda scored: scored[0])

    def _choose_bounds(self, low: float, high: float) -> npt.NDArray[np.float64]:
        """Spread bounds evenly over the range, and again over the voxels: two like tissues may lie far from a third."""
        within = self.smooth[(self.smooth >= low) & (self.smooth <= high)]
        levels = np.quantile(within, np.linspace(0.0, 1.0, _STEPS + 1)) if within.size else np.array([low, high])
        even = low + (high - low) * (np.arange(_STEPS) + 0.5) / _STEPS
        return np.unique(np.concatenate(((levels[1:] + levels[:-1]) / 2, even)))

    def _best_of(self, band: Band, bounds: npt.NDArray[np.float64], *, moves_lower: bool) -> tuple[float, Band]:
        candidates = [Band(float(b), band.upper) if moves_lower else Band(band.lower, float(b)) for b in bounds]
        return max(((self._score(candidate), candidate) for candidate in candidates), key=lambda scored: scored[0])

    def _score(self, band: Band) -> float:
        region = _take_clicked(band.contains(self.smooth), self.click)
        if np.count_nonzero(region & self.click) < self.least_voxels or np.count_nonzero(region) > self.most_voxels:
            return -1.0
        steps = [step[np.diff(region, axis=axis)] for axis, step in enumerate(self.edges)]
        # a region cut off by the edge of what is looked at has no edge there
        cut = [region.take(end, axis) for axis in range(3) for end in (0, -1)]
        steps.append(np.zeros(sum(int(np.count_nonzero(face)) for face in cut), np.float32))
        border = np.concatenate(steps)
        return float(np.percentile(border, _EDGE_PERCENTILE)) / self._reach(band) if border.size else -1.0

    def _reach(self, band: Band) -> float:
        """Return how far the band reaches from the click's own values, noise included.

        An edge counts in relation to it: the border between body and air is no better an edge than that of a lesion.
        """
        below = self.centre - band.lower if band.lower > self.low else 0.0
        above = band.upper - self.centre if band.upper < self.high else 0.0
        return max(below, above, 0.0) + _NOISE_FACTOR * self.spread + 1e-6


def _tidy(region: Mask, click: Mask, spacing_mm: Spacing) -> Mask:
    """Cut thin bridges, keep the clicked part, close pits and holes."""
    ball = _ball(_NECK_MM, spacing_mm)
    core = _take_clicked(np.asarray(ndimage.binary_erosion(region, ball, border_value=1)), click)
    if core.any():
        region = np.asarray(ndimage.binary_dilation(core, _ball(_NECK_MM * 1.5, spacing_mm), mask=region))
    padded = np.pad(region, [(n // 2, n // 2) for n in ball.shape])
    closed = ndimage.binary_closing(padded, ball)
    closed = closed[tuple(slice(n // 2, size - n // 2) for n, size in zip(ball.shape, padded.shape, strict=True))]
    filled = np.asarray(ndimage.binary_fill_holes(closed))
    for index, plane in enumerate(filled):
        filled[index] = ndimage.binary_fill_holes(plane)
    return filled


def _ball(radius_mm: float, spacing_mm: Spacing) -> Mask:
    half = [int(radius_mm / s) for s in spacing_mm]
    centre = (half[0], half[1], half[2])
    return np.asarray(_distance_mm(tuple(2 * h + 1 for h in half), centre, spacing_mm) <= radius_mm)
