"""Sums of weighted scores, kept in tiles that no window border crosses and freed as soon as nothing needs them.

Scores are summed in fixed point. Integers add up to the same sum in any order, so the label map is the same bit for bit
from whichever place a run starts and wherever the reader looks meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import torch
from torch import Tensor

from inference.pipeline.windows import Start, WindowGrid

LARGEST_SCORE = 256.0
"""Scores beyond this are cut: it bounds the fixed-point sums."""
UNITS_PER_SCORE = float(2**22)
"""Shares add up to 1, so no sum exceeds 2**30."""

Tile = tuple[int, int, int]
"""Zone numbers along the three axes of a `WindowGrid`."""


class TileSums:
    """The sums of a run that is under way.

    A tile comes into being with its first window and is complete when all windows over it were added.
    """

    def __init__(self, grid: WindowGrid) -> None:
        self.grid = grid
        self.tiles: dict[Tile, Tensor] = {}
        """Units (class, slice, row, column) of tiles that have begun and are not freed."""
        self._windows_left = {
            tile: math.prod(len(axis.covering[zone]) for axis, zone in zip(grid.axes, tile, strict=True))
            for tile in product(*(range(len(axis.zones)) for axis in grid.axes))
        }

    def add(self, number: Start, units: Tensor) -> list[Tile]:
        """Add one window's units (class, slice, row, column) and return the tiles that this completes."""
        completed: list[Tile] = []
        units = self._bring_together(units)
        for tile, part in self._tiles_under(number):
            piece = units[(slice(None), *part)]
            if tile in self.tiles:
                self.tiles[tile].add_(piece)
            else:
                self.tiles[tile] = piece.clone(memory_format=torch.contiguous_format)
            self._windows_left[tile] -= 1
            if self._windows_left[tile] == 0:
                completed.append(tile)
        return completed

    def _bring_together(self, units: Tensor) -> Tensor:
        """Return units on the device of the tiles; once a run has left its device for the CPU, all go there."""
        held = next(iter(self.tiles.values()), units).device
        if units.device == held:
            return units
        if units.device.type != "cpu":
            return units.to(held)
        self.tiles = {tile: tensor.to(units.device) for tile, tensor in self.tiles.items()}
        return units

    def is_complete(self, tile: Tile) -> bool:
        """Tell whether no outstanding window touches a tile."""
        return self._windows_left[tile] == 0

    def free(self, tile: Tile) -> None:
        """Let go of a tile."""
        del self.tiles[tile]

    def _tiles_under(self, number: Start) -> Iterator[tuple[Tile, tuple[slice, slice, slice]]]:
        """Return the tiles below a window and where in the window each lies."""
        spans = [
            [
                (zone, slice(axis.zones[zone][0] - axis.starts[i], axis.zones[zone][1] - axis.starts[i]))
                for zone in axis.zones_of[i]
            ]
            for axis, i in zip(self.grid.axes, number, strict=True)
        ]
        for (z, planes), (y, rows), (x, columns) in product(*spans):
            yield (z, y, x), (planes, rows, columns)
