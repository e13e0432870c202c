"""Several answers to one window, averaged: mirrored windows, and the folds of an ensemble."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import combinations

import torch
from torch import Tensor

from inference.pipeline.engine import Forward, has_own_threads


class Mirrored:
    """The mean of a network's scores over all mirror images of a window, each turned back.

    Parameters
    ----------
    forward
        The network.
    axes
        Spatial axes (0 slice, 1 row, 2 column) that may be mirrored; all their combinations are run.

    References
    ----------
    nnU-Net's test-time augmentation: `nnUNetPredictor._internal_maybe_mirror_and_predict`.
    """

    def __init__(self, forward: Forward, axes: tuple[int, ...]) -> None:
        self.together = forward.together
        self.classes = forward.classes
        self.has_own_threads = has_own_threads(forward)
        self._forward = forward
        self._flips = [
            [axis + 2 for axis in chosen] for count in range(1, len(axes) + 1) for chosen in combinations(axes, count)
        ]

    def __call__(self, windows: Tensor) -> Tensor:
        """Return the mean scores."""
        return _mean([partial(self._turned, windows, flip) for flip in ([], *self._flips)])

    def _turned(self, windows: Tensor, flip: list[int]) -> Tensor:
        return self._forward(windows.flip(flip)).flip(flip) if flip else self._forward(windows)


class Ensemble:
    """The mean of several networks' scores."""

    def __init__(self, forwards: tuple[Forward, ...]) -> None:
        self.together = min(forward.together for forward in forwards)
        self.classes = forwards[0].classes
        self.has_own_threads = all(has_own_threads(forward) for forward in forwards)
        self._forwards = forwards

    def __call__(self, windows: Tensor) -> Tensor:
        """Return the mean scores."""
        return _mean([partial(forward, windows) for forward in self._forwards])


def _mean(answers: list[Callable[[], Tensor]]) -> Tensor:
    """Return the mean of answers, each of which may overwrite the one before."""
    total = answers[0]()
    if len(answers) == 1:
        return total
    total = total.clone()
    for answer in answers[1:]:
        total.add_(answer().to(total.device))
    return torch.div(total, len(answers), out=total)
