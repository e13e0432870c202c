"""The architectures a network entry of the registry may name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import Tensor, nn


class UNet(nn.Module):
    """A plain 3D U-Net: two convolutions per level, halved by strided convolution, skips concatenated.

    Parameters
    ----------
    channels
        Feature maps per level; each axis of the input must be divisible by 2 ** (levels - 1).
    classes
        Segments and background.

    References
    ----------
    Çiçek Ö et al. 3D U-Net. MICCAI 2016. doi:10.1007/978-3-319-46723-8_49
    """

    def __init__(self, channels: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.stem = _convolve_twice(1, channels[0])
        pairs = list(pairwise(channels))
        self.down = nn.ModuleList(
            nn.Sequential(_convolve(a, b, stride=2), _convolve(b, b), _convolve(b, b)) for a, b in pairs
        )
        self.up = nn.ModuleList(nn.ConvTranspose3d(b, a, kernel_size=2, stride=2) for a, b in reversed(pairs))
        self.merge = nn.ModuleList(_convolve_twice(2 * a, a) for a, _ in reversed(pairs))
        self.head = nn.Conv3d(channels[0], classes, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        """Return scores (batch, class, slice, row, column) of images (batch, 1, slice, row, column)."""
        levels = [self.stem(image)]
        for down in self.down:
            levels.append(down(levels[-1]))
        features = levels.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            features = merge(torch.cat((levels.pop(), up(features)), dim=1))
        scores: Tensor = self.head(features)
        return scores


def _convolve(channels_in: int, channels_out: int, *, stride: int = 1) -> nn.Sequential:
    # batch statistics are fixed at inference: a window of nothing but air is not stretched into structure,
    # as instance normalisation would
    return nn.Sequential(
        nn.Conv3d(channels_in, channels_out, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm3d(channels_out, momentum=0.05),
        nn.ReLU(inplace=True),
    )


def _convolve_twice(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(_convolve(channels_in, channels_out), _convolve(channels_out, channels_out))


ARCHITECTURES: Mapping[str, Callable[[tuple[int, ...], int], nn.Module]] = MappingProxyType({"unet": UNet})


def build_network(architecture: str, channels: tuple[int, ...], classes: int) -> nn.Module:
    """Build a network with random weights.

    Raises
    ------
    ValueError
        Where no architecture of that name exists.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"There is no architecture {architecture!r}; known are {', '.join(sorted(ARCHITECTURES))}.")
    return ARCHITECTURES[architecture](channels, classes)
