"""Lesions: the connected regions of each segment of a label map, and how a reader parts two that touch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from studies.errors import InvalidInputError
from studies.imaging.geometry import VolumeGeometry
from studies.label_maps.label_map import LabelMap
from studies.tracking.runs import Runs, connect_runs, find_runs

Index = tuple[int, int, int]
Vector = tuple[float, float, float]

_STEPS_PER_VOXEL = 4


class CutError(InvalidInputError, ValueError):
    """A cut that does not part a lesion in two."""

    code: ClassVar[str] = "lesion.cut_does_not_separate"


class CutMissesError(CutError):
    """A cut across no lesion, or across several."""

    code: ClassVar[str] = "lesion.cut_misses"


@dataclass(frozen=True, slots=True)
class Lesion:
    """One lesion: its own voxels within the smallest box that holds them.

    Attributes
    ----------
    segment_number
        The segment it belongs to.
    lesion_number
        From 1 within its segment, by the first voxel in the order (slice, row, column).
    start
        Index (slice, row, column) of the box's first voxel in the label map.
    mask
        Axes (slice, row, column); true for the lesion's voxels. No outer layer is empty.
    """

    segment_number: int
    lesion_number: int
    start: Index
    mask: npt.NDArray[np.bool_]

    @property
    def voxel_count(self) -> int:
        """Number of voxels."""
        return int(np.count_nonzero(self.mask))

    @property
    def box(self) -> tuple[slice, slice, slice]:
        """The box as an index into the label map or the image on the same grid."""
        low, size = self.start, self.mask.shape
        return (
            slice(low[0], low[0] + size[0]),
            slice(low[1], low[1] + size[1]),
            slice(low[2], low[2] + size[2]),
        )

    def voxel_indices(self) -> npt.NDArray[np.int64]:
        """Return the indices of its voxels in the label map, shape (n, 3)."""
        indices: npt.NDArray[np.int64] = np.argwhere(self.mask) + np.asarray(self.start)
        return indices

    def centroid_mm(self, geometry: VolumeGeometry) -> Vector:
        """Return the mean position of its voxel centres, patient LPS, mm."""
        affine = geometry.index_to_patient_mm
        x, y, z = affine[:3, :3] @ self.voxel_indices().mean(axis=0) + affine[:3, 3]
        return (float(x), float(y), float(z))


def find_lesions(label_map: LabelMap, *, smallest_voxel_count: int = 1) -> tuple[Lesion, ...]:
    """Return the lesions of a label map by segment, then by first voxel.

    Voxels of one segment that share a face, an edge or a corner belong to one lesion.
    """
    runs = find_runs(label_map.voxels)
    if len(runs.values) == 0:
        return ()
    labels = connect_runs(runs)
    order = np.argsort(labels, kind="stable")
    bounds = np.flatnonzero(np.diff(labels[order], prepend=-1))
    groups = np.split(order, bounds[1:])
    lesions = [_lesion_of(runs, group) for group in groups]
    return number_lesions([each for each in lesions if each.voxel_count >= smallest_voxel_count])


def number_lesions(lesions: list[Lesion]) -> tuple[Lesion, ...]:
    """Return lesions in their order, numbered from 1 within each segment."""
    ordered = sorted(lesions, key=lambda each: (each.segment_number, _first_voxel(each)))
    counts: dict[int, int] = {}
    numbered = []
    for lesion in ordered:
        counts[lesion.segment_number] = counts.get(lesion.segment_number, 0) + 1
        numbered.append(replace(lesion, lesion_number=counts[lesion.segment_number]))
    return tuple(numbered)


def find_crossed(lesions: Iterable[Lesion], geometry: VolumeGeometry, ends_mm: tuple[Vector, Vector]) -> Lesion:
    """Return the one lesion that a line runs through.

    Parameters
    ----------
    ends_mm
        End points of the line, patient LPS; a place belongs to the voxel with the nearest centre.

    Raises
    ------
    CutMissesError
        Where the line runs through no lesion, or through several.
    """
    voxels = _voxels_along(geometry, ends_mm)
    crossed = [lesion for lesion in lesions if _holds_any(lesion, voxels)]
    if not crossed:
        raise CutMissesError("The line crosses no lesion of this segment; draw it right across one.")
    if len(crossed) > 1:
        raise CutMissesError(f"The line crosses {len(crossed)} lesions of this segment; draw it across one.")
    return crossed[0]


def cut_by_plane(lesion: Lesion, geometry: VolumeGeometry, point_mm: Vector, normal: Vector) -> tuple[Lesion, Lesion]:
    """Part a lesion by a plane: voxels whose centre lies on the side of the normal, or on the plane, and the others.

    Parameters
    ----------
    point_mm, normal
        A point of the plane and a vector at right angles to it, patient LPS; the normal need not have length one.

    Raises
    ------
    CutError
        Where all voxels lie on one side.
    """
    affine = geometry.index_to_patient_mm
    centres = lesion.voxel_indices() @ affine[:3, :3].T + affine[:3, 3]
    is_beyond = (centres - np.asarray(point_mm)) @ np.asarray(normal) >= 0.0
    if is_beyond.all() or not is_beyond.any():
        raise CutError("The cut passes beside the lesion; draw it right across.")
    beyond = np.zeros_like(lesion.mask)
    beyond[lesion.mask] = is_beyond
    return _halves(lesion, beyond)


def cut_by_line(
    lesion: Lesion, geometry: VolumeGeometry, ends_mm: tuple[Vector, Vector], view_normal: Vector
) -> tuple[Lesion, Lesion]:
    """Part a lesion by a line drawn in a view: by the plane that holds the line and the direction of sight.

    Parameters
    ----------
    ends_mm
        End points of the line, patient LPS.
    view_normal
        Direction of sight, patient LPS.

    Raises
    ------
    CutError
        Where the line is a point, runs along the direction of sight, or passes beside the lesion.
    """
    normal = np.cross(np.subtract(ends_mm[1], ends_mm[0]), view_normal)
    if float(np.linalg.norm(normal)) < 1e-9:
        raise CutError("The line has no length in this view; draw it right across the lesion.")
    x, y, z = (float(value) for value in normal)
    return cut_by_plane(lesion, geometry, ends_mm[0], (x, y, z))


def _voxels_along(geometry: VolumeGeometry, ends_mm: tuple[Vector, Vector]) -> npt.NDArray[np.int64]:
    """Return the voxels of the grid that a line runs through, shape (n, 3)."""
    ends = np.asarray(ends_mm, dtype=np.float64)
    if not np.isfinite(ends).all():
        raise CutMissesError("The ends of the line are no places; draw it again.")
    affine = geometry.index_to_patient_mm
    start, end = (ends - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T
    length = float(np.abs(end - start).max())
    if length > 2 * sum(geometry.shape):
        raise CutMissesError("The line reaches far beyond the images; draw it again.")
    shares = np.linspace(0.0, 1.0, int(np.ceil(length * _STEPS_PER_VOXEL)) + 1)
    places: npt.NDArray[np.int64] = np.rint(start + shares[:, None] * (end - start)).astype(np.int64)
    return places


def _holds_any(lesion: Lesion, voxels: npt.NDArray[np.int64]) -> bool:
    local = voxels - np.asarray(lesion.start)
    inside = local[((local >= 0) & (local < lesion.mask.shape)).all(axis=1)]
    return bool(lesion.mask[tuple(inside.T)].any())


def _lesion_of(runs: Runs, group: npt.NDArray[np.int64]) -> Lesion:
    """Paint the runs of one component: +1 where a run starts, -1 where it ends, summed along the row."""
    slices, rows, starts, ends = (each[group] for each in (runs.slices, runs.rows, runs.starts, runs.ends))
    low = (int(slices.min()), int(rows.min()), int(starts.min()))
    size = (int(slices.max()) - low[0] + 1, int(rows.max()) - low[1] + 1, int(ends.max()) - low[2])
    steps = np.zeros((*size[:2], size[2] + 1), dtype=np.int8)
    steps[slices - low[0], rows - low[1], starts - low[2]] = 1
    steps[slices - low[0], rows - low[1], ends - low[2]] = -1
    mask = np.cumsum(steps[..., :-1], axis=-1, dtype=np.int8).astype(bool)
    return Lesion(int(runs.values[group[0]]), 0, low, mask)


def _first_voxel(lesion: Lesion) -> Index:
    s, r, c = (int(x) for x in np.unravel_index(int(np.argmax(lesion.mask)), lesion.mask.shape))
    return (s + lesion.start[0], r + lesion.start[1], c + lesion.start[2])


def _halves(lesion: Lesion, one: npt.NDArray[np.bool_]) -> tuple[Lesion, Lesion]:
    first, second = number_lesions([_cropped(lesion, one), _cropped(lesion, lesion.mask & ~one)])
    return first, second


def _cropped(lesion: Lesion, mask: npt.NDArray[np.bool_]) -> Lesion:
    box = ndimage.find_objects(mask.astype(np.int8))[0]
    start = tuple(low + each.start for low, each in zip(lesion.start, box, strict=True))
    return Lesion(lesion.segment_number, 0, (start[0], start[1], start[2]), mask[box].copy())
