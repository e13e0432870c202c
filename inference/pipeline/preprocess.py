"""From the series' grid and grey values to what a network was trained on. Knows no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from inference.classical.grey_values import GreyValues, find_body_threshold, sample_grey_values

Shape = tuple[int, int, int]
Image = npt.NDArray[np.float32]

_MIDDLE_HALF = 1.349
"""Width of the middle half of a normal distribution, in standard deviations."""
_TISSUE_LIMIT = 8.0
_LOWEST, _HIGHEST = -5.0, 10.0


@dataclass(frozen=True, slots=True)
class GreyScale:
    """How grey values become a network's input: (value - centre) / spread, cut at -5 and 10."""

    centre: float
    spread: float

    def apply(self, values: Image) -> Image:
        """Return normalised values."""
        scaled: Image = (values - np.float32(self.centre)) / np.float32(self.spread)
        return np.clip(scaled, _LOWEST, _HIGHEST, out=scaled)


def measure_grey_scale(voxels: GreyValues) -> GreyScale:
    """Measure the body's grey values: the median, and the spread a normal distribution with its percentiles has.

    Raises
    ------
    inference.classical.grey_values.FlatImageError
        Where all voxels are equal.
    """
    sample = sample_grey_values(voxels)
    body = sample[sample > find_body_threshold(sample)]
    low, centre, high = np.percentile(body, (5, 50, 95))
    return GreyScale(float(centre), max(float(high - low) / 3.29, 1e-6 * abs(float(centre)), 1e-12))


def scale_tissue(image: Image, voxels: GreyValues) -> Image:
    """Return an image in units of its tissue's spread: what the middle half of the body's values has, about the median.

    Parameters
    ----------
    image
        What is scaled.
    voxels
        The series that median and spread are measured on.

    Raises
    ------
    inference.classical.grey_values.FlatImageError
        Where all voxels are equal.
    """
    sample = sample_grey_values(voxels)
    body = sample[sample > find_body_threshold(sample)]
    low, centre, high = np.percentile(body, (25, 50, 75))
    spread = max(float(high - low) / _MIDDLE_HALF, 1e-6 * abs(float(centre)), 1e-12)
    scaled = (image - np.float32(centre)) / np.float32(spread)
    return np.asarray(np.clip(scaled, -_TISSUE_LIMIT, _TISSUE_LIMIT), np.float32)


def find_working_shape(shape: Shape, spacing_mm: tuple[float, ...], target_mm: tuple[float, ...] | None) -> Shape:
    """Return the voxels of the network's grid over the same extent as the series; None keeps the series' own."""
    if target_mm is None:
        return shape
    sizes = [max(1, round(n * s / t)) for n, s, t in zip(shape, spacing_mm, target_mm, strict=True)]
    return (sizes[0], sizes[1], sizes[2])


def resample(voxels: GreyValues, shape: Shape) -> Image:
    """Resample onto a grid of another size over the same extent.

    Linear where the grid becomes finer; where it becomes coarser the kernel widens with it, so that nothing aliases.
    """
    image = voxels.astype(np.float32)
    for axis, size in enumerate(shape):
        if size != image.shape[axis]:
            moved = np.moveaxis(image, axis, 0)
            mixed = _mixing_matrix(image.shape[axis], size) @ np.ascontiguousarray(moved).reshape(moved.shape[0], -1)
            image = np.moveaxis(np.asarray(mixed, np.float32).reshape(size, *moved.shape[1:]), 0, axis)
    return np.ascontiguousarray(image)


def _mixing_matrix(size_in: int, size_out: int) -> sparse.csr_array:
    ratio = size_in / size_out
    width = max(1.0, ratio)
    centres = (np.arange(size_out) + 0.5) * ratio - 0.5
    first = np.floor(centres - width).astype(int)
    columns = first[:, None] + np.arange(int(np.ceil(2 * width)) + 2)
    weights = np.maximum(0.0, 1.0 - np.abs(columns - centres[:, None]) / width)
    columns = np.clip(columns, 0, size_in - 1)  # the edge voxel stands for what lies beyond
    weights /= weights.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(size_out), columns.shape[1])
    matrix = sparse.coo_array((weights.ravel(), (rows, columns.ravel())), shape=(size_out, size_in))
    return matrix.tocsr().astype(np.float32)


def pad_to_window(image: Image, window: Shape, value: float) -> tuple[Image, Shape]:
    """Extend axes (channel, slice, row, column) shorter than the window on both sides, as both references do.

    Returns
    -------
    The image and the voxels put before it along each spatial axis.
    """
    missing = [max(0, w - n) for w, n in zip(window, image.shape[1:], strict=True)]
    z, y, x = (total // 2 for total in missing)
    if not any(missing):
        return image, (z, y, x)
    sides = [(total // 2, total - total // 2) for total in missing]
    return np.pad(image, [(0, 0), *sides], constant_values=value), (z, y, x)
