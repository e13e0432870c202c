"""Signed distances (negative inside) from which anatomy is put together, evaluated only where a shape can reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Distance = npt.NDArray[np.float32]
Place = tuple[float, float, float]
Window = tuple[slice, slice, slice]


class Coordinates(NamedTuple):
    """Open grid of places: three arrays that broadcast to the grid's shape, mm along (slice, row, column)."""

    slice_mm: Distance
    row_mm: Distance
    column_mm: Distance

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the grid."""
        return (self.slice_mm.size, self.row_mm.size, self.column_mm.size)

    def every(self, steps: tuple[int, int, int]) -> Coordinates:
        """Return the coarser grid of every n-th place per axis that reaches to the end of this one."""
        axes = []
        for axis, step in zip(self, steps, strict=True):
            values = axis.ravel()
            pitch = values[1] - values[0] if values.size > 1 else np.float32(1.0)
            count = (values.size - 1 + step - 1) // step + 1
            axes.append((values[0] + np.arange(count, dtype=np.float32) * (pitch * step)).astype(np.float32))
        return Coordinates(axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :])

    def within(self, low_mm: Sequence[float], high_mm: Sequence[float]) -> tuple[Window, Coordinates]:
        """Return the part of the grid inside a box: its index window and its places."""
        slices = []
        for axis, low, high in zip(self, low_mm, high_mm, strict=True):
            first, last = np.searchsorted(axis.ravel(), (low, high))
            slices.append(slice(int(first), int(last)))
        return (slices[0], slices[1], slices[2]), Coordinates(
            self.slice_mm[slices[0]], self.row_mm[:, slices[1]], self.column_mm[:, :, slices[2]]
        )


def open_grid(shape: Sequence[int], spacing_mm: Sequence[float], origin_mm: Sequence[float]) -> Coordinates:
    """Return the places of a grid's voxels without filling the grid."""
    axes = [
        np.float32(o) + np.float32(s) * np.arange(n, dtype=np.float32)
        for n, s, o in zip(shape, spacing_mm, origin_mm, strict=True)
    ]
    return Coordinates(axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :])


class Shape(Protocol):
    """Something with an inside and a box around it."""

    @property
    def box_mm(self) -> tuple[Place, Place]:
        """Lowest and highest place of the shape along (slice, row, column)."""
        ...

    def distance(self, at: Coordinates) -> Distance:
        """Return the signed distance, mm, negative inside."""
        ...


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """An ellipsoid along the axes; the distance is exact for a sphere and about right otherwise."""

    centre_mm: Place
    radii_mm: Place

    @property
    def box_mm(self) -> tuple[Place, Place]:
        """Lowest and highest place."""
        low = tuple(c - r for c, r in zip(self.centre_mm, self.radii_mm, strict=True))
        high = tuple(c + r for c, r in zip(self.centre_mm, self.radii_mm, strict=True))
        return (low[0], low[1], low[2]), (high[0], high[1], high[2])

    def distance(self, at: Coordinates) -> Distance:
        """Return the signed distance, mm."""
        parts = [((a - c) / r) ** 2 for a, c, r in zip(at, self.centre_mm, self.radii_mm, strict=True)]
        distance: Distance = (np.sqrt(parts[0] + parts[1] + parts[2]) - 1.0) * min(self.radii_mm)
        return distance


@dataclass(frozen=True, slots=True)
class Rod:
    """A rod with round ends that may taper from ``radius_mm`` at its start to ``end_radius_mm``."""

    start_mm: Place
    end_mm: Place
    radius_mm: float
    end_radius_mm: float | None = None

    @property
    def box_mm(self) -> tuple[Place, Place]:
        """Lowest and highest place."""
        widest = max(self.radius_mm, self.end_radius_mm or 0.0)
        low = tuple(min(a, b) - widest for a, b in zip(self.start_mm, self.end_mm, strict=True))
        high = tuple(max(a, b) + widest for a, b in zip(self.start_mm, self.end_mm, strict=True))
        return (low[0], low[1], low[2]), (high[0], high[1], high[2])

    def distance(self, at: Coordinates) -> Distance:
        """Return the signed distance, mm."""
        axis = [float(b - a) for a, b in zip(self.start_mm, self.end_mm, strict=True)]
        relative = [a - s for a, s in zip(at, self.start_mm, strict=True)]
        length2 = sum(component**2 for component in axis) + 1e-6
        along = relative[0] * axis[0] + relative[1] * axis[1] + relative[2] * axis[2]
        share = np.clip(along / length2, 0.0, 1.0)
        parts = [(r - share * component) ** 2 for r, component in zip(relative, axis, strict=True)]
        taper = (self.radius_mm if self.end_radius_mm is None else self.end_radius_mm) - self.radius_mm
        distance: Distance = np.sqrt(parts[0] + parts[1] + parts[2]) - (self.radius_mm + taper * share)
        return distance


def near(shape: Shape, at: Coordinates, *, margin_mm: float) -> tuple[Window, Coordinates]:
    """Return the part of the grid within ``margin_mm`` of a shape's box."""
    low, high = shape.box_mm
    return at.within([c - margin_mm for c in low], [c + margin_mm for c in high])


def blend(first: Distance, second: Distance, *, radius_mm: float) -> Distance:
    """Return the union of two shapes with a fillet of about ``radius_mm`` where they meet."""
    share = np.clip(0.5 + (second - first) / (2.0 * radius_mm), 0.0, 1.0)
    union: Distance = second + (first - second) * share - radius_mm * share * (1 - share)
    return union
