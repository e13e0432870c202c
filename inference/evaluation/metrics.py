"""How well two outlines of one structure agree, each measure by its published definition.

References
----------
Dice LR, Ecology 1945;26:297-302. Nikolov S et al., arXiv:1809.04430 (surface Dice, surface elements weighted by area).
Maier-Hein L et al., Nat Methods 2024;21:195-212 (which measure says what). Surface distances by MONAI.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage, stats

Mask = npt.NDArray[np.bool_]
Spacing = tuple[float, float, float]

TOLERANCE_MM = 2.0
LEAST_OVERLAP = 0.1
"""Intersection over union from which on a marked component counts as an outlined one."""
RESAMPLES = 2000
_SEED = 20261123
_TOUCHING = np.ones((3, 3, 3), np.uint8)

DEFINITIONS = {
    "dice": "2 |A and B| / (|A| + |B|) of voxels; none where nothing is outlined.",
    "surface_dice": (
        f"Share of both surfaces' area that lies within {TOLERANCE_MM:g} mm of the other (surface elements weighted by "
        "area; in pixels where an image has no millimetres)."
    ),
    "hd95": (
        "The larger of the two 95th percentiles of distances from one surface's voxels to the other, mm (pixels where "
        "an image has no millimetres); none where one of them is empty."
    ),
    "volume_error": "(marked - outlined) / outlined.",
    "lesion_f1": (
        "2 TP / (2 TP + FP + FN) of components that touch by face, edge or corner; a marked one is found where its "
        f"intersection over union with an outlined one is at least {LEAST_OVERLAP:g}."
    ),
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """One structure of one case. None where a measure has no meaning, as with nothing outlined.

    Attributes
    ----------
    truth_ml, found_ml
        Volumes outlined and marked; in 1000 voxels where an image has no millimetres.
    lesions, lesions_found, lesions_false
        Connected parts: outlined, those of them that were found, and marked ones that are none (`DEFINITIONS`).
    """

    truth_ml: float
    found_ml: float
    dice: float | None
    surface_dice: float | None
    hd95: float | None
    volume_error: float | None
    lesion_f1: float | None
    lesions: int = 0
    lesions_found: int = 0
    lesions_false: int = 0


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over cases and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float
    median: float
    count: int


def measure_agreement(found: Mask, truth: Mask, spacing_mm: Spacing) -> Agreement:
    """Compare what was marked with what was outlined, both (slice, row, column)."""
    voxel_ml = float(np.prod(spacing_mm)) / 1000.0
    truth_ml, found_ml = float(truth.sum()) * voxel_ml, float(found.sum()) * voxel_ml
    if not truth.any():
        false = int(ndimage.label(found, _TOUCHING)[1])
        return Agreement(truth_ml, found_ml, None, None, None, None, None, lesions_false=false)
    box = _find_box(found | truth)
    found, truth = found[box], truth[box]
    lesions, lesions_found, lesions_false = _count_lesions(found, truth)
    return Agreement(
        truth_ml=truth_ml,
        found_ml=found_ml,
        dice=2.0 * float((found & truth).sum()) / float(found.sum() + truth.sum()),
        surface_dice=_measure_surface(found, truth, spacing_mm) if found.any() else 0.0,
        hd95=_measure_hd95(found, truth, spacing_mm) if found.any() else None,
        volume_error=(found_ml - truth_ml) / truth_ml,
        lesion_f1=2.0 * lesions_found / (lesions_found + lesions + lesions_false),
        lesions=lesions,
        lesions_found=lesions_found,
        lesions_false=lesions_false,
    )


def _find_box(mask: Mask) -> tuple[slice, ...]:
    """Return the bounds of a mask with two voxels around it: surfaces beyond are none."""
    bounds = ndimage.find_objects(mask.astype(np.uint8))[0]
    sides = zip(bounds, mask.shape, strict=True)
    return tuple(slice(max(0, side.start - 2), min(n, side.stop + 2)) for side, n in sides)


def _measure_surface(found: Mask, truth: Mask, spacing_mm: Spacing) -> float:
    from monai.metrics.surface_dice import compute_surface_dice  # takes seconds to import

    first, second, spacing = _as_tensors(found, truth, spacing_mm)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = compute_surface_dice(
            first, second, [TOLERANCE_MM], include_background=True, spacing=spacing, use_subvoxels=True
        )
    return float(score)


def _measure_hd95(found: Mask, truth: Mask, spacing_mm: Spacing) -> float:
    from monai.metrics.hausdorff_distance import compute_hausdorff_distance

    first, second, spacing = _as_tensors(found, truth, spacing_mm)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        distance = compute_hausdorff_distance(first, second, include_background=True, percentile=95, spacing=spacing)
    return float(distance)


def _as_tensors(found: Mask, truth: Mask, spacing_mm: Spacing) -> tuple[torch.Tensor, torch.Tensor, list[float]]:
    """Return both with a batch and a channel; of a single slice two axes are left, as the surface of a picture is."""
    spacing = [float(each) for each in spacing_mm]
    if found.shape[0] == 1:
        found, truth, spacing = found[0], truth[0], spacing[1:]
    padded = [np.pad(mask, 1) for mask in (found, truth)]
    first, second = (torch.from_numpy(mask.astype(np.float32))[None, None] for mask in padded)
    return first, second, spacing


def _count_lesions(found: Mask, truth: Mask) -> tuple[int, int, int]:
    """Return how many parts are outlined, how many of them were found, and how many marked ones are none."""
    marked, marked_count = ndimage.label(found, _TOUCHING)
    outlined, outlined_count = ndimage.label(truth, _TOUCHING)
    both = outlined.astype(np.int64) * (marked_count + 1) + marked
    counts = np.bincount(both.ravel(), minlength=(outlined_count + 1) * (marked_count + 1))
    shared = counts.reshape(outlined_count + 1, marked_count + 1)
    union = shared.sum(axis=1)[1:, None] + shared.sum(axis=0)[None, 1:] - shared[1:, 1:]
    is_pair = shared[1:, 1:] >= LEAST_OVERLAP * union
    hit_outlined, hit_marked = int(is_pair.any(axis=1).sum()), int(is_pair.any(axis=0).sum())
    return outlined_count, hit_outlined, marked_count - hit_marked


def summarise(values: Sequence[float | None]) -> Interval | None:
    """Return mean, median and the mean's bootstrap interval (percentiles of resampled cases); None without values."""
    known = np.asarray([value for value in values if value is not None], float)
    if known.size == 0:
        return None
    if known.size == 1 or np.ptp(known) == 0.0:
        low = high = float(known.mean())
    else:
        rng = np.random.default_rng(_SEED)
        found = stats.bootstrap((known,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=rng)
        low, high = float(found.confidence_interval.low), float(found.confidence_interval.high)
    return Interval(float(known.mean()), low, high, float(np.median(known)), int(known.size))
