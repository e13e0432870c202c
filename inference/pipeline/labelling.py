"""From complete tiles of summed scores on the network's grid to final labels on the series' own grid.

Interpolating and choosing the class happen together, tile by tile: no score is ever held for the whole volume.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inference.pipeline.tiles import Tile, TileSums
from inference.pipeline.windows import Axis, Shape, WindowGrid

Labels = npt.NDArray[np.uint8]
Box = tuple[slice, slice, slice]
Place = tuple[slice | int, slice, slice]

Measure = Callable[[Tensor, Place], None]
"""Looks at the units of voxels that have become final, and where they are; changes none."""


Convert = Callable[[Tensor], Tensor]


class Decide(Protocol):
    """Chooses labels, uint8 (..., row, column), by units (class, ..., row, column) that it may use up.

    Summed units are int32, interpolated ones float32.
    """

    def __call__(self, scores: Tensor) -> Tensor: ...


def decide_by_highest(scores: Tensor) -> Tensor:
    """Take the class that scores highest; of equal ones the first.

    The number of the class takes the place of a unit's last bits, so that one maximum finds it: three times faster
    than comparing class by class. With 25 classes scores count as equal within a hundred-thousandth.
    """
    classes = scores.shape[0]
    mask = 2 ** (classes - 1).bit_length() - 1
    units = scores.to(torch.int32)
    units.bitwise_and_(~mask)
    order = torch.arange(mask, mask - classes, -1, dtype=torch.int32, device=scores.device)
    units.bitwise_or_(order.view(-1, *[1] * (scores.ndim - 1)))
    labels: Tensor = units.amax(0).bitwise_and_(mask).neg_().add_(mask).to(torch.uint8)
    return labels


@dataclass(frozen=True, slots=True)
class DecideByRegions:
    """Regions that may lie within each other: each is on where its score is above 0; later ones paint over earlier.

    Attributes
    ----------
    labels
        The label that each region writes, in order of writing.

    References
    ----------
    nnU-Net's region-based training: `regions_class_order`.
    """

    labels: tuple[int, ...]

    def __call__(self, scores: Tensor) -> Tensor:
        """Return the labels."""
        labels = torch.zeros(scores.shape[1:], dtype=torch.uint8, device=scores.device)
        for region, label in enumerate(self.labels):
            labels.masked_fill_(scores[region] > 0, label)
        return labels


@dataclass(frozen=True, slots=True)
class Positions:
    """Where the voxels of a series' axis lie between the voxels of the padded working axis.

    Attributes
    ----------
    below, above
        Neighbours; equal where the voxel lies on one.
    share
        How much `above` counts, 0 to 1.
    """

    below: npt.NDArray[np.intp]
    above: npt.NDArray[np.intp]
    share: npt.NDArray[np.float32]


def find_positions(size: int, size_working: int, *, before: int = 0, is_linear: bool = True) -> Positions:
    """Locate each voxel of an axis on the working axis over the same extent; the edge is not extrapolated.

    Parameters
    ----------
    size, size_working
        Voxels of the series and of the working grid before padding.
    before
        Voxels of padding in front of the working grid.
    is_linear
        False takes the nearest voxel.
    """
    centres = np.clip(size_working / size * (np.arange(size) + 0.5) - 0.5, 0, size_working - 1)
    if not is_linear:
        centres = np.floor(centres + 0.5)  # halfway between two it is the later one, as scipy and torch have it
    below = np.floor(centres).astype(np.intp)
    share = (centres - below).astype(np.float32)
    above = np.where(share > 0, np.minimum(below + 1, size_working - 1), below)
    return Positions(below + before, above + before, share)


@dataclass(frozen=True, slots=True)
class _AxisPlan:
    """For each zone of an axis: the series' voxels that begin in it, the last zone they need, the zones needing it."""

    voxels: tuple[tuple[int, int], ...]
    last_needed: tuple[int, ...]
    needed_by: tuple[tuple[int, ...], ...]


def _plan_axis(axis: Axis, positions: Positions) -> _AxisPlan:
    borders = np.searchsorted(positions.below, [start for start, _ in axis.zones] + [axis.size])
    voxels = tuple((int(first), int(last)) for first, last in pairwise(borders))
    last_needed = tuple(
        axis.zone_at(int(positions.above[last - 1])) if last > first else zone
        for zone, (first, last) in enumerate(voxels)
    )
    needed_by = tuple(
        tuple(z for z, (first, last) in enumerate(voxels) if last > first and z <= zone <= last_needed[z])
        for zone in range(len(axis.zones))
    )
    return _AxisPlan(voxels, last_needed, needed_by)


@dataclass(frozen=True, slots=True)
class Resampling:
    """The way from the padded working grid back to the series' grid.

    Attributes
    ----------
    shape
        Voxels of the series.
    working_shape
        Voxels of the working grid before padding.
    before
        Voxels of padding in front of it.
    is_linear
        For each axis whether scores are interpolated or taken from the nearest voxel.
    convert
        What becomes of summed units (class, slice, row, column) before they are interpolated; None keeps them.
    positions
        Per axis, where the series' voxels lie; empty lays both grids over the same extent.
    """

    shape: Shape
    working_shape: Shape
    before: Shape = (0, 0, 0)
    is_linear: tuple[bool, bool, bool] = (True, True, True)
    convert: Convert | None = None
    positions: tuple[Positions, ...] = ()

    def __post_init__(self) -> None:
        if self.positions:
            return
        axes = zip(self.shape, self.working_shape, self.before, self.is_linear, strict=True)
        object.__setattr__(
            self, "positions", tuple(find_positions(n, w, before=b, is_linear=linear) for n, w, b, linear in axes)
        )

    @property
    def is_same_grid(self) -> bool:
        """Tell whether the series' voxels are the working ones."""
        return self.shape == self.working_shape and all(
            not positions.share.any() and np.array_equal(positions.below, np.arange(size) + before)
            for positions, size, before in zip(self.positions, self.shape, self.before, strict=True)
        )


class TileLabeller:
    """Labels what has become final, and frees the tiles that nothing waits for any more."""

    def __init__(
        self,
        sums: TileSums,
        resampling: Resampling,
        decide: Decide = decide_by_highest,
        measure: Measure | None = None,
    ) -> None:
        self.shape: Shape = resampling.shape
        self.labels: Labels = np.zeros(self.shape, np.uint8)
        self.sums = sums
        """Of the run; windows are added there."""
        self._resampling = resampling
        self._is_same_grid = resampling.is_same_grid
        self._decide = decide
        self._measure = measure
        grid: WindowGrid = sums.grid
        self._plans = tuple(
            _plan_axis(axis, positions) for axis, positions in zip(grid.axes, resampling.positions, strict=True)
        )
        self._pending = {
            tile
            for tile in product(*(range(len(axis.zones)) for axis in grid.axes))
            if all(plan.voxels[zone][0] < plan.voxels[zone][1] for plan, zone in zip(self._plans, tile, strict=True))
        }

    def is_final(self, voxel: Shape) -> bool:
        """Tell whether a voxel of the series has its label."""
        return self._tile_of(voxel) not in self._pending

    def working_place(self, voxel: Shape) -> Shape:
        """Return the voxel of the padded working grid below a voxel of the series."""
        z, y, x = (int(p.below[i]) for p, i in zip(self._resampling.positions, voxel, strict=True))
        return z, y, x

    def finish(self, completed: list[Tile]) -> list[Box]:
        """Label all that tiles which have just become complete make final; return it as boxes of the series."""
        ready = sorted({tile for done in completed for tile in self._waiting_for(done) if self._is_ready(tile)})
        for tile in ready:
            self.labels[self._box_of(tile)] = self._label(tile)
            self._pending.discard(tile)
        for tile in {needed for done in ready for needed in self._needs(done)} | set(completed):
            if not any(True for _ in self._waiting_for(tile)):
                self.sums.free(tile)
        return [self._box_between(low, high) for low, high in join_tiles(ready)]

    def _waiting_for(self, tile: Tile) -> list[Tile]:
        planes, rows, columns = (plan.needed_by[zone] for plan, zone in zip(self._plans, tile, strict=True))
        return [user for user in product(planes, rows, columns) if user in self._pending]

    def _needs(self, tile: Tile) -> list[Tile]:
        planes, rows, columns = (
            range(zone, plan.last_needed[zone] + 1) for plan, zone in zip(self._plans, tile, strict=True)
        )
        return list(product(planes, rows, columns))

    def _is_ready(self, tile: Tile) -> bool:
        return all(self.sums.is_complete(needed) for needed in self._needs(tile))

    def _tile_of(self, voxel: Shape) -> Tile:
        place = self.working_place(voxel)
        z, y, x = (axis.zone_at(i) for axis, i in zip(self.sums.grid.axes, place, strict=True))
        return z, y, x

    def _box_of(self, tile: Tile) -> Box:
        return self._box_between(tile, tile)

    def _box_between(self, low: Tile, high: Tile) -> Box:
        z, y, x = (
            slice(plan.voxels[a][0], plan.voxels[b][1]) for plan, a, b in zip(self._plans, low, high, strict=True)
        )
        return z, y, x

    def _label(self, tile: Tile) -> Labels:
        box = self._box_of(tile)
        if self._is_same_grid:
            return self._choose(self._inner(tile), box)
        block, origin = self._gather(tile)
        if self._resampling.convert is not None:
            block = self._resampling.convert(block)
        along, rows, columns = (
            _Steps.of(positions, part, first, block.device)
            for positions, part, first in zip(self._resampling.positions, box, origin, strict=True)
        )
        labels: Labels = np.empty(tuple(part.stop - part.start for part in box), np.uint8)
        for index in range(labels.shape[0]):
            plane = along.between(block, index)
            scores = columns.spread(rows.spread(plane, 1), 2)
            labels[index] = self._choose(scores, (box[0].start + index, box[1], box[2]))
        return labels

    def _choose(self, scores: Tensor, box: Place) -> Labels:
        if self._measure is not None:
            self._measure(scores, box)  # first, for choosing may use the scores up
        return self._decide(scores).cpu().numpy()

    def _inner(self, tile: Tile) -> Tensor:
        """Return a tile's units without the padding around the working grid."""
        parts = []
        for axis, zone, before, size in zip(
            self.sums.grid.axes, tile, self._resampling.before, self._resampling.working_shape, strict=True
        ):
            start, stop = axis.zones[zone]
            parts.append(slice(max(start, before) - start, min(stop, before + size) - start))
        return self.sums.tiles[tile][(slice(None), *parts)]

    def _gather(self, tile: Tile) -> tuple[Tensor, Shape]:
        """Return the scores of a tile and of the neighbours it needs in one block, and the block's first voxel."""
        ends = tuple(plan.last_needed[zone] for plan, zone in zip(self._plans, tile, strict=True))
        block = torch.cat(
            [
                torch.cat(
                    [
                        torch.cat([self.sums.tiles[z, y, x] for x in range(tile[2], ends[2] + 1)], dim=3)
                        for y in range(tile[1], ends[1] + 1)
                    ],
                    dim=2,
                )
                for z in range(tile[0], ends[0] + 1)
            ],
            dim=1,
        )
        z, y, x = (axis.zones[zone][0] for axis, zone in zip(self.sums.grid.axes, tile, strict=True))
        return block, (z, y, x)


@dataclass(frozen=True, slots=True)
class _Steps:
    """Where some voxels of the series lie within a block, along one axis, as tensors."""

    below: Tensor
    above: Tensor
    share: Tensor

    @staticmethod
    def of(positions: Positions, part: slice, first: int, device: torch.device) -> _Steps:
        below, above = (torch.from_numpy(side[part] - first).to(device) for side in (positions.below, positions.above))
        return _Steps(below, above, torch.from_numpy(positions.share[part]).to(device))

    def between(self, block: Tensor, index: int) -> Tensor:
        """Return the plane (class, row, column) of one voxel along the first spatial axis, as floating point."""
        low = block[:, int(self.below[index])].to(torch.float32, copy=True)
        share = float(self.share[index])
        return low if share == 0 else low.lerp_(block[:, int(self.above[index])].float(), share)

    def spread(self, plane: Tensor, dimension: int) -> Tensor:
        """Interpolate along one dimension."""
        low = plane.index_select(dimension, self.below)
        if not bool(self.share.any()):
            return low
        share = self.share.view([-1 if d == dimension else 1 for d in range(plane.ndim)])
        return low.lerp_(plane.index_select(dimension, self.above), share)


def join_tiles(tiles: list[Tile]) -> list[tuple[Tile, Tile]]:
    """Join neighbouring tiles to boxes [first, last], both included: along columns, then rows, then slices."""
    boxes = [(tile, tile) for tile in sorted(tiles)]
    for axis in (2, 1, 0):
        joined: list[tuple[Tile, Tile]] = []
        boxes.sort(key=lambda box: (*(box[0][other] for other in range(3) if other != axis), box[0][axis]))
        for low, high in boxes:
            if joined and _follows(joined[-1], (low, high), axis):
                joined[-1] = (joined[-1][0], high)
            else:
                joined.append((low, high))
        boxes = joined
    return sorted(boxes)


def _follows(first: tuple[Tile, Tile], second: tuple[Tile, Tile], axis: int) -> bool:
    others = [other for other in range(3) if other != axis]
    return second[0][axis] == first[1][axis] + 1 and all(
        first[end][other] == second[end][other] for other in others for end in (0, 1)
    )
