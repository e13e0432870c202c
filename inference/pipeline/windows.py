"""Where sliding windows lie and how much each voxel of one counts. Knows no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Shape = tuple[int, int, int]
Weights = npt.NDArray[np.float32]

LARGEST_SCORE = 256.0
"""Scores beyond this are cut: it bounds the fixed-point sums."""
_WEIGHT_FLOOR = 0.1


def find_starts(size: int, window: int, overlap: float) -> tuple[int, ...]:
    """Return where windows begin along one axis; the last one ends with the axis.

    Parameters
    ----------
    size, window
        Voxels; `size` is at least `window` (pad first).
    overlap
        Share of a window that the next one repeats, 0 to below 1.
    """
    if size < window:
        raise ValueError(f"An axis of {size} voxels must be padded to the window's {window}.")
    step = max(1, round(window * (1.0 - overlap)))
    return (*range(0, size - window, step), size - window)


def weigh_axis(window: int) -> Weights:
    """Return a window's Gaussian weights along one axis: sigma an eighth of it, 1 in the middle, at least 0.1."""
    offsets = np.arange(window) - (window - 1) / 2
    gaussian = np.exp(-0.5 * (offsets / (window / 8)) ** 2)
    weights: Weights = np.maximum(gaussian / gaussian.max(), _WEIGHT_FLOOR).astype(np.float32)
    return weights


@dataclass(frozen=True, slots=True)
class WindowGrid:
    """Sliding windows over a padded working grid.

    Weights are products of one vector per axis, so the weight that a voxel has received in all is a product as well
    and no count map is kept.

    Attributes
    ----------
    shape
        Voxels of the padded working grid, (slice, row, column).
    window
        Voxels of one window.
    overlap
        Share of a window that the next one repeats.
    starts
        First index of the windows along each axis.
    axis_weights
        Weights of one window along each axis.
    axis_sums
        Sum of the weights over all windows at each index of each axis.
    scale
        Fixed-point units of one score: the largest power of two with which no sum overflows 32 bits.
    """

    shape: Shape
    window: Shape
    overlap: float
    starts: tuple[tuple[int, ...], ...] = field(init=False)
    axis_weights: tuple[Weights, ...] = field(init=False)
    axis_sums: tuple[Weights, ...] = field(init=False)
    scale: float = field(init=False)

    def __post_init__(self) -> None:
        starts = tuple(find_starts(n, w, self.overlap) for n, w in zip(self.shape, self.window, strict=True))
        weights = tuple(weigh_axis(w) for w in self.window)
        sums = tuple(
            _sum_weights(size, axis_starts, axis_weights)
            for size, axis_starts, axis_weights in zip(self.shape, starts, weights, strict=True)
        )
        largest_sum = LARGEST_SCORE * math.prod(float(axis.max()) for axis in sums)
        object.__setattr__(self, "starts", starts)
        object.__setattr__(self, "axis_weights", weights)
        object.__setattr__(self, "axis_sums", sums)
        object.__setattr__(self, "scale", 2.0 ** math.floor(math.log2(2**30 / largest_sum)))

    @property
    def window_weights(self) -> Weights:
        """Weights of one window, (slice, row, column)."""
        z, y, x = self.axis_weights
        return z[:, None, None] * y[None, :, None] * x[None, None, :]

    @property
    def plane_sums(self) -> Weights:
        """Sum of the in-plane weights at each (row, column)."""
        return self.axis_sums[1][:, None] * self.axis_sums[2][None, :]


def _sum_weights(size: int, starts: tuple[int, ...], weights: Weights) -> Weights:
    total = np.zeros(size, np.float64)
    for start in starts:
        total[start : start + weights.size] += weights
    return total.astype(np.float32)
