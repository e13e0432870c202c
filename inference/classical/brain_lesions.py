"""Bright lesions of the brain on FLAIR: the brain, its own grey values, and what shines well above them.

References
----------
Smith SM. Fast robust automated brain extraction. Hum Brain Mapp 2002;17:143-155. doi:10.1002/hbm.10062 (the task)
Canny J. A computational approach to edge detection. IEEE PAMI 1986;8:679-698 (two thresholds, weak beside strong)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.classical.grey_values import FlatImageError, find_otsu_threshold

Field = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Spacing = tuple[float, float, float]

_GRID_MM = 2.0
_BRIDGES_MM = (6.0, 8.0, 10.0, 12.0)
"""Half the width of what ties the brain to scalp and neck; the least that parts them is taken."""
_LEAST_BRAIN_ML, _LARGEST_BRAIN_ML = 300.0, 2500.0
_SHADING_MM = 30.0
_SHADING_GRID_MM = 4.0
_SMOOTHING_MM = 0.7
_STRONG = 1.3
"""A lesion has voxels this many times as far above normal tissue as its border is."""
_RIM_MM = 4.0
_MOST_RIM = 0.6
"""Share of a bright part that may lie at the brain's surface: more is skull, dura or a sinus."""
_TOUCHING = np.ones((3, 3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class NormalTissue:
    """Where most of the brain's grey values lie."""

    middle: float
    spread: float


def find_brain(image: Field, spacing_mm: Spacing) -> Mask:
    """Return the brain of a head, with or without its skull; empty where nothing of a brain's size is found.

    Parameters
    ----------
    image
        Grey values with axes (slice, row, column).
    """
    steps = tuple(max(1, round(_GRID_MM / each)) for each in spacing_mm)
    coarse = image[tuple(slice(None, None, step) for step in steps)]
    coarse_mm = tuple(each * step for each, step in zip(spacing_mm, steps, strict=True))
    brain = _find_coarse(coarse, (coarse_mm[0], coarse_mm[1], coarse_mm[2]))
    places = np.ix_(*(np.minimum(np.arange(n) // s, m - 1) for n, s, m in zip(image.shape, steps, brain.shape,
                                                                              strict=True)))  # fmt: skip
    return np.asarray(brain[places])


def _find_coarse(image: Field, spacing_mm: Spacing) -> Mask:
    empty = np.zeros(image.shape, bool)
    values = image[image > image.min()]
    try:
        threshold = find_otsu_threshold(values)
        # where the skull is gone Otsu parts fluid from tissue; with it, air from tissue
        background = float(np.median(values[values <= threshold]))
    except FlatImageError:
        return empty
    tissue = image > 0.5 * (threshold + background)
    voxel_ml = float(np.prod(spacing_mm)) / 1000.0
    # edges of the image are no air: a brain cut off there does not end there
    padded = np.pad(tissue, 1, mode="edge")
    depth = ndimage.distance_transform_edt(padded, sampling=spacing_mm)[1:-1, 1:-1, 1:-1]
    for reach in _BRIDGES_MM:
        parts, count = ndimage.label(depth > reach)
        if count == 0:
            return empty
        core = parts == 1 + int(np.bincount(parts.ravel())[1:].argmax())
        grown = ndimage.distance_transform_edt(~core, sampling=spacing_mm) <= reach
        brain = _close(np.asarray(grown & tissue), spacing_mm)
        volume_ml = float(brain.sum()) * voxel_ml
        if volume_ml <= _LARGEST_BRAIN_ML:
            return brain if volume_ml >= _LEAST_BRAIN_ML else empty
    return empty


def _close(brain: Mask, spacing_mm: Spacing) -> Mask:
    """Close furrows and ventricles that open to the surface."""
    margin = [int(np.ceil(8.0 / s)) + 1 for s in spacing_mm]
    padded = np.pad(brain, [(m, m) for m in margin])
    grown = ndimage.distance_transform_edt(~padded, sampling=spacing_mm) <= 8.0
    closed = ndimage.distance_transform_edt(grown, sampling=spacing_mm) > 8.0
    inner = closed[tuple(slice(m, -m) for m in margin)] | brain
    return np.stack([ndimage.binary_fill_holes(plane) for plane in inner])


def measure_normal(values: Field) -> NormalTissue:
    """Return the middle and the spread of the highest peak of a brain's grey values: its white and grey matter."""
    low, high = np.percentile(values, (1.0, 99.5))
    counts, edges = np.histogram(values, bins=256, range=(float(low), float(max(high, low + 1e-6))))
    smooth = ndimage.gaussian_filter1d(counts.astype(np.float64), 3.0)
    centres = (edges[:-1] + edges[1:]) / 2
    peak = int(smooth.argmax())
    above = np.flatnonzero(smooth[peak:] < 0.5 * smooth[peak])
    below = np.flatnonzero(smooth[: peak + 1] < 0.5 * smooth[peak])
    upper = centres[peak + above[0]] if above.size else high
    lower = centres[below[-1]] if below.size else low
    return NormalTissue(float(centres[peak]), max(float(upper - lower) / 2.355, 1e-6))


def find_bright_lesions(
    image: Field, brain: Mask, spacing_mm: Spacing, *, spread: float, least_ml: float, most: int = 0
) -> Mask:
    """Mark what is brighter than normal brain by so many spreads.

    Parameters
    ----------
    spread
        How far above normal tissue a lesion's border lies, in spreads of normal tissue.
    least_ml
        Smaller parts are noise.
    most
        Keep so many of the largest parts; 0 keeps all.
    """
    found = np.zeros(brain.shape, bool)
    if brain.any():
        bounds = ndimage.find_objects(brain.astype(np.uint8))[0]
        # two voxels more, so that the brain's surface is seen as one
        box = tuple(slice(max(0, side.start - 2), side.stop + 2) for side in bounds)
        found[box] = _find_in_box(image[box], brain[box], spacing_mm, spread, least_ml, most)
    return found


def _find_in_box(image: Field, brain: Mask, spacing_mm: Spacing, spread: float, least_ml: float, most: int) -> Mask:
    smooth = ndimage.gaussian_filter(image, [_SMOOTHING_MM / s for s in spacing_mm])
    flat = _remove_shading(smooth, brain, spacing_mm)
    normal = measure_normal(flat[brain])
    height = (flat - normal.middle) / normal.spread
    weak, strong = brain & (height > spread), brain & (height > _STRONG * spread)
    parts, count = ndimage.label(weak, _TOUCHING)
    if count == 0:
        return weak
    depth = ndimage.distance_transform_edt(np.pad(brain, 1, mode="edge"), sampling=spacing_mm)[1:-1, 1:-1, 1:-1]
    numbers = np.arange(count + 1)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    at_rim = ndimage.sum_labels(depth <= _RIM_MM, parts, numbers) / np.maximum(sizes, 1)
    is_lesion = ndimage.maximum(strong, parts, numbers).astype(bool) & (at_rim <= _MOST_RIM)
    is_lesion &= sizes * (float(np.prod(spacing_mm)) / 1000.0) >= least_ml
    is_lesion[0] = False
    kept = np.flatnonzero(is_lesion)
    if most:
        kept = kept[np.argsort(sizes[kept])[::-1][:most]]
    found = np.isin(parts, kept)
    return np.stack([ndimage.binary_fill_holes(plane) for plane in found]) & brain


def _remove_shading(image: Field, brain: Mask, spacing_mm: Spacing) -> Field:
    """Divide by how bright normal tissue is around each voxel, from which lesions and fluid are left out."""
    steps = tuple(max(1, round(_SHADING_GRID_MM / each)) for each in spacing_mm)
    every = tuple(slice(None, None, step) for step in steps)
    coarse, inside = image[every], brain[every]
    normal = measure_normal(image[brain])
    is_normal = inside & (np.abs(coarse - normal.middle) < 2.0 * normal.spread)
    sigmas = [_SHADING_MM / (s * step) for s, step in zip(spacing_mm, steps, strict=True)]
    weight = ndimage.gaussian_filter(is_normal.astype(np.float32), sigmas, truncate=2.0)
    mean = ndimage.gaussian_filter(np.where(is_normal, coarse, 0.0).astype(np.float32), sigmas, truncate=2.0)
    around = np.where(weight > 0.02, mean / np.maximum(weight, 0.02), normal.middle).astype(np.float32)
    fine = ndimage.affine_transform(
        around, [1.0 / step for step in steps], output_shape=image.shape, output=np.float32, order=1, mode="nearest"
    )
    return np.asarray(image * (normal.middle / np.maximum(fine, 0.2 * normal.middle)), np.float32)
