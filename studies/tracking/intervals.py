"""How sure a number taken from voxels can be: what the grid itself leaves open.

These intervals speak of sampling alone: of a smooth body whose voxels were marked where their centre lies inside. What
readers, scanners and patients add from one day to the next is the business of `repeatability`.

Volume
    A grid thrown at random onto a body counts its volume without bias. The variance is the body's power spectrum at the
    points of the dual grid; for a smooth body the spectrum far out depends on the surface S alone, S / (8 pi^3 k^4), so

        variance = S / (8 pi^3) * sum over dual grid points k, not 0, of |k|^-4.

    On a cubic grid of edge a that is 0.0667 S a^4. The surface is taken from the exposed voxel faces: of a body without
    a preferred direction they cover 3/2 of it. A fifth is added for bodies that are no balls.
    The partial-volume limit moves the whole surface by half a voxel inwards or outwards. A patch dA with normal n then
    sweeps 1/2 sum |n_i| s_i dA; the faces seen along axis i add up to the integral of |n_i| dA, so the limit is exactly
    half the exposed faces, times the volume of a voxel.

Diameter
    The two outermost voxel centres lie in the body, so the body is at least as long as the centre-to-centre distance:
    edge-to-edge length L less one voxel h in that direction, h = sum |u_i| s_i. It reaches beyond the outer edges only
    where a tip falls between centres; a tenth of h covers that in more than 95 of 100 bodies of three voxels and more,
    and four tenths for a perpendicular, whose direction is given.
    The limit assumes that the tip is no sharper than half a voxel's diagonal r: a ball of radius r at the tip holds a
    voxel centre, no deeper than 2 r below the tip, so that end is at most 2 r - h / 2 beyond the edge.

Slices
    The longest section may lie between two slices, at most half a slice distance from the one measured. Squared
    diameters of an ellipsoid's sections are a parabola in the slice position, so the true maximum exceeds the measured
    one by at most 1/8 of the second difference of the squares. With fewer than three slices there is no second
    difference, and no upper end.

References
----------
Kendall DG, Rankin RA. Quart J Math Oxford 1953;4:178-189 (lattice points in a random sphere). Matern B, in: Kendall
WS et al., Precision of stereological estimators, J Microsc 1989;153:269-284. The slice rule is derived above.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from studies.imaging.geometry import VolumeGeometry

Z_95 = 1.959964
SHAPE_ALLOWANCE = 1.2
"""Widens the volume's interval: the spectrum of a body that is no ball depends on the direction."""
FEWEST_STEPS = 3
"""Along an axis with fewer voxels a body is no longer sampled, and the partial-volume limit is all that can be said."""
LONGEST_TIP_SHARE = 0.1
PERPENDICULAR_TIP_SHARE = 0.4
"""A perpendicular is no maximum over directions, so it loses more between voxel centres."""
_DUAL_SHELLS = 8.0
_SIGNS = 2.0 * (np.arange(8)[:, None] >> np.arange(3) & 1) - 1.0


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`; `high` is None where nothing bounds it from above."""

    low: float
    high: float | None

    def __post_init__(self) -> None:
        if self.high is not None and not self.low <= self.high:
            raise ValueError(f"An interval runs upwards, not from {self.low} to {self.high}.")

    def times(self, other: Interval) -> Interval:
        """Return the interval of products of two non-negative quantities."""
        high = None if self.high is None or other.high is None else self.high * other.high
        return Interval(self.low * other.low, high)

    def holds(self, value: float) -> bool:
        """Tell whether a value lies within, ends included."""
        return self.low <= value and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with what the grid leaves open.

    Attributes
    ----------
    value, unit
        As measured.
    interval
        Holds the true value of a smooth body in at least 95 of 100 positions of the grid.
    limit
        What half a voxel more or less all around would make of it.
    """

    value: float
    unit: str
    interval: Interval
    limit: Interval


@dataclass(frozen=True, slots=True)
class ExposedFaces:
    """Voxel faces between a lesion and what is around it, by the axis they look along (slice, row, column)."""

    counts: tuple[int, int, int]

    def surface_mm2(self, geometry: VolumeGeometry) -> float:
        """Return the surface of a smooth body without preferred direction that shows these faces, mm2."""
        steps = geometry.index_to_patient_mm[:3, :3]
        areas = [np.linalg.norm(np.cross(steps[:, (axis + 1) % 3], steps[:, (axis + 2) % 3])) for axis in range(3)]
        return float(np.dot(self.counts, areas)) * 2.0 / 3.0


def count_faces(mask: npt.NDArray[np.bool_]) -> ExposedFaces:
    """Count the exposed faces of a mask, axes (slice, row, column); what lies outside the array is background."""
    counts = []
    for axis in range(3):
        inner = int(np.count_nonzero(np.diff(mask, axis=axis)))
        outer = np.count_nonzero(mask.take(0, axis=axis)) + np.count_nonzero(mask.take(-1, axis=axis))
        counts.append(inner + int(outer))
    return ExposedFaces((counts[0], counts[1], counts[2]))


def bound_volume(mask: npt.NDArray[np.bool_], geometry: VolumeGeometry) -> Quantity:
    """Return the volume in mL of a mask without empty outer layers, with its interval and its partial-volume limit."""
    voxel_ml, faces = geometry.voxel_volume_ml, count_faces(mask)
    value = int(np.count_nonzero(mask)) * voxel_ml
    variance_mm6 = faces.surface_mm2(geometry) / (8.0 * np.pi**3) * sum_dual_grid(geometry)
    reach = sum(faces.counts) / 2.0 * voxel_ml
    is_sampled = min(mask.shape) >= FEWEST_STEPS
    spread = min(reach, SHAPE_ALLOWANCE * Z_95 * float(np.sqrt(variance_mm6)) / 1000.0) if is_sampled else reach
    return Quantity(
        value,
        "mL",
        Interval(max(0.0, value - spread), value + spread),
        Interval(max(0.0, value - reach), value + reach),
    )


@lru_cache(maxsize=64)
def sum_dual_grid(geometry: VolumeGeometry) -> float:
    """Return the sum of |k|^-4 over the dual grid without its origin, mm^4.

    Points within eight of the longest dual steps are summed; the others are as dense as the voxel is large, and a
    ball's outside holds 4 pi V / K of them in this weight.
    """
    dual = np.linalg.inv(geometry.index_to_patient_mm[:3, :3])
    reach = _DUAL_SHELLS * float(np.linalg.norm(dual, axis=1).max())
    counts = np.ceil(reach * np.linalg.norm(np.linalg.inv(dual), axis=0)).astype(int)
    total = 0.0
    rows = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in counts[1:]), indexing="ij"), axis=-1).reshape(-1, 2)
    for first in range(-counts[0], counts[0] + 1):
        k = first * dual[0] + rows @ dual[1:]
        squared = (k**2).sum(axis=1)
        kept = squared[(squared > 0) & (squared <= reach**2)]
        total += float((1.0 / kept**2).sum())
    return total + 4.0 * np.pi * geometry.voxel_volume_ml * 1000.0 / reach


def bound_diameter(
    length_mm: float,
    ends_mm: tuple[npt.ArrayLike, npt.ArrayLike],
    steps_mm: npt.NDArray[np.float64],
    slice_factor: float | None = 1.0,
    tip_share: float = LONGEST_TIP_SHARE,
) -> Quantity:
    """Return an edge-to-edge diameter with its interval and its limit.

    Parameters
    ----------
    ends_mm
        Its end points, patient LPS.
    steps_mm
        Columns are the steps between neighbouring voxels along the axes the diameter was free to use: shape (3, 2) for
        an image plane, (3, 3) for space.
    slice_factor
        How much longer the longest section may be than the one measured, from `find_slice_factor`; None where unknown.
    tip_share
        Share of a voxel that a tip may reach beyond the outer edges.
    """
    along = np.subtract(ends_mm[1], ends_mm[0]) / length_mm
    voxel_mm = float(np.abs(along @ steps_mm).sum())
    half_diagonal_mm = _half_diagonal(steps_mm)
    beyond = max(0.0, 4.0 * half_diagonal_mm - voxel_mm)
    low = max(0.0, length_mm - voxel_mm)
    if slice_factor is None:
        return Quantity(length_mm, "mm", Interval(low, None), Interval(low, None))
    high = (length_mm + tip_share * voxel_mm) * slice_factor
    limit = (length_mm + beyond) * slice_factor
    return Quantity(length_mm, "mm", Interval(low, high), Interval(low, max(high, limit)))


def find_slice_factor(length_mm: float, neighbours_mm: tuple[float, float], slice_count: int) -> float | None:
    """Return how much longer the longest section may be than the longest one seen; None with fewer than three slices.

    Parameters
    ----------
    length_mm, neighbours_mm
        Longest diameter, and those of the slices before and after it (0 where there is none).
    slice_count
        Slices the lesion reaches.
    """
    if slice_count < 3:
        return None
    before, after = neighbours_mm
    second_difference = max(0.0, 2.0 * length_mm**2 - before**2 - after**2)
    return float(np.sqrt(1.0 + second_difference / (8.0 * length_mm**2)))


def multiply(first: Quantity, second: Quantity) -> Quantity:
    """Return the product of two diameters, mm2; its ends are the products of the ends."""
    return Quantity(
        first.value * second.value,
        "mm2",
        first.interval.times(second.interval),
        first.limit.times(second.limit),
    )


def _half_diagonal(steps_mm: npt.NDArray[np.float64]) -> float:
    """Half the longest diagonal of a cell."""
    signs = _SIGNS[: 2 ** steps_mm.shape[1], : steps_mm.shape[1]]
    return float(np.linalg.norm(signs @ steps_mm.T, axis=1).max()) / 2.0
