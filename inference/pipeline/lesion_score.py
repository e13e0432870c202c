"""How strongly a network gives a lesion its segment, as one number that can be taken apart by input or by layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from inference.network_spec import Decision, DecisionRule

Network = Callable[[Tensor], Tensor]
"""From windows (window, channel, slice, row, column) to scores (window, class, slice, row, column)."""

_TOGETHER = 8
"""Slices of one pass: what a step keeps for its gradient is that of so many, and computed again for the next."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What makes an answer out of scores: the segment's log-odds.

    Attributes
    ----------
    decision
        The network's.
    segment_number
        The segment that is asked about.
    temperature
        What scores are divided by before they count as logarithms of probabilities.
    """

    decision: Decision
    segment_number: int
    temperature: float = 1.0

    def log_odds(self, scores: Tensor) -> Tensor:
        """Return the logarithm of the odds for the segment, (...), of scores (class, ...)."""
        if self.decision.rule is DecisionRule.REGIONS:
            return scores[self.decision.labels.index(self.segment_number)] / self.temperature
        number, scores = self.segment_number, scores / self.temperature
        others = torch.cat((scores[:number], scores[number + 1 :]))
        return scores[number] - torch.logsumexp(others, 0)

    def is_given(self, scores: Tensor) -> Tensor:
        """Tell for each voxel whether it gets the segment; of regions, not regarding those that paint over it."""
        if self.decision.rule is DecisionRule.REGIONS:
            limit = math.log(self.decision.threshold / (1.0 - self.decision.threshold))
            return self.log_odds(scores) > limit / self.temperature
        return scores.argmax(0) == self.segment_number


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows of one pass, for methods that look into the layers.

    Attributes
    ----------
    windows
        As the network takes them.
    score
        From their scores to the part of the mean log-odds that each window contributes, (window,).
    place
        Adds maps of these windows, weighed, to a map (slice, row, column); they are (window, slice, row, column).
    """

    windows: Tensor
    score: Callable[[Tensor], Tensor]
    place: Callable[[Tensor, Tensor], None]


class Reading(Protocol):
    """How a network looks at a cube: as a whole, or at slices of it."""

    voxels: int
    """That one pass over the cube reads."""

    weight: float
    """How much what it says counts among the readings of a network."""
    batch_count: int
    """How many `batches` there are."""

    def read(self, cube: Tensor) -> Tensor:
        """Return the scores (class, voxel) of the lesion's voxels of a cube (channel, slice, row, column)."""
        ...

    def batches(self, cube: Tensor) -> Iterator[Batch]:
        """Return what one pass over a cube consists of."""
        ...


class WholeCube:
    """A network whose window the cube is."""

    weight = 1.0
    batch_count = 1

    def __init__(self, network: Network, lesion: Tensor, answer: Answer) -> None:
        self.voxels = lesion.numel()
        self._network = network
        self._lesion = lesion
        self._answer = answer

    def read(self, cube: Tensor) -> Tensor:
        """Return the scores of the lesion's voxels."""
        return self._network(cube[None])[0][:, self._lesion]

    def batches(self, cube: Tensor) -> Iterator[Batch]:
        """Return the only pass."""

        def score(scores: Tensor) -> Tensor:
            return self._answer.log_odds(scores[0][:, self._lesion]).mean()[None]

        def place(total: Tensor, maps: Tensor) -> None:
            total += maps[0]

        yield Batch(cube[None], score, place)


class Slices:
    """A network of slices, along one axis of the cube: those through the lesion.

    Without gradients the scores of slices that have not changed since the first time are remembered.

    Parameters
    ----------
    axis
        Of the cube, that the slices lie along.
    flat_axis
        The axis that the network does not see, of its windows.
    weight
        How much what it says counts.
    """

    def __init__(
        self, network: Network, lesion: Tensor, answer: Answer, *, axis: int, flat_axis: int, weight: float = 1.0
    ) -> None:
        self.weight = weight
        self._network = network
        self._answer = answer
        self._axis, self._flat = axis, flat_axis + 2
        masks = lesion.movedim(axis, 0)
        self._numbers = masks.flatten(1).any(1).nonzero().squeeze(1)
        self._masks = masks[self._numbers]
        self._count = int(lesion.sum())
        self.voxels = self._masks.numel()
        self.batch_count = math.ceil(len(self._masks) / _TOGETHER)
        order = torch.zeros(lesion.shape, dtype=torch.int64, device=lesion.device)
        order[lesion] = torch.arange(self._count, device=lesion.device)
        places = torch.cat([order.movedim(axis, 0)[self._numbers][i][mask] for i, mask in enumerate(self._masks)])
        self._back = places.argsort()
        self._known: tuple[Tensor, list[Tensor]] | None = None

    def read(self, cube: Tensor) -> Tensor:
        """Return the scores of the lesion's voxels, in the order of the cube."""
        slices = self._cut(cube)
        parts = self._with_gradients(slices) if slices.requires_grad else self._by_memory(slices)
        return torch.cat(parts, 1)[:, self._back]

    def batches(self, cube: Tensor) -> Iterator[Batch]:
        """Return the slices, some at a time."""
        slices = self._cut(cube)
        for first in range(0, len(slices), _TOGETHER):
            some = slice(first, first + _TOGETHER)
            masks, numbers = self._masks[some], self._numbers[some]

            def score(scores: Tensor, masks: Tensor = masks) -> Tensor:
                pairs = zip(scores.squeeze(self._flat), masks, strict=True)
                return torch.stack([self._answer.log_odds(each[:, mask]).sum() for each, mask in pairs]) / self._count

            def place(total: Tensor, maps: Tensor, numbers: Tensor = numbers) -> None:
                total.movedim(self._axis, 0).index_add_(0, numbers, self.weight * maps.squeeze(self._flat - 1))

            yield Batch(slices[some], score, place)

    def _cut(self, cube: Tensor) -> Tensor:
        return cube.movedim(self._axis + 1, 0)[self._numbers].unsqueeze(self._flat)

    def _score(self, slices: Tensor) -> Tensor:
        return self._network(slices).squeeze(self._flat)

    def _with_gradients(self, slices: Tensor) -> list[Tensor]:
        parts = []
        for first in range(0, len(slices), _TOGETHER):
            scores = checkpoint(self._score, slices[first : first + _TOGETHER], use_reentrant=False)
            parts += [each[:, mask] for each, mask in zip(scores, self._masks[first:], strict=False)]
        return parts

    def _by_memory(self, slices: Tensor) -> list[Tensor]:
        if self._known is None:
            self._known = slices.clone(), self._forward(slices, list(range(len(slices))))
        first, parts = self._known
        changed = (slices != first).flatten(1).any(1).nonzero().squeeze(1).tolist()
        parts = list(parts)
        for number, part in zip(changed, self._forward(slices, changed), strict=True):
            parts[number] = part
        return parts

    def _forward(self, slices: Tensor, numbers: list[int]) -> list[Tensor]:
        parts: list[Tensor] = []
        for first in range(0, len(numbers), _TOGETHER):
            some = numbers[first : first + _TOGETHER]
            scores = self._score(slices[some])
            parts += [each[:, self._masks[number]] for number, each in zip(some, scores, strict=True)]
        return parts


class LesionScore:
    """The mean log-odds of a lesion's voxels: what captum takes apart.

    Parameters
    ----------
    readings
        Of one network, or of several in turn; the weights of each network's sum to 1.
    networks
        How many there are.
    on_pass
        Called before each pass.
    """

    def __init__(
        self, readings: tuple[Reading, ...], networks: int, answer: Answer, on_pass: Callable[[], None]
    ) -> None:
        self.readings = readings
        self.voxels = sum(reading.voxels for reading in readings)
        self._networks = networks
        self._answer = answer
        self._on_pass = on_pass

    def __call__(self, cubes: Tensor) -> Tensor:
        """Return the score of each cube (cube, channel, slice, row, column)."""
        return torch.stack([self._answer.log_odds(self._read(cube)).mean() for cube in cubes])

    def measure_kept(self, cube: Tensor) -> tuple[float, float]:
        """Return a cube's score, and the share of the lesion's voxels that still get the segment."""
        scores = self._read(cube)
        kept = self._answer.is_given(scores).float().mean()
        return float(self._answer.log_odds(scores).mean()), float(kept)

    def _read(self, cube: Tensor) -> Tensor:
        self._on_pass()
        parts = [reading.weight / self._networks * reading.read(cube) for reading in self.readings]
        return torch.stack(parts).sum(0)
