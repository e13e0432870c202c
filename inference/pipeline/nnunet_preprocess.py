"""From a series' voxels to what an nnU-Net was trained on, step by step as nnU-Net does it. Knows no torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.pipeline.nnunet_plan import Channel, Normalization, Plan
from inference.pipeline.nnunet_resample import (
    Image,
    Shape,
    find_thick_axis,
    find_working_shape,
    resample_image,
    resample_labels,
)
from inference.pipeline.turning import Turn, find_turn
from studies.errors import InvalidInputError
from studies.imaging.geometry import VolumeGeometry

Box = tuple[slice, slice, slice]
Mask = npt.NDArray[np.bool_]

_SMALLEST_DEVIATION = 1e-8
_OUTSIDE = -1
_MOST_VOXELS = 2**31
_LABELS_RESAMPLER = (1, 0, None)


class WrongChannelsError(InvalidInputError):
    """The images given are not those the network takes."""

    code: ClassVar[str] = "model.channels"


class GridError(InvalidInputError):
    """The series is far too large, or too thin, for the spacing the network works at."""

    code: ClassVar[str] = "model.grid"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A network's input and the way back.

    Attributes
    ----------
    image
        (channel, slice, row, column) on the network's grid.
    turn
        From the series' axes to the network's.
    crop
        The part of it that is not zero everywhere.
    is_linear
        For each axis whether scores are interpolated on the way back.
    """

    image: Image
    turn: Turn
    crop: Box
    is_linear: tuple[bool, bool, bool]

    @property
    def crop_shape(self) -> Shape:
        """Voxels of the part that is segmented."""
        z, y, x = (part.stop - part.start for part in self.crop)
        return z, y, x


def prepare(
    channels: Sequence[npt.NDArray[np.generic]],
    geometry: VolumeGeometry,
    plan: Plan,
    previous: npt.NDArray[np.uint8] | None = None,
) -> Prepared:
    """Turn, crop, normalise and resample a series' voxels.

    Parameters
    ----------
    channels
        One image per channel of the plan, all on the same grid.
    geometry
        That grid.
    previous
        For the second stage of a cascade, the first stage's label map on that grid.

    Raises
    ------
    WrongChannelsError
        Where there are more or fewer images than channels.
    """
    if len(channels) != len(plan.channels):
        names = ", ".join(channel.name for channel in plan.channels)
        raise WrongChannelsError(f"This model takes {len(plan.channels)} images ({names}), and got {len(channels)}.")
    turn = find_turn(geometry, plan.orientation)
    turned = [turn.turn(np.asarray(channel)) for channel in channels]
    spacing = turn.turn_values(geometry.spacing_mm)
    target = (spacing[0], *plan.spacing_mm) if len(plan.spacing_mm) == 2 else plan.spacing_mm
    crop = find_content(turned)
    cropped = [channel[crop] for channel in turned]
    is_mask_used = previous is not None or any(channel.is_masked for channel in plan.channels)
    mask = fill_content(cropped) if is_mask_used else None
    shape = find_working_shape(_shape_of(cropped[0]), spacing, target)
    if math.prod(shape) > _MOST_VOXELS or min(shape) < 1:
        raise GridError(f"On the network's grid this series would have {shape} voxels. Choose another model or series.")
    thick = find_thick_axis(plan.data, spacing, target)
    layers = [
        resample_image(normalize(image, channel, mask), shape, plan.data, thick)
        for image, channel in zip(cropped, plan.channels, strict=True)
    ]
    if previous is not None and mask is not None:
        labels = np.where((turn.turn(previous)[crop] == 0) & ~mask, np.int16(_OUTSIDE), turn.turn(previous)[crop])
        labels = resample_labels(labels.astype(np.int16), shape, find_thick_axis(_LABELS_RESAMPLER, spacing, target))
        layers += [(labels == value).astype(np.float32) for value in plan.heads.values]
    return Prepared(np.stack(layers), turn, crop, _find_linear(plan, spacing, target))


def _find_linear(plan: Plan, spacing: tuple[float, ...], target: tuple[float, ...]) -> tuple[bool, bool, bool]:
    thick = find_thick_axis(plan.scores, target, spacing)
    order, order_across, _ = plan.scores
    z, y, x = ((order_across if axis == thick else order) == 1 for axis in range(3))
    return z, y, x


def find_content(channels: Sequence[npt.NDArray[np.generic]]) -> Box:
    """Return the box around all voxels that are not zero in every channel; all of an image that is nothing but zero."""
    spans = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        hit = np.flatnonzero(np.any([(channel != 0).any(axis=others) for channel in channels], axis=0))
        spans.append(slice(int(hit[0]), int(hit[-1]) + 1) if len(hit) else slice(0, channels[0].shape[axis]))
    return spans[0], spans[1], spans[2]


def fill_content(channels: Sequence[npt.NDArray[np.generic]]) -> Mask:
    """Return the voxels that are not zero in some channel, with the holes that they enclose."""
    content: Mask = channels[0] != 0
    for channel in channels[1:]:
        content |= channel != 0
    numbers, count = ndimage.label(~content)
    is_open = np.zeros(count + 1, bool)
    for axis in range(3):
        for end in (0, -1):
            is_open[np.unique(numbers.take(end, axis=axis))] = True
    is_open[0] = False
    return ~is_open[numbers]


def normalize(voxels: npt.NDArray[np.generic], channel: Channel, mask: Mask | None) -> Image:
    """Return one channel's values as the network takes them; arithmetic in single precision, as in training."""
    image = np.array(voxels, np.float32, order="C")
    return _SCHEMES[channel.normalization](image, channel, mask)


def _normalize_ct(image: Image, channel: Channel, mask: Mask | None) -> Image:
    np.clip(image, channel.low, channel.high, out=image)
    image -= np.float32(channel.mean)
    image /= np.float32(max(channel.deviation, _SMALLEST_DEVIATION))
    return image


def _normalize_z_score(image: Image, channel: Channel, mask: Mask | None) -> Image:
    if channel.is_masked and mask is not None:
        inside = image[mask]
        if inside.size:
            image[mask] = (inside - inside.mean()) / max(inside.std(), _SMALLEST_DEVIATION)
        return image
    mean, deviation = image.mean(), image.std()
    image -= mean
    image /= max(deviation, _SMALLEST_DEVIATION)
    return image


def _keep(image: Image, channel: Channel, mask: Mask | None) -> Image:
    return image


def _rescale_to_01(image: Image, channel: Channel, mask: Mask | None) -> Image:
    image -= image.min()
    image /= max(float(image.max()), _SMALLEST_DEVIATION)
    return image


def _rescale_rgb(image: Image, channel: Channel, mask: Mask | None) -> Image:
    if image.min() < 0 or image.max() > 255:
        raise WrongChannelsError(
            f"The channel {channel.name!r} takes colours from 0 to 255, but this image has others."
        )
    image /= np.float32(255)
    return image


_SCHEMES: Mapping[Normalization, Callable[[Image, Channel, Mask | None], Image]] = MappingProxyType(
    {
        Normalization.CT: _normalize_ct,
        Normalization.Z_SCORE: _normalize_z_score,
        Normalization.NONE: _keep,
        Normalization.RESCALE_TO_01: _rescale_to_01,
        Normalization.RGB_TO_01: _rescale_rgb,
    }
)


def _shape_of(voxels: npt.NDArray[np.generic]) -> Shape:
    z, y, x = voxels.shape
    return z, y, x
