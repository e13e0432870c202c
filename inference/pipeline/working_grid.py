"""Where a network's grid lies over a series, along the network's axes, and the way there and back.

References
----------
`monai.transforms.Spacing`, `monai.data.utils.compute_shape_offset`, `monai.transforms.SpatialResample.inverse`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from inference.classical.grey_values import GreyValues
from inference.network_spec import GridPlacement, NetworkSpec
from inference.pipeline.labelling import Positions, find_positions
from inference.pipeline.preprocess import Image, Shape, find_working_shape, resample

Steps = tuple[float, float, float]
_SAME_SPACING_MM = 1e-3
"""Spacings that differ by no more are the same: such an axis is not resampled."""
_SAME_PLACE = 1e-8
"""Voxels; see `_is_corner_first`."""


class WorkingGrid(Protocol):
    """Voxels that a network sees."""

    @property
    def shape(self) -> Shape:
        """How many there are along each axis."""
        ...

    def resample(self, voxels: GreyValues) -> Image:
        """Return a series' values on them."""
        ...

    def find_positions(self, before: Shape, *, is_linear: bool) -> tuple[Positions, ...]:
        """Locate the series' voxels among them, with `before` voxels of padding in front; not linear is nearest."""
        ...


@dataclass(frozen=True, slots=True)
class ExtentGrid:
    """A grid whose outer borders are the series'.

    Attributes
    ----------
    series_shape, shape
        Voxels of both.
    """

    series_shape: Shape
    shape: Shape

    def resample(self, voxels: GreyValues) -> Image:
        """Return a series' values, smoothed where the grid is coarser."""
        return resample(voxels, self.shape)

    def find_positions(self, before: Shape, *, is_linear: bool) -> tuple[Positions, ...]:
        """Locate the series' voxels."""
        sizes = zip(self.series_shape, self.shape, before, strict=True)
        return tuple(find_positions(n, w, before=b, is_linear=is_linear) for n, w, b in sizes)


@dataclass(frozen=True, slots=True)
class MonaiGrid:
    """A grid that begins with the series' first voxel, as MONAI's `Spacing` lays it.

    Attributes
    ----------
    series_shape, shape
        Voxels of both.
    steps
        Voxels of the series from one working voxel to the next.
    starts
        Voxel of the series, in fractions, at which the first working voxel lies.
    """

    series_shape: Shape
    shape: Shape
    steps: Steps
    starts: Steps

    def resample(self, voxels: GreyValues) -> Image:
        """Take a series' values at the working voxels, linear in between, the edge not extrapolated.

        Grids that become coarser are not smoothed: so MONAI does, and so its networks were trained.
        """
        image = voxels.astype(np.float32)
        for axis, (size, step, start) in enumerate(zip(self.shape, self.steps, self.starts, strict=True)):
            if size == image.shape[axis] and step == 1.0 and start == 0.0:
                continue
            last = image.shape[axis] - 1
            places = np.clip(start + np.arange(size) * step, 0, last)
            below = np.floor(places).astype(np.intp)
            share = (places - below).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
            low = image.take(below, axis)
            image = low + share * (image.take(np.minimum(below + 1, last), axis) - low)
        return np.ascontiguousarray(image)

    def find_positions(self, before: Shape, *, is_linear: bool) -> tuple[Positions, ...]:
        """Locate the series' voxels."""
        return tuple(self._find_axis(axis, before[axis], is_linear=is_linear) for axis in range(3))

    def _find_axis(self, axis: int, before: int, *, is_linear: bool) -> Positions:
        last = self.shape[axis] - 1
        places = np.clip((np.arange(self.series_shape[axis]) - self.starts[axis]) / self.steps[axis], 0, last)
        if not is_linear:
            places = np.round(places)
        below = np.floor(places).astype(np.intp)
        share = (places - below).astype(np.float32)
        above = np.where(share > 0, np.minimum(below + 1, last), below)
        return Positions(below + before, above + before, share)


def fit_slices(shape: Shape, longest_side: int) -> WorkingGrid:
    """Return a grid of as many slices over the series, whose longer side has so many pixels, in proportion."""
    planes, rows, columns = shape
    share = longest_side / max(rows, columns)
    return ExtentGrid(shape, (planes, max(1, round(rows * share)), max(1, round(columns * share))))


def place_working_grid(shape: Shape, axes_mm: npt.NDArray[np.float64], network: NetworkSpec) -> WorkingGrid:
    """Return a network's grid over a series; `shape` and `axes_mm` as for `place_grid`."""
    if network.longest_side is not None:
        return fit_slices(shape, network.longest_side)
    return place_grid(shape, axes_mm, network.spacing_mm, network.placement)


def place_grid(
    shape: Shape, axes_mm: npt.NDArray[np.float64], target_mm: Steps | None, placement: GridPlacement
) -> WorkingGrid:
    """Return the grid of a wanted spacing over a series.

    Parameters
    ----------
    shape
        Voxels of the series along the network's axes.
    axes_mm
        3x3: column by column, the way in mm from a voxel to the next along each of these axes.
    target_mm
        The spacing; None is the series' own.
    placement
        How the grid lies on the series'.
    """
    spacing_mm = np.linalg.norm(axes_mm, axis=0)
    if target_mm is None or placement is GridPlacement.SAME_EXTENT:
        return ExtentGrid(shape, find_working_shape(shape, tuple(spacing_mm.tolist()), target_mm))
    return _place_as_monai(shape, axes_mm, spacing_mm, target_mm)


def _place_as_monai(
    shape: Shape, axes_mm: npt.NDArray[np.float64], spacing_mm: npt.NDArray[np.float64], target_mm: Steps
) -> MonaiGrid:
    wanted_mm = np.where(np.abs(spacing_mm - target_mm) <= _SAME_SPACING_MM, spacing_mm, target_mm)
    steps = wanted_mm / spacing_mm
    # the end is added before rounding: halves go to even numbers
    sizes = [max(1, round((n - 1) / step + 1)) for n, step in zip(shape, steps, strict=True)]
    if (steps == 1.0).all() or _is_corner_first(shape, axes_mm, wanted_mm):
        starts = [0.0, 0.0, 0.0]
    else:
        starts = [n / 2 - size / 2 * step for n, size, step in zip(shape, sizes, steps, strict=True)]
    return MonaiGrid(
        shape,
        (sizes[0], sizes[1], sizes[2]),
        (float(steps[0]), float(steps[1]), float(steps[2])),
        (float(starts[0]), float(starts[1]), float(starts[2])),
    )


def _is_corner_first(shape: Shape, axes_mm: npt.NDArray[np.float64], wanted_mm: npt.NDArray[np.float64]) -> bool:
    """Tell whether the first voxels of both grids coincide, rather than the middles.

    They do where no corner of the series lies before its first voxel, seen along the new axes. Where an oblique series
    was stored in single precision its axes are not quite perpendicular, one does by a hair, and MONAI goes by the
    middles: up to half a voxel elsewhere.
    """
    along_new = np.linalg.cholesky(axes_mm.T @ axes_mm).T / wanted_mm[:, None]
    before = np.minimum(along_new, 0.0) @ (np.asarray(shape, float) - 1.0)
    return bool((before >= -_SAME_PLACE).all())
