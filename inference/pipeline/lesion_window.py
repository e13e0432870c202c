"""The part of a network's grid about a lesion, and the way of a map from there back to the series. Knows no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inference.classical.grey_values import FlatImageError, GreyValues, find_body_threshold, sample_grey_values
from inference.pipeline.explanation import LesionLostError
from inference.pipeline.job_maps import FoundMap, MapKind
from inference.pipeline.network_input import NetworkInput
from inference.pipeline.preprocess import Image, Shape

_ZERO_LEVEL = 128
_LEVELS = 127


@dataclass(frozen=True, slots=True)
class LesionWindow:
    """One window of a network's grid.

    Attributes
    ----------
    image
        Normalised values (channel, slice, row, column) along the network's axes.
    lesion
        The lesion's voxels in it, at least one.
    plain
        For each channel what plain tissue is: the median of the body.
    start
        Its first voxel on the padded grid.
    share
        Share of the lesion that it holds.
    """

    image: Image
    lesion: npt.NDArray[np.bool_]
    plain: npt.NDArray[np.float32]
    start: Shape
    share: float

    @property
    def box(self) -> tuple[slice, slice, slice]:
        """Where it lies on the padded grid."""
        z, y, x = (slice(s, s + n) for s, n in zip(self.start, self.lesion.shape, strict=True))
        return z, y, x


def cut_window(
    given: NetworkInput,
    channels: tuple[GreyValues, ...],
    lesion: npt.NDArray[np.bool_],
    window: Shape,
    *,
    flat_axis: int | None = None,
) -> LesionWindow:
    """Return the window that holds as much of a lesion as one can, the lesion in its middle.

    Parameters
    ----------
    channels, lesion
        On the series' grid.
    window
        Voxels.
    flat_axis
        An axis of which all slices through the lesion are taken, however many; None for none.

    Raises
    ------
    LesionLostError
        Where the lesion is nowhere on the network's grid.
    """
    mask = _bring_to_grid(given, lesion)
    total = int(mask.sum())
    if total == 0:
        raise LesionLostError("There is no voxel of this lesion where the network looks. Choose another one.")
    size = list(window)
    if flat_axis is not None:
        planes = np.flatnonzero(mask.any(axis=tuple(axis for axis in range(3) if axis != flat_axis)))
        size[flat_axis] = int(planes[-1] - planes[0]) + 1
    start = _find_start(mask, (size[0], size[1], size[2]))
    box = tuple(slice(s, s + n) for s, n in zip(start, size, strict=True))
    inside = np.ascontiguousarray(mask[box])
    return LesionWindow(
        np.ascontiguousarray(given.image[(slice(None), *box)]),
        inside,
        np.asarray([_find_plain(given, number, channel) for number, channel in enumerate(channels)], np.float32),
        start,
        int(inside.sum()) / total,
    )


def _bring_to_grid(given: NetworkInput, lesion: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the voxels of the padded grid at least half in a lesion; of a tiny one those that hold most of it."""
    shares = given.working.resample(given.turn.turn(lesion.astype(np.uint8)))
    most = float(shares.max())
    mask = np.zeros(given.shape, np.bool_)
    if most > 0:
        z, y, x = (slice(b, b + n) for b, n in zip(given.before, shares.shape, strict=True))
        mask[z, y, x] = shares >= min(0.5, 0.5 * most)
    return mask


def _find_start(mask: npt.NDArray[np.bool_], size: Shape) -> Shape:
    counts = mask.astype(np.int64)
    for axis, length in enumerate(size):
        sums = np.concatenate([np.zeros_like(counts.take([0], axis)), counts.cumsum(axis)], axis)
        last = sums.shape[axis]
        counts = sums.take(range(length, last), axis) - sums.take(range(last - length), axis)
    places = np.argwhere(counts == counts.max())
    middle = np.asarray([(np.flatnonzero(mask.any(axis=_others(axis)))[[0, -1]].sum() + 1) / 2 for axis in range(3)])
    distance = ((places + np.asarray(size) / 2 - middle) ** 2).sum(axis=1)
    z, y, x = (int(index) for index in places[int(distance.argmin())])
    return z, y, x


def _others(axis: int) -> tuple[int, ...]:
    return tuple(other for other in range(3) if other != axis)


def _find_plain(given: NetworkInput, number: int, channel: GreyValues) -> float:
    """Return the median of the body, normalised; of the whole image where no body stands out."""
    grey = given.working.resample(given.turn.turn(channel))
    z, y, x = (slice(b, b + n) for b, n in zip(given.before, grey.shape, strict=True))
    values = given.image[number, z, y, x]
    try:
        values = values[grey > find_body_threshold(sample_grey_values(channel))]
    except FlatImageError:
        values = values.reshape(-1)
    return float(np.median(values)) if values.size else float(np.median(given.image[number]))


def build_map(given: NetworkInput, window: LesionWindow, values: Image, *, unit: str, strongest: float) -> FoundMap:
    """Lay a window's values over the series, linear between the network's voxels, 0 outside.

    Parameters
    ----------
    values
        (slice, row, column) as `LesionWindow.lesion`; signed where any is below 0, and 0 is the byte 128 then.
    unit
        Of the two ends, in words.
    strongest
        Which value, or its opposite, gets the last colour; larger ones are cut.
    """
    padded = np.zeros(given.shape, np.float32)
    padded[window.box] = values
    is_signed = bool((values < 0).any())
    strongest = strongest or 1.0
    voxels = np.empty(given.turn.turned_shape, np.uint8)
    planes, rows, columns = given.working.find_positions(given.before, is_linear=True)
    for index, (below, above, share) in enumerate(zip(planes.below, planes.above, planes.share, strict=True)):
        plane = padded[below] + share * (padded[above] - padded[below])
        plane = plane[rows.below] + rows.share[:, None] * (plane[rows.above] - plane[rows.below])
        plane = plane[:, columns.below] + columns.share * (plane[:, columns.above] - plane[:, columns.below])
        scaled = np.clip(plane / strongest, -1.0, 1.0)
        voxels[index] = np.rint(scaled * _LEVELS + _ZERO_LEVEL if is_signed else scaled * 255.0)
    low = -strongest * _ZERO_LEVEL / _LEVELS if is_signed else 0.0
    back = np.ascontiguousarray(given.turn.turn_back(voxels))
    return FoundMap(MapKind.EXPLANATION, back, low, strongest, unit, {})
