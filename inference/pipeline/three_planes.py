"""A network of slices over a volume: it reads slices along three axes, and each voxel gets the mean of its scores.

What one plane alone shows is doubted, and what comes out is one volume and no pile of slices. A plane counts the less
the more its slices are strips: a slab of 90 mm seen from the front is not what the network learnt from.
"""

from __future__ import annotations

import torch
from torch import Tensor

from inference.pipeline.engine import Forward, has_own_threads

Triple = tuple[float, float, float]
_AXES = (2, 3, 4)
"""Of windows (window, channel, slice, row, column)."""


class InThreePlanes:
    """Scores of cubes by a network whose windows are one slice thick.

    Parameters
    ----------
    forward
        The network of slices; its windows are (window, channel, 1, row, column) with as many rows and columns as the
        cubes have.
    weights
        How much each plane counts, by the axis that its slices lie along; as `weigh_planes` gives them.
    """

    together = 1

    def __init__(self, forward: Forward, weights: Triple = (1 / 3, 1 / 3, 1 / 3)) -> None:
        self.classes = forward.classes
        self.has_own_threads = has_own_threads(forward)
        self._forward = forward
        self._weights = weights

    def __call__(self, windows: Tensor) -> Tensor:
        """Return the mean scores of the three planes, (window, class, slice, row, column)."""
        return torch.stack([self._read_cube(cube) for cube in windows])

    def _read_cube(self, cube: Tensor) -> Tensor:
        total = torch.zeros((self.classes, *cube.shape[1:]))
        for axis, weight in zip(_AXES, self._weights, strict=True):
            self._add_plane(total.movedim(axis - 1, 0), cube.movedim(axis - 1, 0), weight)
        return total

    def _add_plane(self, total: Tensor, slices: Tensor, weight: float) -> None:
        """Add the weighed scores of slices (slice, channel, row, column) to `total` (slice, class, row, column)."""
        # what lies outside the head is a hundred slices of one value: one answer serves all that are equal
        empty: dict[tuple[float, ...], Tensor] = {}
        full: list[int] = []
        for number, image in enumerate(slices):
            values = image.flatten(1)
            if bool((values == values[:, :1]).all()):
                key = tuple(values[:, 0].tolist())
                if key not in empty:
                    empty[key] = self._forward(image[None, :, None]).clone()[0, :, 0]
                total[number] += weight * empty[key]
            else:
                full.append(number)
        for first in range(0, len(full), self._forward.together):
            some = full[first : first + self._forward.together]
            scores = self._forward(slices[some][:, :, None].contiguous())[:, :, 0]
            total[some] += weight * scores.to(total.device)


def weigh_planes(sides_mm: Triple) -> Triple:
    """Return how much each plane counts, summing to 1, of a volume with these sides along the network's axes.

    A plane's slices have the two sides that are not its axis: their ratio, squared, is what it counts.
    """
    first, second, third = sides_mm
    shares = [(min(pair) / max(pair)) ** 2 for pair in ((second, third), (first, third), (first, second))]
    total = sum(shares)
    return shares[0] / total, shares[1] / total, shares[2] / total
