"""Splines along one axis after the other, equal to nnU-Net's resampling and many times faster. Knows no torch.

Interpolating by splines is linear in the voxels and separable: along one axis it is one matrix, prefilter included,
whose entries fade to nothing a few voxels from the diagonal. Blocks of it are multiplied by the machine's own matrix
routines.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from threadpoolctl import ThreadpoolController

from inference.pipeline.nnunet_plan import Resampler

Image = npt.NDArray[np.float32]
LabelMap = npt.NDArray[np.int16]
Shape = tuple[int, int, int]
Spacing = tuple[float, ...]

THICK_SLICES = 3.0
"""Spacing along one axis over that along the finest from which on slices are interpolated one by one."""
_BLOCK = 64
_NEGLIGIBLE = 1e-8
_PADDING = 12


def find_working_shape(shape: Shape, spacing: Spacing, target: Spacing) -> Shape:
    """Return the voxels of a grid of another spacing over the same extent."""
    z, y, x = (round(have / want * count) for have, want, count in zip(spacing, target, shape, strict=True))
    return z, y, x


def find_thick_axis(resampler: Resampler, spacing: Spacing, target: Spacing) -> int | None:
    """Return the axis across whose slices nothing is blended, or None where all axes are alike.

    Judged by the spacing that comes first in (present, wanted) with one axis more than three times the finest.
    """
    forced = resampler[2]
    if forced is False:
        return None
    for candidate in (spacing, target):
        if forced or max(candidate) / min(candidate) > THICK_SLICES:
            thickest = [axis for axis, value in enumerate(candidate) if value == max(candidate)]
            return thickest[0] if len(thickest) == 1 else None
    return None


def resample_image(image: Image, shape: Shape, resampler: Resampler, thick: int | None) -> Image:
    """Resample one channel (slice, row, column); values stay within those of the slice, or the image, they come from.

    Parameters
    ----------
    thick
        As `find_thick_axis` returns it.
    """
    if image.shape == shape:
        return image
    order, order_across, _ = resampler
    if thick is None:
        resampled = _apply_within(image, {axis: shape[axis] for axis in range(3)}, order)
        return np.clip(resampled, image.min(), image.max(), out=resampled)
    slices = np.moveaxis(image, thick, 0)
    flat_shape = tuple(size for axis, size in enumerate(shape) if axis != thick)
    if order_across == 0:
        slices = slices[find_nearest(slices.shape[0], shape[thick])]
    planes = np.empty((slices.shape[0], *flat_shape), np.float32)
    for number in range(slices.shape[0]):
        plane = np.ascontiguousarray(slices[number])[None]
        moved = _apply_within(plane, {1: flat_shape[0], 2: flat_shape[1]}, order)
        np.clip(moved[0], plane.min(), plane.max(), out=planes[number])
    if order_across != 0 and planes.shape[0] != shape[thick]:
        planes = _apply(planes, 0, shape[thick], order_across)
    return np.ascontiguousarray(np.moveaxis(planes, 0, thick))


def resample_labels(labels: LabelMap, shape: Shape, thick: int | None) -> LabelMap:
    """Resample a label map: the label whose linearly interpolated share is largest; of equal ones the nearest voxel's.

    Where the nearest voxel's label is not among the equal ones, the lowest of them.
    """
    if labels.shape == shape:
        return labels
    if thick is not None:
        slices = np.moveaxis(labels, thick, 0)[find_nearest(labels.shape[thick], shape[thick])]
        rows, columns = (size for axis, size in enumerate(shape) if axis != thick)
        flat = (slices.shape[0], rows, columns)
        return np.ascontiguousarray(np.moveaxis(_vote(np.ascontiguousarray(slices), flat), 0, thick))
    return _vote(labels, shape)


def _vote(labels: LabelMap, shape: Shape) -> LabelMap:
    places = [find_nearest(have, want) for have, want in zip(labels.shape, shape, strict=True)]
    nearest = labels[np.ix_(*places)]
    sizes = dict(enumerate(shape))
    winner = np.zeros(shape, np.int16)
    best = np.full(shape, -1.0, np.float32)
    is_nearest_best = np.zeros(shape, bool)
    for label in np.unique(labels):
        share = _apply_within((labels == label).astype(np.float32), sizes, 1)
        is_here = nearest == label
        is_better = share > best
        is_nearest_best = np.where(is_better, is_here, is_nearest_best | (is_here & (share == best)))
        winner[is_better] = label
        np.maximum(best, share, out=best)
    np.copyto(winner, nearest, where=is_nearest_best)
    return winner


def find_nearest(size_in: int, size_out: int) -> npt.NDArray[np.intp]:
    """Return the nearest voxel to each voxel of an axis of another size; halfway between two it is the later one."""
    centres = size_in / size_out * (np.arange(size_out) + 0.5) - 0.5
    places: npt.NDArray[np.intp] = np.clip(np.floor(centres + 0.5), 0, size_in - 1).astype(np.intp)
    return places


def _apply_within(image: Image, sizes: dict[int, int], order: int) -> Image:
    """Resample along several axes, those that become coarser first: what is dropped early costs nothing later."""
    for axis in sorted(sizes, key=lambda axis: sizes[axis] / image.shape[axis]):
        if sizes[axis] != image.shape[axis]:
            image = _apply(image, axis, sizes[axis], order)
    return image.copy() if not image.flags.writeable else image


def _apply(image: Image, axis: int, size: int, order: int) -> Image:
    matrix, blocks = _mixing_matrix(image.shape[axis], size, order)
    resampled = np.empty([size if a == axis else n for a, n in enumerate(image.shape)], np.float32)
    image = np.ascontiguousarray(image)
    # the products are small: handing each to several threads takes longer than computing it, a hundred times on a
    # machine that has other work
    with _threads().limit(limits=1, user_api="blas"):
        for first, last, low, high in blocks:
            weights = matrix[first:last, low:high]
            if axis == 2:
                rows = image.reshape(-1, image.shape[2])
                np.matmul(rows[:, low:high], weights.T, out=resampled.reshape(-1, size)[:, first:last])
            elif axis == 1:
                np.matmul(weights, image[:, low:high], out=resampled[:, first:last])
            else:
                columns = image.reshape(image.shape[0], -1)
                np.matmul(weights, columns[low:high], out=resampled.reshape(size, -1)[first:last])
    return resampled


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()  # looking for the libraries takes milliseconds; telling them does not


@lru_cache(maxsize=32)
def _mixing_matrix(size_in: int, size_out: int, order: int) -> tuple[Image, tuple[tuple[int, int, int, int], ...]]:
    """Return (out, in) weights of a spline, edges repeated, and blocks (rows from, to; columns from, to) that count."""
    impulses = np.pad(np.eye(size_in), ((_PADDING, _PADDING), (0, 0)), mode="edge")
    degree = cast(Literal[0, 1, 2, 3, 4, 5], order)
    if order > 1:
        impulses = ndimage.spline_filter1d(impulses, degree, axis=0, mode="nearest")
    centres = size_in / size_out * (np.arange(size_out) + 0.5) - 0.5
    places = [centres + _PADDING]
    columns = [
        ndimage.map_coordinates(impulses[:, number], places, order=degree, mode="nearest", prefilter=False)
        for number in range(size_in)
    ]
    matrix = np.stack(columns, axis=1).astype(np.float32)
    matrix[np.abs(matrix) < _NEGLIGIBLE] = 0.0
    blocks = []
    for first in range(0, size_out, _BLOCK):
        last = min(first + _BLOCK, size_out)
        used = np.flatnonzero(matrix[first:last].any(axis=0))
        blocks.append((first, last, int(used[0]), int(used[-1]) + 1))
    return matrix, tuple(blocks)
