"""A canvas of CT numbers onto which anatomy is painted with soft edges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from inference.training.synthetic.noise import Field, enlarge, smooth_noise, smooth_step
from inference.training.synthetic.shapes import Coordinates, Distance, Place, Shape, near

AIR, LUNG, FAT, FLUID, MUSCLE, BLOOD, MARROW, CORTEX = -1000.0, -862.0, -104.0, 8.0, 52.0, 165.0, 190.0, 780.0
"""CT numbers, HU, of a venous contrast phase."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """CT numbers on an open grid; ``spacing_mm`` along (slice, row, column) of the anatomy's own frame."""

    hu: Field
    at: Coordinates
    spacing_mm: Place

    def inside(self, distance: Distance, *, width: float) -> Field:
        """Return the share inside a surface; on a grid of thick steps (for projections) the edge is as wide as one."""
        return smooth_step(distance, width=max(width, self.spacing_mm[1]))

    def paint(self, share: Field, value: float | Field) -> None:
        """Mix a tissue in over the whole canvas."""
        self.hu[...] += share * (value - self.hu)

    def paint_shape(
        self,
        shape: Shape,
        value: float,
        *,
        edge_mm: float = 1.4,
        grow_mm: float = 0.0,
        grain: Field | None = None,
        within: Field | None = None,
    ) -> None:
        """Mix a tissue in inside a shape, its surface moved outwards by ``grow_mm`` and by ``-grain``."""
        margin = edge_mm + max(grow_mm, 0.0) + (6.0 if grain is not None else 0.0)
        window, here = near(shape, self.at, margin_mm=margin)
        if 0 in here.shape:
            return
        distance = shape.distance(here) - grow_mm
        share = smooth_step(distance if grain is None else distance + grain[window], width=edge_mm)
        if within is not None:
            share *= within[window]
        patch = self.hu[window]
        patch += share * (value - patch)

    def noise(self, rng: np.random.Generator, *, scale_mm: float) -> Field:
        """Return smooth noise over the canvas."""
        return smooth_noise(rng, self.at.shape, self.spacing_mm, scale_mm=scale_mm)

    def smooth(self, distance: Callable[[Coordinates], Distance], *, step_mm: float = 3.5) -> Distance:
        """Evaluate a smooth field on a coarse grid and interpolate: distances to large organs need no more."""
        steps = [max(1, round(step_mm / spacing)) for spacing in self.spacing_mm]
        coarse = self.at.every((steps[0], steps[1], steps[2]))
        values = np.broadcast_to(np.asarray(distance(coarse), dtype=np.float32), coarse.shape)
        return enlarge(values, self.at.shape, factors=steps)
