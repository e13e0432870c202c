"""A network of slices over a volume: it reads the slices along three axes, and each voxel gets the mean of its scores.

What one plane alone shows is doubted, and what comes out is one volume and no pile of slices.
"""

from __future__ import annotations

import torch
from torch import Tensor

from inference.pipeline.engine import Forward

_AXES = (2, 3, 4)
"""Of windows (window, channel, slice, row, column)."""


class InThreePlanes:
    """Scores of cubes by a network whose windows are one slice thick.

    Parameters
    ----------
    forward
        The network of slices; its windows are (window, channel, 1, row, column) with as many rows and columns as the
        cubes have.
    """

    together = 1

    def __init__(self, forward: Forward) -> None:
        self.classes = forward.classes
        self._forward = forward

    def __call__(self, windows: Tensor) -> Tensor:
        """Return the mean scores of the three planes, (window, class, slice, row, column)."""
        return torch.stack([self._read_cube(cube) for cube in windows])

    def _read_cube(self, cube: Tensor) -> Tensor:
        total = torch.zeros((self.classes, *cube.shape[1:]))
        for axis in _AXES:
            self._add_plane(total.movedim(axis - 1, 0), cube.movedim(axis - 1, 0))
        return total.div_(len(_AXES))

    def _add_plane(self, total: Tensor, slices: Tensor) -> None:
        """Add the scores of slices (slice, channel, row, column) to `total` (slice, class, row, column)."""
        # what lies outside the head is a hundred slices of one value: one answer serves all that are equal
        empty: dict[tuple[float, ...], Tensor] = {}
        full: list[int] = []
        for number, image in enumerate(slices):
            values = image.flatten(1)
            if bool((values == values[:, :1]).all()):
                key = tuple(values[:, 0].tolist())
                if key not in empty:
                    empty[key] = self._forward(image[None, :, None]).clone()[0, :, 0]
                total[number] += empty[key]
            else:
                full.append(number)
        for first in range(0, len(full), self._forward.together):
            some = full[first : first + self._forward.together]
            total[some] += self._forward(slices[some][:, :, None].contiguous())[:, :, 0].to(total.device)
