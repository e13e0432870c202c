"""Turning, stretching and shading of training windows: what a network must not mind. Decided by a generator alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

Images = npt.NDArray[np.float32]
Truths = npt.NDArray[np.uint8]
Shape = tuple[int, int, int]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far windows are varied.

    Attributes
    ----------
    degrees
        Largest turn to either side, in the plane of a slice; of volumes about each axis.
    stretch
        Smallest and largest size.
    skew
        Largest difference of sizes along two axes, as a share.
    shift
        Largest distance of the window's middle from the image's, as a share of the window; None draws it anywhere.
    flips
        Axes (0 to 2) that may be flipped.
    truth_share
        Of windows drawn anywhere, the share whose middle lies on a segment.
    contrast, brightness, gamma
        Values become (value * c + b), then their power; ranges about 1, 0 and 1.
    noise
        Largest standard deviation that is added.
    blur
        Probability that the window is seen through fewer pixels.
    """

    degrees: float = 15.0
    stretch: tuple[float, float] = (0.8, 1.25)
    skew: float = 0.1
    shift: float | None = 0.1
    flips: tuple[int, ...] = ()
    truth_share: float = 0.5
    contrast: float = 0.3
    brightness: float = 0.3
    gamma: float = 0.3
    noise: float = 0.1
    blur: float = 0.2


def draw_window(
    rng: np.random.Generator, image: Images, truth: Truths, window: Shape, how: Augmentation
) -> tuple[Images, Truths]:
    """Return one varied window of an image (channel, slice, row, column) and of its truth (slice, row, column)."""
    is_flat = window[0] == 1
    matrix = _draw_matrix(rng, how, is_flat=is_flat)
    centre = _draw_centre(rng, truth, window, how)
    seen = _see(image, truth, matrix, centre, window)
    return _shade(rng, seen[0], how), seen[1]


def _draw_matrix(rng: np.random.Generator, how: Augmentation, *, is_flat: bool) -> Matrix:
    """Return 3x3: from a step in the window to one in the image, voxels."""
    matrix = np.eye(3)
    for first, second in ((1, 2),) if is_flat else ((1, 2), (0, 2), (0, 1)):
        angle = np.radians(rng.uniform(-how.degrees, how.degrees))
        turn = np.eye(3)
        turn[[first, first, second, second], [first, second, first, second]] = (
            np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle),
        )  # fmt: skip
        matrix = matrix @ turn
    sizes = np.full(3, np.exp(rng.uniform(*np.log(how.stretch)))) * rng.uniform(1 - how.skew, 1 + how.skew, 3)
    for axis in how.flips:
        sizes[axis] *= rng.choice((-1.0, 1.0))
    if is_flat:
        sizes[0] = 1.0
    return np.asarray(matrix / sizes)


def _draw_centre(rng: np.random.Generator, truth: Truths, window: Shape, how: Augmentation) -> npt.NDArray[np.float64]:
    size = np.asarray(truth.shape, float)
    if how.shift is not None:
        centre = (size - 1) / 2 + rng.uniform(-how.shift, how.shift, 3) * np.asarray(window)
    else:
        inside = np.flatnonzero(truth)
        if inside.size and rng.random() < how.truth_share:
            voxel = np.asarray(np.unravel_index(int(rng.choice(inside)), truth.shape), float)
            centre = voxel + rng.uniform(-0.25, 0.25, 3) * np.asarray(window)
        else:
            centre = rng.uniform(0, size - 1)
    if window[0] == 1:
        centre[0] = rng.integers(truth.shape[0])
    return np.asarray(centre)


def _see(
    image: Images, truth: Truths, matrix: Matrix, centre: npt.NDArray[np.float64], window: Shape
) -> tuple[Images, Truths]:
    """Look at the image through the window: values linear in between, segments nearest; outside the least value."""
    steps = [np.arange(n) - (n - 1) / 2 for n in window]
    offsets = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1)
    size = np.asarray(truth.shape, float)
    places = (offsets @ matrix.T + centre) * 2 / np.maximum(size - 1, 1) - np.where(size > 1, 1.0, 0.0)
    # torch counts column, row, slice
    grid = torch.from_numpy(np.ascontiguousarray(places[..., ::-1], np.float32))[None]
    floor = float(image.min())
    values = torch.from_numpy(np.asarray(image, np.float32) - floor)[None]
    numbers = torch.from_numpy(np.asarray(truth, np.float32))[None, None]
    seen = torch.nn.functional.grid_sample(values, grid, mode="bilinear", align_corners=True)[0].numpy() + floor
    labels = torch.nn.functional.grid_sample(numbers, grid, mode="nearest", align_corners=True)[0, 0].numpy()
    return np.asarray(seen, np.float32), np.asarray(labels, np.uint8)


def _shade(rng: np.random.Generator, image: Images, how: Augmentation) -> Images:
    contrast = rng.uniform(1 - how.contrast, 1 + how.contrast)
    varied = image * np.float32(contrast) + np.float32(rng.normal(0.0, how.brightness / 2))
    gamma = np.exp(rng.uniform(-how.gamma, how.gamma))
    varied = np.sign(varied) * np.abs(varied) ** np.float32(gamma)
    if rng.random() < how.blur:
        varied = _coarsen(varied, float(rng.uniform(0.4, 0.8)))
    deviation = rng.uniform(0.0, how.noise)
    noisy: Images = varied + rng.normal(0.0, deviation, varied.shape).astype(np.float32)
    return np.asarray(noisy, np.float32)


def _coarsen(image: Images, share: float) -> Images:
    """See a window through fewer pixels."""
    values = torch.from_numpy(np.ascontiguousarray(image))[None]
    fewer = [max(1, round(n * share)) for n in image.shape[1:]]
    small = torch.nn.functional.interpolate(values, fewer, mode="trilinear", align_corners=False)
    return np.asarray(torch.nn.functional.interpolate(small, image.shape[1:], mode="trilinear", align_corners=False)[0])
