"""From summed scores to probabilities, where those are what is interpolated."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from inference.network_spec import Interpolated
from inference.pipeline.labelling import Convert
from inference.pipeline.tiles import UNITS_PER_SCORE

UNITS_PER_PROBABILITY = float(2**30)
"""Finer than for scores: what lies below the last bits, which a class number takes, must not count."""


def _softmax(units: Tensor) -> Tensor:
    return torch.softmax(units.float().div_(UNITS_PER_SCORE), 0).mul_(UNITS_PER_PROBABILITY)


def _sigmoid(units: Tensor) -> Tensor:
    return units.float().div_(UNITS_PER_SCORE).sigmoid_().mul_(UNITS_PER_PROBABILITY)


CONVERSIONS: Mapping[Interpolated, Convert | None] = MappingProxyType(
    {Interpolated.SCORES: None, Interpolated.SOFTMAX: _softmax, Interpolated.SIGMOID: _sigmoid}
)
