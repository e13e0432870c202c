"""Flat closed shapes: the longest distance across one, and the longest chord at right angles to it.

A shape is given by its vertices and its boundary edges in an orthonormal plane, in mm. It may have holes and several
parts. Both distances are taken between two points of the closed shape and may cross a gap in it: that is how calipers
are laid across a lobed lesion.

References
----------
RECIST 1.1 (Eisenhauer EA et al., Eur J Cancer 2009;45:228-247), Appendix II; criteria.md section 5, MEAS.GEOM.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

Points = npt.NDArray[np.float64]
Point2 = tuple[float, float]

TIE = 1e-9
"""Distances closer than this share of each other are equal: they differ by rounding alone."""
_CHUNK = 2_000_000
_MOST_TIES = 16


@dataclass(frozen=True, slots=True)
class FlatDiameters:
    """Longest diameter and longest perpendicular of a flat shape.

    Attributes
    ----------
    longest_mm, perpendicular_mm
        Lengths; their product is `product_mm2`.
    longest_ends_mm, perpendicular_ends_mm
        Two end points each, in the coordinates of the shape's plane, lower one first.
    """

    longest_mm: float
    longest_ends_mm: tuple[Point2, Point2]
    perpendicular_mm: float
    perpendicular_ends_mm: tuple[Point2, Point2]

    @property
    def product_mm2(self) -> float:
        """Longest diameter times longest perpendicular."""
        return self.longest_mm * self.perpendicular_mm


def measure_polygon(points_mm: npt.ArrayLike) -> FlatDiameters:
    """Return the diameters of a drawn outline.

    Parameters
    ----------
    points_mm
        Corners in drawing order, shape (n, 2), n >= 2, in mm within the image plane; the last joins the first.

    Raises
    ------
    ValueError
        Where there are fewer than two different, finite points.
    """
    vertices = np.asarray(points_mm, dtype=np.float64)
    if vertices.ndim != 2 or vertices.shape[1] != 2 or not np.isfinite(vertices).all():
        raise ValueError("An outline is a list of finite points (x, y).")
    if len(np.unique(vertices, axis=0)) < 2:
        raise ValueError("An outline needs two different points.")
    edges = np.stack([np.arange(len(vertices)), np.roll(np.arange(len(vertices)), -1)], axis=1)
    return measure_shape(vertices, edges)


def measure_shape(vertices: Points, edges: npt.NDArray[np.int64]) -> FlatDiameters:
    """Return the diameters of a shape.

    Where several diameters are equally long the one with the longest perpendicular counts, so that turning or mirroring
    the shape changes nothing; where these are equal too, the one that starts lowest.

    Parameters
    ----------
    vertices
        Shape (n, 2), mm.
    edges
        Shape (m, 2): indices of the vertices that each boundary edge joins.
    """
    best: FlatDiameters | None = None
    for first, second in find_longest_pairs(vertices):
        ends = sorted([_point(vertices[first]), _point(vertices[second])])
        length = float(np.hypot(ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]))
        width, width_ends = _longest_perpendicular(vertices, edges, np.subtract(ends[1], ends[0]) / length)
        if best is None or width > best.perpendicular_mm * (1 + TIE):
            best = FlatDiameters(length, (ends[0], ends[1]), width, width_ends)
    if best is None:
        raise ValueError("A shape needs two different points.")
    return best


def find_longest_pairs(points: Points) -> list[tuple[int, int]]:
    """Return the index pairs of points that lie farthest apart, at most sixteen of them.

    Parameters
    ----------
    points
        Shape (n, d). All pairs are compared, in pieces that fit the cache; give hull candidates, not every voxel.
    """
    rows = max(1, _CHUNK // max(1, len(points)))
    squared = np.concatenate([_farthest(points[start : start + rows], points) for start in range(0, len(points), rows)])
    longest = squared.max(initial=0.0)
    if longest <= 0.0:
        return []
    pairs: list[tuple[int, int]] = []
    for first in np.flatnonzero(squared >= longest * (1 - TIE)):
        distances = ((points[first + 1 :] - points[first]) ** 2).sum(axis=1)
        partners = np.flatnonzero(distances >= longest * (1 - TIE)) + first + 1
        pairs.extend((int(first), int(second)) for second in partners)
        if len(pairs) >= _MOST_TIES:
            break
    return pairs[:_MOST_TIES]


def _farthest(some: Points, points: Points) -> npt.NDArray[np.float64]:
    """Squared distance from each of `some` to the farthest of `points`."""
    farthest: npt.NDArray[np.float64] = cdist(some, points, "sqeuclidean").max(axis=1)
    return farthest


def _longest_perpendicular(
    vertices: Points, edges: npt.NDArray[np.int64], along: npt.NDArray[np.float64]
) -> tuple[float, tuple[Point2, Point2]]:
    """Return the longest chord at right angles to the unit vector `along`.

    On the line at position t along the diameter the shape reaches from l(t) to u(t). Between the projections of two
    neighbouring vertices both are linear, and at a jump a closed shape takes the larger extent: u - l is largest at
    the projection of a vertex, and only those lines are looked at.
    """
    across = np.array([-along[1], along[0]])
    t, s = vertices @ along, vertices @ across
    scale = max(float(np.ptp(t)), float(np.ptp(s)))
    lines = t[np.unique(np.round(t / scale, 12), return_index=True)[1]]
    t0, t1, s0, s1 = t[edges[:, 0]], t[edges[:, 1]], s[edges[:, 0]], s[edges[:, 1]]
    low, high = np.full(len(lines), np.inf), np.full(len(lines), -np.inf)
    step = max(1, _CHUNK // max(1, len(edges)))
    for start in range(0, len(lines), step):
        part = slice(start, start + step)
        low[part], high[part] = _reach(lines[part], (t0, t1, s0, s1), scale * 1e-11)
    widths = high - low
    chosen = int(np.flatnonzero(widths >= widths.max() * (1 - TIE))[0])
    ends = sorted(_point(along * lines[chosen] + across * end) for end in (low[chosen], high[chosen]))
    return float(widths[chosen]), (ends[0], ends[1])


def _reach(
    lines: npt.NDArray[np.float64], edges: tuple[npt.NDArray[np.float64], ...], slack: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return how far the edges reach down and up on each line t = const."""
    t0, t1, s0, s1 = edges
    run = t1 - t0
    is_along_line = np.abs(run) <= slack
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip((lines[:, None] - t0) / np.where(is_along_line, 1.0, run), 0.0, 1.0)
    crossing = s0 + share * (s1 - s0)
    touches = (np.minimum(t0, t1) - slack <= lines[:, None]) & (lines[:, None] <= np.maximum(t0, t1) + slack)
    lowest = np.where(is_along_line, np.minimum(s0, s1), crossing)
    highest = np.where(is_along_line, np.maximum(s0, s1), crossing)
    low = np.where(touches, lowest, np.inf).min(axis=1)
    high = np.where(touches, highest, -np.inf).max(axis=1)
    return low, high


def _point(values: npt.NDArray[np.float64]) -> Point2:
    return (float(values[0]), float(values[1]))
