"""What the engine bench runs: networks, volumes, and images whose label maps are not all one class. Knows no Django."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.ndimage import zoom
from torch import nn

Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class VolumeCase:
    """A volume: its working grid, the series' grid that labels go back to, channels, classes and window."""

    working_shape: Shape
    series_shape: Shape
    channels: int
    classes: int
    window: Shape


VOLUMES = {
    "brats": VolumeCase((155, 240, 240), (155, 240, 240), 4, 4, (128, 128, 128)),
    "ct": VolumeCase((120, 512, 512), (120, 512, 512), 1, 25, (96, 96, 96)),
    "ct_resampled": VolumeCase((150, 256, 256), (120, 512, 512), 1, 25, (96, 96, 96)),
    "small": VolumeCase((48, 96, 96), (40, 128, 128), 1, 4, (32, 64, 64)),
}
NETWORKS = ("thin", "5m", "swin_unetr")
SWEEP_SHAPES = ((48, 96, 96), (64, 128, 128), (96, 160, 160))
SWEEP_CLASSES = (2, 8, 25, 104)
_SWEEP_WINDOW = (32, 64, 64)


def find_case(name: str) -> VolumeCase:
    """Return a case by its name, or one of a sweep as "48x96x96x4": slices, rows, columns and classes, one channel."""
    if name in VOLUMES:
        return VOLUMES[name]
    slices, rows, columns, classes = (int(number) for number in name.split("x"))
    shape = (slices, rows, columns)
    return VolumeCase(shape, shape, 1, classes, _SWEEP_WINDOW)


def name_sweep(shape: Shape, classes: int) -> str:
    """Return the name of a case of a sweep."""
    return "x".join(str(number) for number in (*shape, classes))


def build_network(name: str, case: VolumeCase) -> nn.Module:
    """Return a network with seeded random weights and a head that spreads the classes."""
    nets: Any = import_module("monai.networks.nets")
    torch.manual_seed(1)
    network: nn.Module
    if name == "swin_unetr":
        network = nets.SwinUNETR(case.channels, case.classes, feature_size=24, use_checkpoint=False)
    else:
        channels = (8, 16, 32, 64) if name == "thin" else (32, 64, 128, 256, 288)
        network = nets.UNet(3, case.channels, case.classes, channels, (2,) * (len(channels) - 1))
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network.eval()


def make_image(case: VolumeCase, *, seed: int = 2) -> npt.NDArray[np.float32]:
    """Return a body of smooth structures (channel, slice, row, column) in still air."""
    random = np.random.default_rng(seed)
    axes = np.ogrid[tuple(slice(-1.0, 1.0, complex(0, n)) for n in case.working_shape)]
    body = axes[1] ** 2 + axes[2] ** 2 < 0.7
    image = np.empty((case.channels, *case.working_shape), np.float32)
    for channel in image:
        coarse = random.normal(size=tuple(-(-n // 8) for n in case.working_shape)).astype(np.float32)
        smooth = zoom(coarse, 8, order=1)[tuple(slice(0, n) for n in case.working_shape)]
        fine = random.standard_normal(case.working_shape, np.float32) * 0.02
        channel[...] = np.where(body, smooth + fine, -1.0)
    return image
