"""What a run finds besides its labels, voxel by voxel: how unsure it is, or what an answer rests on.

Knows no torch: whoever starts a run gathers the maps, and whatever runs below delivers them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

HISTOGRAM_BINS = 20


class MapKind(StrEnum):
    """What a map shows."""

    UNCERTAINTY = "uncertainty"
    EXPLANATION = "explanation"


@dataclass(frozen=True, slots=True)
class FoundMap:
    """Values of every voxel of the series.

    Attributes
    ----------
    kind
        What they are.
    voxels
        uint8 (slice, row, column) on the series' own grid.
    low, high
        What 0 and 255 stand for, in `unit`; between them it is linear. `low` is below 0 where values have a sign.
    unit
        In words.
    histograms
        Per segment number how many voxels belong to it with which probability, in `HISTOGRAM_BINS` equal bins from 0
        to 1. Voxels that are as good as impossible are in none.
    """

    kind: MapKind
    voxels: npt.NDArray[np.uint8]
    low: float
    high: float
    unit: str
    histograms: dict[int, list[int]]


_maps: ContextVar[dict[MapKind, FoundMap] | None] = ContextVar("maps of the run", default=None)


@contextmanager
def gather_maps() -> Iterator[dict[MapKind, FoundMap]]:
    """Give the maps that the block's run delivers; without this nobody computes one."""
    gathered: dict[MapKind, FoundMap] = {}
    token = _maps.set(gathered)
    try:
        yield gathered
    finally:
        _maps.reset(token)


def is_gathering() -> bool:
    """Tell whether anybody wants a map."""
    return _maps.get() is not None


def deliver_map(found: FoundMap) -> None:
    """Hand a map to whoever gathers."""
    gathered = _maps.get()
    if gathered is not None:
        gathered[found.kind] = found
