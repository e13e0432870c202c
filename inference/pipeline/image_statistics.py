"""An image in a few dozen numbers, as a network sees it: what the quality gate holds against the images it learnt from.

Measured on the network's grid after normalisation and before padding. Knows no torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from inference.pipeline.preprocess import Image

Row = npt.NDArray[np.float64]

_PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
_MOST_VALUES = 2**18
_MOST_PLANES = 48
"""Planes, evenly spaced, that sharpness and noise are measured on: what this costs must not grow with the volume."""
_BLOCKS = 3
_NORMAL_MAD = 0.6745
_LEAST = 1e-6


class Aspect(StrEnum):
    """What a statistic is about, for a person."""

    GREY_VALUES = "grey_values"
    BACKGROUND = "background"
    SHARPNESS = "sharpness"
    NOISE = "noise"
    LAYOUT = "layout"
    FIELD_OF_VIEW = "field_of_view"
    FEATURES = "features"


@dataclass(frozen=True, slots=True)
class ImageStatistics:
    """Statistics of an image.

    Attributes
    ----------
    names
        What each column is: its aspect, a point, and which one of it.
    rows
        (samples, statistics): one row for each slice of a network that sees slices one by one, else one for the volume.
    is_constant
        Whether some channel has the same value everywhere; there is nothing to measure then, and `rows` is empty.
    features
        (samples, features) of the network, as `inference.pipeline.network_features` measures them; empty where its
        architecture gives none.
    is_fused
        Whether a network of slices read the image in three planes; its answer is their mean then.
    """

    names: tuple[str, ...]
    rows: npt.NDArray[np.float64]
    is_constant: bool = False
    features: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    is_fused: bool = False


def aspect_of(name: str) -> Aspect:
    """Return what a statistic is about."""
    return Aspect(name.rpartition(":")[2].partition(".")[0])


def measure_image(samples: Sequence[Image], *, sides_mm: Sequence[float] | None) -> ImageStatistics:
    """Measure an image on the network's grid.

    Parameters
    ----------
    samples
        Normalised values (channel, slice, row, column) along the network's axes, not padded: the volume, or for a
        network that sees slices one by one each of them, one voxel thick.
    sides_mm
        Length of the volume along the network's axes; None of slices.
    """
    # a black slice at the end of a stack says nothing; a stack of nothing else does
    shown = [sample for sample in samples if all(float(np.ptp(channel)) > 0 for channel in sample)]
    if not shown:
        return ImageStatistics((), np.zeros((0, 0)), is_constant=True)
    measured = [_measure_sample(sample, sides_mm) for sample in shown]
    return ImageStatistics(tuple(measured[0]), np.array([list(each.values()) for each in measured]))


def cut_planes(image: Image, axis: int, *, is_middle: bool = False) -> list[Image]:
    """Return slices (channel, 1, row, column) of an image (channel, slice, row, column) across one of its axes.

    Not all of many, and of the middle half alone where that is asked for.
    """
    planes = np.moveaxis(image, axis + 1, 0)[:, :, None]
    spared = len(planes) // 4 if is_middle else 0
    return _thin(list(planes[spared : len(planes) - spared]))


def _thin(samples: Sequence[Image]) -> list[Image]:
    step = -(-len(samples) // _MOST_PLANES)
    return list(samples[::step])


def _measure_sample(sample: Image, sides_mm: Sequence[float] | None) -> dict[str, float]:
    found: dict[str, float] = {}
    for number, channel in enumerate(sample):
        head = f"{number}:" if len(sample) > 1 else ""
        found |= {f"{head}{name}": value for name, value in _measure_channel(channel).items()}
    sides = [float(side) for side in (sides_mm or sample.shape[1:]) if side > 1]
    if sides_mm is None:  # pixels have no size: the shape alone is known
        sides = [side / sides[0] for side in sides[1:]]
    return found | {f"{Aspect.FIELD_OF_VIEW}.{axis}": math.log(side) for axis, side in enumerate(sides)}


def _measure_channel(channel: Image) -> dict[str, float]:
    values = np.ascontiguousarray(channel).reshape(-1)
    values = values[:: -(-values.size // _MOST_VALUES)].astype(np.float64)
    spread = float(values.std()) or _LEAST
    levels = np.percentile(values, _PERCENTILES)
    found = {f"{Aspect.GREY_VALUES}.{p}": float(v) for p, v in zip(_PERCENTILES, levels, strict=True)}
    low, high = float(values.min()), float(values.max())
    found[f"{Aspect.BACKGROUND}.darkest"] = float((values <= low + 0.01 * (high - low)).mean())
    found[f"{Aspect.BACKGROUND}.brightest"] = float((values >= high - 0.01 * (high - low)).mean())
    for axis, size in enumerate(channel.shape):
        if size > 1:
            found[f"{Aspect.SHARPNESS}.{axis}"] = math.log(_measure_steps(channel, axis) / spread + _LEAST)
    found[f"{Aspect.NOISE}.fine"] = math.log(_measure_noise(channel) / spread + _LEAST)
    return found | _measure_layout(channel, float(values.mean()), spread)


def _measure_steps(channel: Image, axis: int) -> float:
    """Return the root mean square of the steps between neighbours along an axis."""
    along = np.moveaxis(channel, axis, 0)
    before = np.arange(0, len(along) - 1, -(-(len(along) - 1) // _MOST_PLANES))
    return float(np.sqrt(np.mean((along[before + 1] - along[before]).astype(np.float64) ** 2)))


def _measure_noise(channel: Image) -> float:
    """Return the standard deviation of what changes from pixel to pixel within slices.

    References
    ----------
    Immerkaer J. Fast noise variance estimation. Comput Vis Image Underst 1996;64:300. Here by the median, which edges
    hardly move.
    """
    planes = np.stack(_thin(list(channel))).astype(np.float64)
    if min(planes.shape[1:]) < 3:
        return 0.0
    rows = planes[:, :-2] - 2 * planes[:, 1:-1] + planes[:, 2:]
    both = rows[:, :, :-2] - 2 * rows[:, :, 1:-1] + rows[:, :, 2:]
    return float(np.median(np.abs(both)) / _NORMAL_MAD / 6.0)


def _measure_layout(channel: Image, mean: float, spread: float) -> dict[str, float]:
    """Return how bright each block of the image is, a third of every axis long."""
    blocks: dict[str, float] = {}
    edges = [np.linspace(0, size, (_BLOCKS if size >= _BLOCKS else 1) + 1).astype(int) for size in channel.shape]
    for place in np.ndindex(*(len(each) - 1 for each in edges)):
        box = tuple(slice(each[i], each[i + 1]) for each, i in zip(edges, place, strict=True))
        name = f"{Aspect.LAYOUT}.{''.join(map(str, place))}"
        blocks[name] = (float(channel[box].mean(dtype=np.float64)) - mean) / spread
    return blocks


_statistics: ContextVar[list[ImageStatistics] | None] = ContextVar("statistics of the run's image", default=None)


@contextmanager
def gather_statistics() -> Iterator[list[ImageStatistics]]:
    """Give the list that the block's run delivers its image's statistics to; without this nobody measures them."""
    gathered: list[ImageStatistics] = []
    token = _statistics.set(gathered)
    try:
        yield gathered
    finally:
        _statistics.reset(token)


def is_gathering_statistics() -> bool:
    """Tell whether anybody asks for the statistics of this run."""
    return _statistics.get() is not None


def deliver_statistics(statistics: ImageStatistics) -> None:
    """Hand a run's statistics to whoever gathers."""
    gathered = _statistics.get()
    if gathered is not None:
        gathered.append(statistics)
