"""What the quality gate sees of an image as a network takes it: its statistics, and the network's features of it.

Features are the maps at a U-Net's narrowest, averaged. They are computed apart from the windows that are marked, by
torch and on the CPU: a backend's compiled graph gives scores alone, and an encoder over a few windows costs little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from inference.network_spec import NetworkSpec
from inference.pipeline.image_statistics import (
    cut_planes,
    deliver_statistics,
    is_gathering_statistics,
    measure_image,
)
from inference.pipeline.network_input import NetworkInput
from inference.pipeline.networks import SliceBySlice, UNet, build_spec_network
from inference.pipeline.preprocess import Image, pad_to_window
from inference.pipeline.three_planes import Triple, weigh_planes
from inference.pipeline.weights import load_weights
from inference.pipeline.windows import GridRule, WindowGrid

_MOST_WINDOWS = 8
"""Of an image, evenly spaced: what this costs must not grow with the volume."""
_LEAST_WEIGHT = 0.5
"""A plane of a volume is looked at if it counts at least this much beside the one that counts most."""

Rows = npt.NDArray[np.float64]


def deliver_input(
    given: NetworkInput, network: NetworkSpec, scores: int, folder: Path, sides_mm: Triple | None
) -> None:
    """Measure what a network is given for whoever gathers statistics.

    Parameters
    ----------
    given
        The image as it goes to the network.
    network
        As the catalogue has it: one of slices stays one also where it reads a volume in three planes.
    scores
        Of the network.
    folder
        Where its weights lie.
    sides_mm
        Length of the image along the network's axes; None where the network knows no millimetres.
    """
    if not is_gathering_statistics():
        return
    samples = take_samples(given.unpadded, network, sides_mm)
    found = measure_image(samples, sides_mm=sides_mm if network.flat_axis is None else None)
    found = replace(found, is_fused=_is_fused(given.unpadded, network, sides_mm))
    if not found.is_constant and network.architecture == "unet" and len(network.weights) == 1:
        windows = cut_windows(samples, network)
        found = replace(found, features=measure_features(windows, network, scores, folder))
    deliver_statistics(found)


def take_samples(image: Image, network: NetworkSpec, sides_mm: Triple | None) -> list[Image]:
    """Return what a network sees at once of an image (channel, slice, row, column): the volume, or slices of it.

    Of volumes that a network of slices reads in three planes, those that count, and of each the middle half: at its
    ends slices show air or a rim of the head, which no set of single slices holds.
    """
    if network.flat_axis is None:
        return [image]
    if sides_mm is None or not _is_fused(image, network, sides_mm):
        return cut_planes(image, network.flat_axis)
    weights = weigh_planes(sides_mm)
    axes = [axis for axis, weight in enumerate(weights) if weight >= _LEAST_WEIGHT * max(weights)]
    return [plane for axis in axes for plane in cut_planes(image, axis, is_middle=True)]


def _is_fused(image: Image, network: NetworkSpec, sides_mm: Triple | None) -> bool:
    """Tell whether a network of slices reads an image (channel, slice, row, column) in three planes."""
    return network.volumes is not None and sides_mm is not None and len(image[0]) > 1


def cut_windows(samples: Sequence[Image], network: NetworkSpec) -> list[Tensor]:
    """Return a few windows of samples (channel, slice, row, column), evenly spaced, padded where they are smaller."""
    windows: list[Tensor] = []
    chosen = _space(len(samples), _MOST_WINDOWS)
    for sample in (samples[number] for number in chosen):
        value = float(sample.min()) if network.pad_value is None else network.pad_value
        padded, _ = pad_to_window(sample, network.window, value)
        planes, rows, columns = padded.shape[1:]
        grid = WindowGrid((planes, rows, columns), network.window, network.overlap, GridRule(network.grid))
        starts = list(product(*(axis.starts for axis in grid.axes)))
        for number in _space(len(starts), max(1, _MOST_WINDOWS // len(chosen))):
            box = tuple(slice(s, s + n) for s, n in zip(starts[number], network.window, strict=True))
            windows.append(torch.from_numpy(np.ascontiguousarray(padded[(slice(None), *box)])))
    return windows


def _space(count: int, most: int) -> list[int]:
    """Return at most so many numbers below `count`, evenly spaced."""
    return sorted(set(np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()))


def measure_features(windows: Sequence[Tensor], network: NetworkSpec, scores: int, folder: Path) -> Rows:
    """Return the mean of each feature map at the narrowest level of a U-Net.

    Parameters
    ----------
    windows
        (channel, slice, row, column).

    Returns
    -------
    (sample, feature): a row for each window of a network that sees slices one by one, else one for all of the volume.
    """
    module = _load_encoder(network, scores, folder)
    with torch.inference_mode():
        rows = torch.cat([_pool(module, window[None]) for window in windows]).double().numpy()
    return rows if network.flat_axis is not None else rows.mean(axis=0, keepdims=True)


@lru_cache(maxsize=2)
def _load_encoder(network: NetworkSpec, scores: int, folder: Path) -> nn.Module:
    """Return a network with its weights, a few megabytes, that stays for the next run."""
    module = build_spec_network(network, scores)
    load_weights(module, folder / network.weights[0].path, sha256=network.weights[0].sha256)
    return module.eval()


def _pool(module: nn.Module, windows: Tensor) -> Tensor:
    """Return the means (window, feature) of windows (window, channel, slice, row, column)."""
    network = module.network if isinstance(module, SliceBySlice) else module
    if not isinstance(network, UNet):
        raise TypeError(f"{type(network).__name__} has no encoder to ask.")
    flat = module.squeeze(windows) if isinstance(module, SliceBySlice) else windows
    return network.encode(flat)[-1].flatten(2).mean(dim=2)
