"""Where sliding windows lie and how much each voxel of one counts, exactly as the two reference engines place them.

Knows no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

Shape = tuple[int, int, int]
Start = tuple[int, int, int]
Span = tuple[int, int]
Weights = npt.NDArray[np.float32]

_MONAI_FLOOR = np.float32(1e-3)
_NNUNET_PEAK = 10.0


class GridRule(StrEnum):
    """Whose windows and whose Gaussian: a network's label map is only "the same" under its own."""

    MONAI = "monai"
    """`monai.inferers.sliding_window_inference`, mode gaussian: whole steps, the last window moved inward."""
    MONAI_CONSTANT = "monai_constant"
    """The same windows, every voxel counting alike (MONAI's default mode)."""
    NNUNET = "nnunet"
    """`nnUNetPredictor`: steps evened out between the first and the last window."""


def find_starts(rule: GridRule, size: int, window: int, overlap: float) -> tuple[int, ...]:
    """Return where windows begin along one axis; the last one ends with the axis.

    Parameters
    ----------
    rule
        The reference.
    size, window
        Voxels; `size` is at least `window` (pad first).
    overlap
        Share of a window that the next one repeats, 0 to below 1.
    """
    if size < window:
        raise ValueError(f"An axis of {size} voxels must be padded to the window's {window}.")
    last = size - window
    if last == 0:
        return (0,)
    if rule is GridRule.NNUNET:
        steps = math.ceil(last / (window * (1.0 - overlap)))
        return tuple(dict.fromkeys(round_half_even(last / steps * i) for i in range(steps + 1)))
    step = max(1, int(window * (1 - overlap)))
    return (*range(0, last, step), last)


def round_half_even(value: float) -> int:
    """Round as numpy does, which is what the reference rounds with."""
    return int(np.round(value))


@lru_cache(maxsize=8)
def weigh_window(rule: GridRule, window: Shape) -> Weights:
    """Return how much each voxel of a window counts, (slice, row, column), as the reference weighs it.

    References
    ----------
    `monai.data.utils.compute_importance_map` (sigma an eighth of the window, at least 0.001);
    `nnunetv2.inference.sliding_window_prediction.compute_gaussian` (peak 10 in half precision, zeros lifted to the
    smallest value that is not).
    """
    if rule is GridRule.MONAI_CONSTANT:
        return _frozen(np.ones(window, np.float32))
    if rule is GridRule.MONAI:
        axes = [np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2) / (n / 8)) ** 2).astype(np.float32) for n in window]
        product = axes[0][:, None, None] * axes[1][None, :, None] * axes[2][None, None, :]
        return _frozen(np.maximum(product, max(product.min(), _MONAI_FLOOR)))
    axes = [_nnunet_axis(n) for n in window]
    product = axes[0][:, None, None] * axes[1][None, :, None] * axes[2][None, None, :]
    half = (product / (product.max() / _NNUNET_PEAK)).astype(np.float16)
    half[half == 0] = half[half != 0].min()
    return _frozen(half.astype(np.float32))


def _nnunet_axis(size: int) -> npt.NDArray[np.float64]:
    impulse = np.zeros(size)
    impulse[size // 2] = 1.0
    axis: npt.NDArray[np.float64] = gaussian_filter1d(impulse, size / 8, mode="constant")
    return axis


def _frozen(weights: Weights) -> Weights:
    weights.setflags(write=False)
    return weights


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a window grid, cut where a window begins or ends: within a zone the same windows lie over all voxels.

    Attributes
    ----------
    size, window
        Voxels of the padded axis and of a window.
    starts
        First index of each window.
    zones
        Half-open spans that tile the axis.
    covering
        For each zone the windows, by number, that lie over it.
    zones_of
        For each window the zones, by number, that it lies over.
    """

    size: int
    window: int
    starts: tuple[int, ...]
    zones: tuple[Span, ...] = field(init=False)
    covering: tuple[tuple[int, ...], ...] = field(init=False)
    zones_of: tuple[tuple[int, ...], ...] = field(init=False)

    def __post_init__(self) -> None:
        borders = sorted({*self.starts, *(start + self.window for start in self.starts)})
        zones = tuple(pairwise(borders))
        covering = tuple(
            tuple(i for i, start in enumerate(self.starts) if start <= zone[0] < start + self.window) for zone in zones
        )
        object.__setattr__(self, "zones", zones)
        object.__setattr__(self, "covering", covering)
        object.__setattr__(
            self,
            "zones_of",
            tuple(tuple(z for z, over in enumerate(covering) if i in over) for i in range(len(self.starts))),
        )

    def zone_at(self, index: int) -> int:
        """Return the number of the zone that holds a voxel."""
        return next(number for number, (_, stop) in enumerate(self.zones) if index < stop)


@dataclass(frozen=True, slots=True)
class WindowGrid:
    """Sliding windows over a padded working grid.

    Attributes
    ----------
    shape
        Voxels of the padded working grid, (slice, row, column).
    window
        Voxels of one window.
    overlap
        Share of a window that the next one repeats, along each axis.
    rule
        Whose windows and weights.
    axes
        The three axes with their windows and zones.
    """

    shape: Shape
    window: Shape
    overlap: float
    rule: GridRule = GridRule.MONAI
    axes: tuple[Axis, Axis, Axis] = field(init=False)

    def __post_init__(self) -> None:
        z, y, x = (
            Axis(size, window, find_starts(self.rule, size, window, self.overlap))
            for size, window in zip(self.shape, self.window, strict=True)
        )
        object.__setattr__(self, "axes", (z, y, x))

    @property
    def window_count(self) -> int:
        """Windows in all."""
        return math.prod(len(axis.starts) for axis in self.axes)

    def start_of(self, number: Start) -> Start:
        """Return the first voxel of a window given by its number along each axis."""
        z, y, x = (axis.starts[i] for axis, i in zip(self.axes, number, strict=True))
        return z, y, x

    def weigh_share(self, number: Start) -> Weights:
        """Return each voxel's share of the answer: its weight over the sum of the weights of all windows there.

        Shares add up to 1 at every voxel, so that summed scores are the average that the reference divides out at the
        end. Only the places of neighbouring windows matter: windows in the middle of a volume share one array.
        """
        around = tuple(
            tuple(start - axis.starts[i] for start in axis.starts if abs(start - axis.starts[i]) < axis.window)
            for axis, i in zip(self.axes, number, strict=True)
        )
        return _share(self.rule, self.window, around)


@lru_cache(maxsize=8)
def _share(rule: GridRule, window: Shape, around: tuple[tuple[int, ...], ...]) -> Weights:
    """Divide a window's weights by their sum with those of the neighbours that begin at offsets `around`."""
    weights = weigh_window(rule, window)
    total = np.zeros(window, np.float32)
    for z in around[0]:
        for y in around[1]:
            for x in around[2]:
                to, source = zip(
                    *(
                        (slice(max(0, o), min(n, n + o)), slice(max(0, -o), min(n, n - o)))
                        for o, n in zip((z, y, x), window, strict=True)
                    ),
                    strict=True,
                )
                total[to] += weights[source]
    return _frozen(np.divide(weights, total, out=total))
