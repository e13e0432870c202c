"""From summed scores on the network's grid to labels on the series' own grid, slice by slice. Knows no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from inference.pipeline.windows import WindowGrid

Shape = tuple[int, int, int]
Labels = npt.NDArray[np.uint8]
Sums = npt.NDArray[np.int32]
"""Fixed-point sums of weighted scores of one working slice: (class, row, column)."""


@dataclass(frozen=True, slots=True)
class Positions:
    """Where the voxels of one axis lie between the voxels of another: below, above, and the share of above."""

    below: npt.NDArray[np.intp]
    above: npt.NDArray[np.intp]
    share: npt.NDArray[np.float32]


def find_positions(size: int, size_working: int) -> Positions:
    """Locate each voxel of an axis on the working axis over the same extent; the edge is not extrapolated."""
    centres = np.clip((np.arange(size) + 0.5) * size_working / size - 0.5, 0, size_working - 1)
    below = np.floor(centres).astype(np.intp)
    above = np.minimum(below + 1, size_working - 1)
    return Positions(below, above, (centres - below).astype(np.float32))


@dataclass(frozen=True, slots=True)
class SliceLabeller:
    """Interpolates the scores of each class at the series' voxels and takes the class that scores highest.

    Attributes
    ----------
    grid
        The windows over the padded working grid.
    shape
        Voxels of the series.
    working_shape
        Voxels of the working grid before padding.
    """

    grid: WindowGrid
    shape: Shape
    working_shape: Shape
    positions: tuple[Positions, ...] = field(init=False)

    def __post_init__(self) -> None:
        pairs = zip(self.shape, self.working_shape, strict=True)
        object.__setattr__(self, "positions", tuple(find_positions(n, w) for n, w in pairs))

    def slices_needed(self, index: int) -> tuple[int, ...]:
        """Return the working slices that a slice of the series lies between (one where it lies on it)."""
        along = self.positions[0]
        below, above = int(along.below[index]), int(along.above[index])
        return (below,) if below == above or along.share[index] == 0 else (below, above)

    def label_slice(self, index: int, sums: dict[int, Sums]) -> Labels:
        """Label one slice of the series from the complete sums of the working slices it needs; ties go to the lower."""
        needed = self.slices_needed(index)
        share = self.positions[0].share[index]
        best, labels = None, np.zeros(self.shape[1:], np.uint8)
        for segment_number in range(sums[needed[0]].shape[0]):
            plane = self._normalise(sums[needed[0]][segment_number], needed[0])
            if len(needed) == 2:
                other = self._normalise(sums[needed[1]][segment_number], needed[1])
                plane = plane * (np.float32(1) - share) + other * share
            score = self._interpolate(plane)
            if best is None:
                best = score
                continue
            labels[score > best] = segment_number
            best = np.maximum(best, score)
        return labels

    def _normalise(self, plane: npt.NDArray[np.int32], working_slice: int) -> npt.NDArray[np.float32]:
        rows, columns = self.working_shape[1:]
        weight = self.grid.plane_sums[:rows, :columns] * self.grid.axis_sums[0][working_slice]
        scores: npt.NDArray[np.float32] = plane[:rows, :columns].astype(np.float32) / weight
        return scores

    def _interpolate(self, plane: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        if plane.shape == self.shape[1:]:
            return plane
        rows, columns = self.positions[1:]
        down = rows.share[:, None]
        plane = plane[rows.below] * (1 - down) + plane[rows.above] * down
        return plane[:, columns.below] * (1 - columns.share) + plane[:, columns.above] * columns.share
