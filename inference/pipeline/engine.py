"""Sliding windows from the place on screen outward; labels are final as soon as no window can change them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inference.model_spec import Focus, OnProgress, Progress
from inference.pipeline.labelling import Decide, Labels, Measure, Resampling, TileLabeller, decide_by_highest
from inference.pipeline.sweep import clamp_focus
from inference.pipeline.tiles import LARGEST_SCORE, UNITS_PER_SCORE, TileSums
from inference.pipeline.window_order import WindowOrder
from inference.pipeline.windows import Start, WindowGrid
from studies.errors import DomainError

Image = npt.NDArray[np.float32]


class NetworkOutputError(DomainError):
    """The network answered with something that is not a number."""

    code: ClassVar[str] = "network.not_finite"
    status: ClassVar[int] = 500


_MOST_SCORES_ASIDE = 100_000_000
"""Voxels times classes up to which summing and labelling are short operations."""
NOT_FINITE = "The network answered with values that are not numbers. Report this model."


class Forward(Protocol):
    """A network on its device."""

    together: int
    """Windows of one pass."""
    classes: int
    """Scores per voxel."""

    def __call__(self, windows: Tensor) -> Tensor:
        """Return scores, float32 (window, class, slice, row, column), that belong to the caller until the next call.

        Takes windows (window, channel, slice, row, column), float32 on the CPU.
        """
        ...


@runtime_checkable
class Weighing(Protocol):
    """A network that weighs its scores itself, in the pass that computes them: a window at a time."""

    can_weigh: bool
    """False where it would weigh less exactly than the engine does."""

    def weigh(self, windows: Tensor, share: npt.NDArray[np.float32]) -> Tensor:
        """Return the units of a single window, int32 (1, class, slice, row, column), valid until the next call.

        Takes each voxel's share of the answer, (slice, row, column).

        Raises
        ------
        NetworkOutputError
            Where a score is not a number.
        """
        ...


@runtime_checkable
class OwnThreads(Protocol):
    """A network that may compute in threads that are not torch's."""

    has_own_threads: bool
    """True where it does, on the CPU: torch's would stand in their way."""


def has_own_threads(forward: Forward) -> bool:
    """Tell whether a network computes on the CPU, in threads that are not torch's."""
    return isinstance(forward, OwnThreads) and forward.has_own_threads


@torch.inference_mode()
def run_windows(
    image: Image,
    grid: WindowGrid,
    resampling: Resampling,
    forward: Forward,
    on_progress: OnProgress,
    *,
    focus: Focus,
    decide: Decide = decide_by_highest,
    measure: Measure | None = None,
) -> Labels:
    """Run a network over an image on the padded working grid and label the series' own grid.

    Parameters
    ----------
    image
        Normalised values (channel, slice, row, column) on ``grid.shape``.
    grid
        The windows.
    resampling
        The way back to the series' grid.
    forward
        The network.
    on_progress, focus
        As for `inference.pipeline.segment.segment`; voxels of the series.
    decide
        From scores to labels.
    measure
        Sees the scores of each voxel once, when they are final.

    Raises
    ------
    NetworkOutputError
        Where a score is not a number.
    """
    with _keep_torch_aside(forward, math.prod(grid.shape)):
        labeller = TileLabeller(TileSums(grid), resampling, decide, measure)
        return _run_windows(image, grid, labeller, forward, on_progress, focus)


@contextmanager
def _keep_torch_aside(forward: Forward, voxels: int) -> Iterator[None]:
    """Let torch sum and label a small volume in one thread while a network computes in threads of its own.

    Two pools on the same cores wait for each other at each of many short operations: on two cores that costs three
    times the processor time of doing them in one thread, and up to ten times the wall time where others work as well.
    In a large volume operations are long, and all threads finish them sooner.
    """
    threads = torch.get_num_threads()
    if threads == 1 or voxels * forward.classes > _MOST_SCORES_ASIDE or not has_own_threads(forward):
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _run_windows(
    image: Image, grid: WindowGrid, labeller: TileLabeller, forward: Forward, on_progress: OnProgress, focus: Focus
) -> Labels:
    order = WindowOrder(grid, forward.together)
    voxels = torch.from_numpy(np.ascontiguousarray(image))
    score = _Scores(voxels, grid, forward)
    total, done = grid.window_count, 0
    shape: Focus = labeller.shape
    focus = clamp_focus(focus, shape, otherwise=focus)
    while order:
        group = order.take(labeller.working_place(focus), is_place_final=labeller.is_final(focus))
        for number, units in zip(group, score(group), strict=True):
            completed = labeller.sums.add(number, units)
            done += 1
            focus = clamp_focus(on_progress(Progress("segmenting", done, total)), shape, otherwise=focus)
            for box in labeller.finish(completed):
                origin = (box[0].start, box[1].start, box[2].start)
                progress = Progress("segmenting", done, total, labeller.labels[box], origin)
                focus = clamp_focus(on_progress(progress), shape, otherwise=focus)
    return labeller.labels


class _Scores:
    """Fixed-point scores of windows.

    A window that holds one and the same value everywhere, such as air, gives the same scores as the last such window
    with that value: only that is remembered, so nothing that a window says is ever guessed.
    """

    def __init__(self, voxels: Tensor, grid: WindowGrid, forward: Forward) -> None:
        self._voxels = voxels
        self._grid = grid
        self._forward = forward
        self._quiet: tuple[list[float], Tensor] | None = None
        self._units: Tensor | None = None
        self._weighing = forward if isinstance(forward, Weighing) and forward.can_weigh else None
        self._even = np.ones(grid.window, np.float32)

    def __call__(self, group: list[Start]) -> Iterator[Tensor]:
        """Return the units (class, slice, row, column) of each window, valid until the next one is asked for."""
        windows = torch.stack([self._cut(number) for number in group])
        level = _find_level(windows)
        if self._weighing is not None:
            yield self._weigh_in_pass(self._weighing, windows, level, self._grid.weigh_share(group[0]))
            return
        if level is not None and self._quiet is not None and self._quiet[0] == level:
            scores = self._quiet[1].clone()
        else:
            scores = self._forward(windows)
            low, high = (float(bound) for bound in torch.aminmax(scores))
            if not math.isfinite(low) or not math.isfinite(high):
                raise NetworkOutputError(NOT_FINITE)
            if max(-low, high) > LARGEST_SCORE:
                scores = scores.clamp_(-LARGEST_SCORE, LARGEST_SCORE)
            if level is not None:
                self._quiet = level, scores.clone()
        for number, window_scores in zip(group, scores, strict=True):
            yield self._weigh(window_scores, self._grid.weigh_share(number))

    def _weigh_in_pass(
        self, forward: Weighing, windows: Tensor, level: list[float] | None, share: npt.NDArray[np.float32]
    ) -> Tensor:
        if level is None:
            return forward.weigh(windows, share)[0]
        if self._quiet is None or self._quiet[0] != level:
            self._quiet = level, forward.weigh(windows, self._even)[0].float()
        return (self._quiet[1] * torch.tensor(share)).to(torch.int32)

    def _weigh(self, scores: Tensor, share: npt.NDArray[np.float32]) -> Tensor:
        weights = torch.tensor(share).to(scores.device).mul_(UNITS_PER_SCORE)
        if self._units is None or self._units.shape != scores.shape or self._units.device != scores.device:
            self._units = torch.empty(scores.shape, dtype=torch.int32, device=scores.device)
        # in place: touching fresh memory costs ten times the multiplication; what is cut off is a fraction of a unit,
        # below a quarter of a millionth of a score
        return self._units.copy_(scores.mul_(weights))

    def _cut(self, number: Start) -> Tensor:
        start = self._grid.start_of(number)
        return self._voxels[(slice(None), *(slice(s, s + w) for s, w in zip(start, self._grid.window, strict=True)))]


def _find_level(windows: Tensor) -> list[float] | None:
    """Return the value of each channel where a single window holds no other, else None."""
    if windows.shape[0] > 1:
        return None
    voxels = windows[0].flatten(1)
    middle = voxels.shape[1] // 2
    if bool((voxels[:, 0] != voxels[:, middle]).any()):  # most windows are told by two voxels
        return None
    low, high = voxels.aminmax(dim=1)
    return low.tolist() if bool((low == high).all()) else None
