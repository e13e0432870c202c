"""Diameters of a lesion in the plane of its images, and through space.

Distances run from edge to edge: between corners of voxels, not between centres. A single pixel is as long as its
diagonal. Centre-to-centre distances, which other tools print, are shorter by up to one pixel.

References
----------
RECIST 1.1 (Eisenhauer EA et al., Eur J Cancer 2009;45:228-247), Appendix II; criteria.md section 5, MEAS.GEOM.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from studies.imaging.geometry import VolumeGeometry
from studies.tracking.components import Lesion
from studies.tracking.outline import TIE, FlatDiameters, Point2, find_longest_pairs, measure_shape
from studies.tracking.planes import Vector, flatten_plane

_DIRECTIONS = 24
_SLACK = 1.0 / np.cos(np.pi / (2 * _DIRECTIONS))
"""A diameter is at most this much longer than the widest of the shadows cast along evenly spread directions."""
_HULL_FROM = 400
"""From so many points on, finding their convex hull first is faster than comparing all of them."""


@dataclass(frozen=True, slots=True)
class Diameter:
    """A distance with its two end points.

    Attributes
    ----------
    length_mm
        Distance.
    ends_index
        (slice, row, column) in the label map, fractional: voxel centres are whole numbers, corners lie at halves.
    ends_mm
        The same points in patient LPS.
    """

    length_mm: float
    ends_index: tuple[Vector, Vector]
    ends_mm: tuple[Vector, Vector]


@dataclass(frozen=True, slots=True)
class InPlaneDiameters:
    """Longest diameter and longest perpendicular in one image.

    Attributes
    ----------
    slice_index
        From 0, in the label map.
    longest, perpendicular
        At right angles exactly, in the same slice.
    part_count
        Number of separate parts of the lesion in that slice; above one the diameter crosses a gap.
    neighbours_mm
        Longest diameters in the slices before and after, 0 where the lesion does not reach them.
    """

    slice_index: int
    longest: Diameter
    perpendicular: Diameter
    part_count: int
    neighbours_mm: tuple[float, float]

    @property
    def product_mm2(self) -> float:
        """Longest diameter times longest perpendicular."""
        return self.longest.length_mm * self.perpendicular.length_mm


@dataclass(frozen=True, slots=True)
class _RowEnds:
    """First and last corner on each line between pixel rows; infinite where the lesion does not touch the line.

    Attributes
    ----------
    first, last
        Column edges, shape (slices, rows + 1).
    """

    first: npt.NDArray[np.float64]
    last: npt.NDArray[np.float64]


def measure_in_plane(lesion: Lesion, geometry: VolumeGeometry) -> InPlaneDiameters:
    """Return the longest diameter over all slices, and its perpendicular.

    Among equally long diameters the one with the longest perpendicular counts, then the one in the lowest slice.
    """
    to_plane = flatten_plane(geometry)
    ends = _row_ends(lesion.mask)
    widths = _widest_shadows(ends, to_plane)
    longest = _longest_by_slice(ends, widths, to_plane)
    best: tuple[int, FlatDiameters] | None = None
    for index in np.flatnonzero(longest >= longest.max() * (1 - TIE)).tolist():
        flat = measure_shape(*_outline(lesion.mask[index], to_plane))
        if best is None or flat.perpendicular_mm > best[1].perpendicular_mm * (1 + TIE):
            best = (index, flat)
    if best is None:
        raise ValueError("A lesion has at least one voxel.")
    index, flat = best
    slice_index = lesion.start[0] + index
    padded = np.concatenate([[0.0], widths, [0.0]])
    return InPlaneDiameters(
        slice_index=slice_index,
        longest=_placed(flat.longest_mm, flat.longest_ends_mm, slice_index, lesion, geometry),
        perpendicular=_placed(flat.perpendicular_mm, flat.perpendicular_ends_mm, slice_index, lesion, geometry),
        part_count=int(ndimage.label(lesion.mask[index], np.ones((3, 3)))[1]),
        neighbours_mm=(float(padded[index]), float(padded[index + 2])),
    )


def measure_through_space(lesion: Lesion, geometry: VolumeGeometry) -> Diameter:
    """Return the longest distance between two corners of the lesion's voxels."""
    corners = _hull_candidates(_row_ends(lesion.mask)) + np.asarray(lesion.start) - 0.5
    affine = geometry.index_to_patient_mm
    points = corners @ affine[:3, :3].T + affine[:3, 3]
    kept = _on_hull(points)
    first, second = min(
        tuple(sorted((tuple(corners[kept[i]]), tuple(corners[kept[j]]))))
        for i, j in find_longest_pairs(points[kept] - points.mean(axis=0))
    )
    return _between(first, second, geometry)


def _row_ends(mask: npt.NDArray[np.bool_]) -> _RowEnds:
    """A line between two pixel rows touches the pixels of both."""
    slices, rows, columns = mask.shape
    is_used = mask.any(axis=2)
    first = np.full((slices, rows + 2), np.inf)
    last = np.full((slices, rows + 2), -np.inf)
    first[:, 1:-1] = np.where(is_used, mask.argmax(axis=2), np.inf)
    last[:, 1:-1] = np.where(is_used, columns - mask[:, :, ::-1].argmax(axis=2), -np.inf)
    return _RowEnds(np.minimum(first[:, 1:], first[:, :-1]), np.maximum(last[:, 1:], last[:, :-1]))


def _widest_shadows(ends: _RowEnds, to_plane: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return for each slice the widest of its shadows along evenly spread directions: never above its diameter."""
    is_used = np.isfinite(ends.first)
    first, last = np.where(is_used, ends.first, 0.0), np.where(is_used, ends.last, 0.0)
    lines = np.arange(ends.first.shape[1])
    widest = np.zeros(len(first))
    for angle in np.arange(_DIRECTIONS) * np.pi / _DIRECTIONS:
        per_row, per_column = to_plane @ (np.cos(angle), np.sin(angle))
        low = lines * per_row + np.minimum(first * per_column, last * per_column)
        high = lines * per_row + np.maximum(first * per_column, last * per_column)
        width = np.where(is_used, high, -np.inf).max(axis=1) - np.where(is_used, low, np.inf).min(axis=1)
        widest = np.maximum(widest, np.where(is_used.any(axis=1), width, 0.0))
    return widest


def _longest_by_slice(
    ends: _RowEnds, widths: npt.NDArray[np.float64], to_plane: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the exact diameter of each slice that can hold the longest, 0 for the others."""
    longest = np.zeros(len(widths))
    best = float(widths.max())
    for index in np.argsort(-widths, kind="stable"):
        if widths[index] * _SLACK < best * (1 - TIE):
            break
        lines = np.flatnonzero(np.isfinite(ends.first[index]))
        columns = np.concatenate([ends.first[index, lines], ends.last[index, lines]])
        points = np.stack([np.tile(lines, 2), columns], axis=1) @ to_plane
        first, second = find_longest_pairs(points)[0]
        longest[index] = float(np.linalg.norm(points[first] - points[second]))
        best = max(best, float(longest[index]))
    return longest


def _outline(
    mask: npt.NDArray[np.bool_], to_plane: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return the corners and the straight edges of the pixels' outline, holes included; axes (row, column)."""
    padded = np.pad(mask, 1)
    level = _straight_edges(padded[1:, 1:-1] != padded[:-1, 1:-1])
    upright = _straight_edges((padded[1:-1, 1:] != padded[1:-1, :-1]).T)[:, :, ::-1]
    edges = np.concatenate([level, upright])
    width = mask.shape[1] + 1
    keys, places = np.unique(edges[..., 0] * width + edges[..., 1], return_inverse=True)
    vertices = np.stack([keys // width, keys % width], axis=1) @ to_plane
    return vertices, places.reshape(-1, 2)


def _straight_edges(is_edge: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Join neighbouring unit edges along the second axis; shape (n, 2 ends, 2 coordinates)."""
    steps = np.diff(np.pad(is_edge, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    line, start = np.nonzero(steps == 1)
    _, end = np.nonzero(steps == -1)
    return np.stack([np.stack([line, start], axis=1), np.stack([line, end], axis=1)], axis=1)


def _hull_candidates(ends: _RowEnds) -> npt.NDArray[np.float64]:
    """Return the corners (slice, row, column edges) that can lie on the convex hull: first and last on each line."""
    first = np.pad(ends.first, ((1, 1), (0, 0)), constant_values=np.inf)
    last = np.pad(ends.last, ((1, 1), (0, 0)), constant_values=-np.inf)
    kept = []
    for sign, edge in ((1.0, np.minimum(first[1:], first[:-1])), (-1.0, -np.maximum(last[1:], last[:-1]))):
        slices, rows = np.nonzero(_is_outermost(edge))
        kept.append(np.stack([slices, rows, sign * edge[slices, rows]], axis=1))
    return np.concatenate(kept)


def _is_outermost(edge: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Tell which points of a height field lie below the middle of each two opposite neighbours.

    The others lie in the convex hull of their neighbours, on any grid: affine maps keep middles.
    """
    padded = np.pad(edge, 1, constant_values=np.inf)
    slices, rows = edge.shape
    kept = np.isfinite(edge)
    for ds, dr in ((0, 1), (1, 0), (1, 1), (1, -1)):
        before = padded[1 - ds : 1 - ds + slices, 1 - dr : 1 - dr + rows]
        after = padded[1 + ds : 1 + ds + slices, 1 + dr : 1 + dr + rows]
        kept &= edge < (before + after) / 2.0
    return kept


def _on_hull(points: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    if len(points) < _HULL_FROM:
        return np.arange(len(points))
    try:
        return ConvexHull(points - points.mean(axis=0)).vertices.astype(np.int64)
    except QhullError:  # voxels so flat that rounding makes them a plane
        return np.arange(len(points))


def _placed(
    length_mm: float,
    ends_mm: tuple[Point2, Point2],
    slice_index: int,
    lesion: Lesion,
    geometry: VolumeGeometry,
) -> Diameter:
    """Carry end points from the image plane to the label map and the patient."""
    steps = np.asarray(ends_mm) @ np.linalg.inv(flatten_plane(geometry))
    rows = steps[:, 0] + lesion.start[1] - 0.5
    columns = steps[:, 1] + lesion.start[2] - 0.5
    first, second = ((float(slice_index), float(r), float(c)) for r, c in zip(rows, columns, strict=True))
    placed = _between(first, second, geometry)
    return Diameter(length_mm, placed.ends_index, placed.ends_mm)


def _between(first: tuple[float, ...], second: tuple[float, ...], geometry: VolumeGeometry) -> Diameter:
    affine = geometry.index_to_patient_mm
    places = [affine[:3, :3] @ np.asarray(end) + affine[:3, 3] for end in (first, second)]
    return Diameter(
        length_mm=float(np.linalg.norm(places[0] - places[1])),
        ends_index=(_vector(first), _vector(second)),
        ends_mm=(_vector(places[0]), _vector(places[1])),
    )


def _vector(values: npt.ArrayLike) -> Vector:
    x, y, z = (float(value) for value in np.asarray(values, dtype=np.float64))
    return (x, y, z)
