"""Sliding windows from the slice on screen outward, each slab of labels final as soon as no window can change it.

Scores are summed in fixed point. Integers add up to the same sum in any order, so the label map is the same bit for bit
from whichever slice a run starts and wherever the reader looks meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from inference.model_spec import OnProgress, Progress
from inference.pipeline.postprocess import Labels, SliceLabeller, Sums
from inference.pipeline.sweep import clamp_focus, distance_to
from inference.pipeline.windows import LARGEST_SCORE, WindowGrid
from studies.errors import DomainError

Image = npt.NDArray[np.float32]
Forward = Callable[[Image], Image]
"""Scores (class, slice, row, column) of one window (slice, row, column)."""

_SLAB_SLICES = 4


class NetworkOutputError(DomainError):
    """The network answered with something that is not a number."""

    code: ClassVar[str] = "network.not_finite"
    status: ClassVar[int] = 500


class Accumulator:
    """Sums of weighted scores per working slice, held only between a slice's first window and its last use.

    Windows that begin at the same slice make up a layer; a working slice is complete when every layer over it is.
    """

    def __init__(self, grid: WindowGrid) -> None:
        self.grid = grid
        self.sums: dict[int, Sums] = {}
        self._weights = grid.window_weights * np.float32(grid.scale)
        self._windows_left = dict.fromkeys(grid.starts[0], len(grid.starts[1]) * len(grid.starts[2]))
        self._layers_left = np.zeros(grid.shape[0], np.intp)
        for start in grid.starts[0]:
            self._layers_left[start : start + grid.window[0]] += 1

    def add(self, start: tuple[int, int, int], scores: Image) -> bool:
        """Add one window's scores; tell whether its layer is now whole."""
        fixed = np.clip(scores, -LARGEST_SCORE, LARGEST_SCORE)
        fixed *= self._weights
        units = np.rint(fixed, out=fixed).astype(np.int32)
        z, y, x = start
        _, rows, columns = self.grid.window
        for offset in range(self.grid.window[0]):
            if z + offset not in self.sums:
                self.sums[z + offset] = np.zeros((scores.shape[0], *self.grid.shape[1:]), np.int32)
            self.sums[z + offset][:, y : y + rows, x : x + columns] += units[:, offset]
        self._windows_left[z] -= 1
        if self._windows_left[z]:
            return False
        self._layers_left[z : z + self.grid.window[0]] -= 1
        return True

    def is_complete(self, working_slice: int) -> bool:
        """Tell whether no outstanding window touches a working slice."""
        return bool(self._layers_left[working_slice] == 0)


class FinalSlices:
    """Slices of the series that are still to be labelled, and the working slices kept for them."""

    def __init__(self, labeller: SliceLabeller, accumulator: Accumulator) -> None:
        self.labels = np.zeros(labeller.shape, np.uint8)
        self._labeller = labeller
        self._accumulator = accumulator
        self._pending = {index: labeller.slices_needed(index) for index in range(labeller.shape[0])}
        self._users = np.zeros(labeller.grid.shape[0], np.intp)
        for needed in self._pending.values():
            self._users[list(needed)] += 1

    def take_runs(self, focus: int) -> list[tuple[int, int]]:
        """Return runs [start, stop) of slices that have just become final, nearest to `focus` first."""
        ready = [i for i, needed in self._pending.items() if all(map(self._accumulator.is_complete, needed))]
        runs: list[tuple[int, int]] = []
        for index in ready:
            if runs and runs[-1][1] == index and index - runs[-1][0] < _SLAB_SLICES:
                runs[-1] = (runs[-1][0], index + 1)
            else:
                runs.append((index, index + 1))
        return sorted(runs, key=lambda run: (distance_to(run[0], run[1], focus), run))

    def finish(self, start: int, stop: int) -> Labels:
        """Label the slices [start, stop) and let go of what they alone needed."""
        for index in range(start, stop):
            self.labels[index] = self._labeller.label_slice(index, self._accumulator.sums)
            for working_slice in self._pending.pop(index):
                self._users[working_slice] -= 1
        return self.labels[start:stop]

    def release(self) -> None:
        """Free the sums of complete working slices that no slice of the series waits for."""
        for working_slice in list(self._accumulator.sums):
            if self._users[working_slice] == 0 and self._accumulator.is_complete(working_slice):
                del self._accumulator.sums[working_slice]


def run_windows(
    image: Image, labeller: SliceLabeller, forward: Forward, on_progress: OnProgress, *, focus_slice: int
) -> Labels:
    """Run a network over an image on the padded working grid and label the series' own grid.

    Parameters
    ----------
    image
        Normalised values on ``labeller.grid.shape``.
    labeller
        Knows the windows and the way back to the series' grid.
    forward
        The network.
    on_progress, focus_slice
        As for `inference.pipeline.segment.segment`; slice indices of the series.

    Raises
    ------
    NetworkOutputError
        Where a score is not a number.
    """
    grid = labeller.grid
    accumulator = Accumulator(grid)
    final = FinalSlices(labeller, accumulator)
    outstanding = [(z, y, x) for z in grid.starts[0] for y in grid.starts[1] for x in grid.starts[2]]
    total = len(outstanding)
    slices = labeller.shape[0]
    focus = clamp_focus(focus_slice, slices, otherwise=0)
    while outstanding:
        start = _take_nearest(outstanding, labeller, focus)
        scores = forward(image[tuple(slice(s, s + w) for s, w in zip(start, grid.window, strict=True))])
        if not np.isfinite(scores).all():
            raise NetworkOutputError("The network answered with values that are not numbers. Report this model.")
        is_layer_whole = accumulator.add(start, scores)
        done = total - len(outstanding)
        focus = clamp_focus(on_progress(Progress("segmenting", done, total)), slices, otherwise=focus)
        if is_layer_whole:
            for first, last in final.take_runs(focus):
                progress = Progress("segmenting", done, total, final.finish(first, last), first)
                focus = clamp_focus(on_progress(progress), slices, otherwise=focus)
            final.release()
    return final.labels


def _take_nearest(outstanding: list[tuple[int, int, int]], labeller: SliceLabeller, focus: int) -> tuple[int, int, int]:
    """Remove and return the next window: of the layer nearest to what the slice on screen needs."""
    working_focus = labeller.slices_needed(focus)[0]
    thickness = labeller.grid.window[0]

    def order(start: tuple[int, int, int]) -> tuple[float, float, tuple[int, int, int]]:
        layer = start[0]
        distance = distance_to(layer, layer + thickness, working_focus)
        return distance, abs(layer + thickness / 2 - working_focus), start

    nearest = min(outstanding, key=order)
    outstanding.remove(nearest)
    return nearest
