"""Dilated convolutions over a whole volume, block by block, as dense ones that processors have fast kernels for.

The voxels that a convolution of dilation d looks at lie d apart: taken every d-th voxel apart, a volume falls into d^3
smaller ones that a dense convolution answers independently. Blocks of these pass through the processor's caches one
after the other, normalised and activated on the way in and summed up on the way out, and take the place of what they
were computed from: one set of feature maps is all that is held. Same sums as the layers of `MeshNet.forward` compute,
to the rounding of their order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

import torch
from torch import Tensor, nn

from inference.pipeline.meshnet import MeshNet

_BLOCK_VOXELS = 2**17
_CHANNELS_STEP = 8
"""Channels are filled up to a multiple of this: whole vector registers, whole cache lines."""
_EPSILON = 1e-5
"""Of `torch.nn.functional.instance_norm`."""

Activate = Callable[[Tensor], Tensor]
_IN_PLACE: Mapping[str, Activate] = MappingProxyType(
    {
        "linear": lambda features: features,
        "relu": nn.functional.relu_,
        "elu": nn.functional.elu_,
        "gelu": torch.ops.aten.gelu_,
    }
)
"""Of `inference.pipeline.meshnet.ACTIVATIONS`."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is still to be done to stored features when they are read."""

    activate: Activate
    factor: Tensor | None = None
    offset: Tensor | None = None

    def apply(self, block: Tensor) -> Tensor:
        """Normalise and activate a block (..., column, channel) in place."""
        if self.factor is not None and self.offset is not None:
            rows, columns = block.flatten(-2), block.shape[-2]  # long rows: one call does not go channel by channel
            rows.mul_(self.factor.repeat(columns)).add_(self.offset.repeat(columns))
        activated: Tensor = self.activate(block)
        return activated


class _Statistics:
    """Mean and spread of feature maps, summed up block by block."""

    def __init__(self, channels: int) -> None:
        self._count = 0
        self._sum = torch.zeros(channels, dtype=torch.float64)
        self._squares = torch.zeros(channels, dtype=torch.float64)

    def add(self, block: Tensor) -> None:
        """Add a contiguous block (..., channel)."""
        count = block.numel() // block.shape[-1]
        together = math.gcd(count, 64)  # long rows add up faster
        rows = block.view(-1, together * block.shape[-1])
        self._sum += rows.sum(0).double().view(together, -1).sum(0)
        self._squares += rows.square().sum(0).double().view(together, -1).sum(0)
        self._count += count

    def normalise(self, activate: Activate) -> _Reading:
        """Return the reading that brings each map to mean 0 and spread 1."""
        mean = self._sum / self._count
        variance = (self._squares / self._count - mean * mean).clamp_(min=0)
        factor = (variance + _EPSILON).rsqrt()
        return _Reading(activate, factor.float(), (-mean * factor).float())


@torch.inference_mode()
def run_in_blocks(network: MeshNet, image: Tensor) -> Tensor:
    """Return a network's scores (class, slice, row, column) of an image (channel, slice, row, column) on the CPU."""
    features = image.permute(1, 2, 3, 0).contiguous()
    reading = _Reading(_IN_PLACE["linear"])
    for convolution, name, is_normalised in zip(
        network.convolutions, network.activations, network.is_normalised, strict=True
    ):
        if not isinstance(convolution, nn.Conv3d):
            raise TypeError("A MeshNet is made of convolutions.")
        statistics = _Statistics(_fill_up(convolution.out_channels)) if is_normalised else None
        features = _convolve(features, reading, convolution, statistics)
        activate = _IN_PLACE[name]
        reading = _Reading(activate) if statistics is None else statistics.normalise(activate)
    scores = torch.empty(network.filters[-1], *features.shape[:3])
    for plane in range(len(features)):
        scores[:, plane] = reading.apply(features[plane]).permute(2, 0, 1)[: len(scores)]
    return scores


def _convolve(features: Tensor, reading: _Reading, layer: nn.Conv3d, statistics: _Statistics | None) -> Tensor:
    """Return what a layer makes of features (slice, row, column, channel), in their place where the channels fit."""
    dense = _Dense(layer, features.shape[-1])
    target = features
    if dense.channels_out != features.shape[-1]:
        target = torch.empty(*features.shape[:3], dense.channels_out)
    dilation = layer.dilation[0] if dense.reach else 1
    for source, place in zip(_split(features, dilation), _split(target, dilation), strict=True):
        for answer, planes in dense.run(source, reading):
            place[:, planes].copy_(answer)
            if statistics is not None:
                statistics.add(answer)
    return target


def _split(volume: Tensor, dilation: int) -> Iterator[Tensor]:
    """Take every `dilation`-th voxel apart: views (part, slice, row, column, channel) of parts that are alike in size.

    Parts that differ in their first column alone come together.
    """
    planes, rows, columns, _ = volume.shape
    whole = columns // dilation
    longer = columns - whole * dilation  # so many parts have one column more
    for plane, row in product(range(min(dilation, planes)), range(min(dilation, rows))):
        spread = volume[plane::dilation, row::dilation]
        for first, last, length in ((0, longer, whole + 1), (longer, dilation, whole)):
            if last > first and length:
                begin, step = spread[:, :, first:], spread.stride()
                yield begin.as_strided(
                    (last - first, *spread.shape[:2], length, spread.shape[3]),
                    (step[2], step[0], step[1], step[2] * dilation, step[3]),
                )


class _Dense:
    """A layer's convolution without its dilation, with channels filled up."""

    def __init__(self, layer: nn.Conv3d, channels_in: int) -> None:
        self.channels_out = _fill_up(layer.out_channels)
        self.reach = layer.kernel_size[0] // 2
        weight = torch.zeros(self.channels_out, channels_in, *layer.kernel_size)
        weight[: layer.out_channels, : layer.in_channels] = layer.weight
        self._weight = weight.contiguous(memory_format=torch.channels_last_3d)
        self._bias: Tensor | None = None
        if layer.bias is not None:
            self._bias = torch.zeros(self.channels_out)
            self._bias[: layer.out_channels] = layer.bias

    def run(self, source: Tensor, reading: _Reading) -> Iterator[tuple[Tensor, slice]]:
        """Return the answer for parts (part, slice, row, column, channel) and where it goes, slab by slab.

        A slab's answer may be written over the parts as soon as it is there: what the next one needs of it is kept.
        """
        parts, planes, rows, columns, channels = source.shape
        reach = self.reach
        thickness = min(planes, max(2 * reach, 1, _BLOCK_VOXELS // (parts * rows * columns)))
        block = torch.zeros(parts, thickness + 2 * reach, rows, columns, channels)
        self._read(source, reading, block[:, reach:], 0)
        for first in range(0, planes, thickness):
            if first:
                block[:, : 2 * reach] = block[:, thickness:].clone()
                self._read(source, reading, block[:, 2 * reach :], first + reach)
            count = min(thickness, planes - first)
            answer = self._apply(block[:, : count + 2 * reach])
            yield answer, slice(first, first + count)

    def _read(self, source: Tensor, reading: _Reading, into: Tensor, first: int) -> None:
        """Fill planes of a block with activated features from plane `first` on, and with zeros past the end."""
        count = max(0, min(into.shape[1], source.shape[1] - first))
        if count:
            reading.apply(into[:, :count].copy_(source[:, first : first + count]))
        into[:, count:] = 0

    def _apply(self, block: Tensor) -> Tensor:
        """Convolve a block (part, slice, row, column, channel) that carries its own borders along the slices."""
        around = (0, self.reach, self.reach)
        windows = block.permute(0, 4, 1, 2, 3)
        if torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # torch ships it untyped
            # by name: torch's own choice leaves small blocks to a kernel that is ten times slower
            answer = torch.mkldnn_convolution(windows, self._weight, self._bias, around, (1, 1, 1), (1, 1, 1), 1)
        else:
            answer = nn.functional.conv3d(windows, self._weight, self._bias, padding=around)
        return answer.permute(0, 2, 3, 4, 1).contiguous()


def _fill_up(channels: int) -> int:
    return -(-channels // _CHANNELS_STEP) * _CHANNELS_STEP
