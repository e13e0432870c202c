"""The architectures a network entry of the registry may name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import Tensor, nn

from inference.network_spec import Argument, NetworkSpec
from inference.pipeline.meshnet import MeshNet


@dataclass(frozen=True, slots=True)
class _Layers:
    """The layers of a U-Net in two or three dimensions."""

    convolution: Callable[..., nn.Module]
    enlarge: Callable[..., nn.Module]
    norm: Callable[..., nn.Module]

    def convolve(self, channels_in: int, channels_out: int, *, stride: int = 1) -> nn.Sequential:
        """Convolve, normalise, rectify."""
        # batch statistics are fixed at inference: a window of nothing but air is not stretched into structure,
        # as instance normalisation would
        return nn.Sequential(
            self.convolution(channels_in, channels_out, kernel_size=3, stride=stride, padding=1, bias=False),
            self.norm(channels_out, momentum=0.05),
            nn.ReLU(inplace=True),
        )

    def convolve_twice(self, channels_in: int, channels_out: int) -> nn.Sequential:
        """Convolve and convolve again."""
        return nn.Sequential(self.convolve(channels_in, channels_out), self.convolve(channels_out, channels_out))


_LAYERS = {
    2: _Layers(nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d),
    3: _Layers(nn.Conv3d, nn.ConvTranspose3d, nn.BatchNorm3d),
}


class UNet(nn.Module):
    """A plain U-Net: two convolutions per level, halved by strided convolution, skips concatenated.

    Parameters
    ----------
    channels
        Feature maps per level; each axis of the input must be divisible by 2 ** (levels - 1).
    dimensions
        2 or 3.

    References
    ----------
    Çiçek Ö et al. 3D U-Net. MICCAI 2016. doi:10.1007/978-3-319-46723-8_49
    """

    def __init__(self, channels_in: int, scores: int, channels: Sequence[int], dimensions: int = 3) -> None:
        super().__init__()
        layers = _LAYERS[dimensions]
        self.stem = layers.convolve_twice(channels_in, channels[0])
        pairs = list(pairwise(channels))
        self.down = nn.ModuleList(
            nn.Sequential(layers.convolve(a, b, stride=2), layers.convolve(b, b), layers.convolve(b, b))
            for a, b in pairs
        )
        self.up = nn.ModuleList(layers.enlarge(b, a, kernel_size=2, stride=2) for a, b in reversed(pairs))
        self.merge = nn.ModuleList(layers.convolve_twice(2 * a, a) for a, _ in reversed(pairs))
        self.head = layers.convolution(channels[0], scores, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        """Return scores (batch, class, *axes) of images (batch, channel, *axes): slice, row, column or the last two."""
        levels = self.encode(image)
        features = levels.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            features = merge(torch.cat((levels.pop(), up(features)), dim=1))
        scores: Tensor = self.head(features)
        return scores

    def encode(self, image: Tensor) -> list[Tensor]:
        """Return the feature maps (batch, feature, *axes) of every level, the finest first."""
        levels = [self.stem(image)]
        for down in self.down:
            levels.append(down(levels[-1]))
        return levels


class FullyConvolutional(nn.Module):
    """A fully convolutional network: scores of several depths, enlarged and added.

    Parameters
    ----------
    channels
        Feature maps per level; each level halves the one before.

    References
    ----------
    Long J et al. Fully convolutional networks for semantic segmentation. CVPR 2015.
    """

    def __init__(self, channels_in: int, scores: int, channels: Sequence[int]) -> None:
        super().__init__()
        layers = _LAYERS[3]
        self.levels = nn.ModuleList(
            layers.convolve_twice(a, b)
            if number == 0
            else nn.Sequential(layers.convolve(a, b, stride=2), layers.convolve(b, b))
            for number, (a, b) in enumerate(pairwise((channels_in, *channels)))
        )
        self.heads = nn.ModuleList(nn.Conv3d(width, scores, kernel_size=1) for width in channels)

    def forward(self, image: Tensor) -> Tensor:
        """Return scores (batch, class, slice, row, column)."""
        features = image
        found = []
        for level, head in zip(self.levels, self.heads, strict=True):
            features = level(features)
            found.append(head(features))
        scores: Tensor = found.pop()
        while found:
            finer = found.pop()
            scores = finer + nn.functional.interpolate(scores, finer.shape[2:], mode="trilinear", align_corners=False)
        return scores


class SliceBySlice(nn.Module):
    """A 2D network over windows that are one voxel thick along an axis."""

    def __init__(self, network: nn.Module, axis: int) -> None:
        super().__init__()
        self.network = network
        self._dimension = axis + 2

    def forward(self, windows: Tensor) -> Tensor:
        """Return scores (window, class, slice, row, column)."""
        scores: Tensor = self.network(self.squeeze(windows))
        return scores.unsqueeze(self._dimension)

    def squeeze(self, windows: Tensor) -> Tensor:
        """Return windows (window, channel, slice, row, column) without the axis along which they are flat."""
        return windows.squeeze(self._dimension)


Arguments = Mapping[str, Argument]
Build = Callable[..., nn.Module]

OWN_NETWORKS: Mapping[str, Build] = MappingProxyType({"unet": UNet, "fcn": FullyConvolutional, "meshnet": MeshNet})
MONAI_NETWORKS = frozenset(
    {"AttentionUnet", "BasicUNet", "DynUNet", "SegResNet", "SegResNetDS", "SwinUNETR", "UNETR", "UNet", "VNet"}
)
"""Classes of `monai.networks.nets`; a manifest names them "monai.UNet"."""
MONAI_PREFIX = "monai."
_LARGEST_NUMBER = 1 << 16
_MOST_ITEMS = 256


def list_architectures() -> tuple[str, ...]:
    """Return what a manifest may name."""
    return (*sorted(OWN_NETWORKS), *sorted(MONAI_PREFIX + name for name in MONAI_NETWORKS))


def build_network(
    architecture: str, arguments: Arguments, scores: int, *, channels_in: int = 1, flat_axis: int | None = None
) -> nn.Module:
    """Build a network with random weights.

    Parameters
    ----------
    arguments
        As the architecture takes them, besides channels in, scores out and dimensions.
    flat_axis
        The axis that a 2D network does not see.

    Raises
    ------
    ValueError
        Where no such architecture exists or it does not take these arguments.
    """
    if architecture not in list_architectures():
        raise ValueError(f"There is no architecture {architecture!r}; known are {', '.join(list_architectures())}.")
    _check_size(dict(arguments))
    try:
        if architecture in OWN_NETWORKS:
            network = OWN_NETWORKS[architecture](
                channels_in, scores, **_for_slices(architecture, flat_axis), **arguments
            )
        else:
            network = _build_monai(architecture, arguments, channels_in, scores, 3 if flat_axis is None else 2)
    except (TypeError, ValueError, KeyError, AttributeError, IndexError, RuntimeError) as error:
        raise ValueError(f"{architecture} cannot be built with {dict(arguments)}: {error}") from error
    return network if flat_axis is None else SliceBySlice(network, flat_axis)


def _for_slices(architecture: str, flat_axis: int | None) -> dict[str, int]:
    if flat_axis is None:
        return {}
    if architecture != "unet":
        raise ValueError(f"{architecture} has three dimensions")
    return {"dimensions": 2}


def _build_monai(architecture: str, arguments: Arguments, channels_in: int, scores: int, dimensions: int) -> nn.Module:
    # monai takes seconds to import, and only its own networks need it
    from monai.networks import nets

    sizes = {"spatial_dims": dimensions, "in_channels": channels_in, "out_channels": scores}
    network: nn.Module = getattr(nets, architecture.removeprefix(MONAI_PREFIX))(**sizes | dict(arguments))
    return network


def _check_size(value: object) -> None:
    """Refuse numbers that no network has, before anything of that size is made."""
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        if len(value) > _MOST_ITEMS:
            raise ValueError(f"A list of {len(value)} entries is no argument of a network.")
        for item in value:
            _check_size(item)
    elif isinstance(value, int | float) and not -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER:
        raise ValueError(f"{value!r} is no size of a network.")


def build_spec_network(network: NetworkSpec, scores: int) -> nn.Module:
    """Build the network of a catalogue entry with random weights."""
    return build_network(
        network.architecture,
        network.arguments,
        scores,
        channels_in=len(network.channels),
        flat_axis=network.flat_axis,
    )
