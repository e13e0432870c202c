"""Simple methods that a network must beat. Those that look at the outline know the answer: nothing of their kind beats
them, so a network that does has learnt more than grey values.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.evaluation.cases import OutlinedCase
from inference.evaluation.task_baselines import (
    mark_41_percent,
    mark_dark_in_blue,
    mark_ellipse,
    mark_fixed_uptake,
    mark_ridges,
    mark_round_in_the_middle,
    mark_top_percent,
    mark_uptake_as_it_ships,
)

Mask = npt.NDArray[np.bool_]
_LEVELS = 64
_REGION_LEVELS = 12
_TOUCHING = np.ones((3, 3, 3), np.uint8)


class Baseline(Protocol):
    """Marks a structure in a case; may look at the outline where it says so."""

    def __call__(self, case: OutlinedCase, truth: Mask, number: int) -> Mask:
        """Return what is marked, for the outlined number `number` whose outline is `truth`."""
        ...


def mark_by_best_threshold(case: OutlinedCase, truth: Mask, number: int) -> Mask:
    """Mark what is brighter, or darker, than the threshold that agrees best with this very outline.

    The threshold is chosen knowing the answer, case by case, of some hundred levels that lie close together where the
    structure's own values do; where nothing is outlined nothing is marked.
    """
    if not truth.any():
        return np.zeros(truth.shape, bool)
    image = np.asarray(case.image.voxels, np.float32)
    levels = _list_levels(image, truth)
    bins = np.searchsorted(levels, image.ravel(), side="right")
    total = np.bincount(bins, minlength=len(levels) + 1)
    inside = np.bincount(bins[truth.ravel()], minlength=len(levels) + 1)
    above, above_inside = np.cumsum(total[::-1])[::-1], np.cumsum(inside[::-1])[::-1]
    below, below_inside = np.cumsum(total), np.cumsum(inside)
    outlined = int(truth.sum())
    bright, dark = 2 * above_inside / (above + outlined), 2 * below_inside / (below + outlined)
    if bright.max() >= dark.max():
        return (bins >= int(bright.argmax())).reshape(image.shape)
    return (bins <= int(dark.argmax())).reshape(image.shape)


def mark_by_best_region(case: OutlinedCase, truth: Mask, number: int) -> Mask:
    """Mark the connected part beyond a threshold, holes filled, that agrees best with this very outline.

    Threshold and part are chosen knowing the answer, of a dozen thresholds to either side among the structure's own
    values; where nothing is outlined nothing is marked.
    """
    image = np.asarray(case.image.voxels, np.float32)
    best, best_dice = np.zeros(truth.shape, bool), -1.0
    if not truth.any():
        return best
    for level in np.unique(np.quantile(image[truth], np.linspace(0.0, 0.95, _REGION_LEVELS))):
        for marked in (image >= level, image <= level):
            part = _take_part(marked, truth)
            dice = 2.0 * float((part & truth).sum()) / float(part.sum() + truth.sum())
            if dice > best_dice:
                best, best_dice = part, dice
    return best


def _list_levels(image: npt.NDArray[np.float32], truth: Mask) -> npt.NDArray[np.float32]:
    shares = np.linspace(0.0, 1.0, _LEVELS)
    levels = np.concatenate([np.quantile(image, shares), np.quantile(image[truth], shares)])
    return np.unique(levels).astype(np.float32)


def _take_part(marked: Mask, truth: Mask) -> Mask:
    """Return the connected part that shares most with the outline, its holes filled slice by slice."""
    parts, count = ndimage.label(marked, _TOUCHING)
    if count == 0:
        return marked
    shared = np.bincount(parts[truth], minlength=count + 1)[1:]
    part = parts == 1 + int(shared.argmax())
    return np.stack([ndimage.binary_fill_holes(plane) for plane in part])


KNOWING_BASELINES: Mapping[str, Baseline] = MappingProxyType(
    {"threshold": mark_by_best_threshold, "region": mark_by_best_region}
)
"""Those that look at the outline."""
BASELINES: Mapping[str, Baseline] = MappingProxyType(
    {
        **KNOWING_BASELINES,
        "otsu_centre": mark_round_in_the_middle,
        "suv41": mark_41_percent,
        "suv_fixed": mark_fixed_uptake,
        "pet_uptake": mark_uptake_as_it_ships,
        "ellipse_on_edges": mark_ellipse,
        "frangi": mark_ridges,
        "skin_otsu": mark_dark_in_blue,
        "top_percent": mark_top_percent,
    }
)
"""By the name that `manage.py evaluate --baseline` takes."""
BASELINE_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "region": "the part beyond a threshold that agrees best with each very outline: it knows the answer",
        "threshold": "the threshold that agrees best with each very outline: it knows the answer",
        "otsu_centre": "Otsu's threshold in the middle of the image, the roundest bright part",
        "suv41": "all that touches the hottest voxel above 41 % of its value",
        "suv_fixed": "all that takes up at least SUV 2.5",
        "pet_uptake": "the uptake method as it ships (SUV 2)",
        "ellipse_on_edges": "an ellipse fitted (RANSAC) to the brightest edges",
        "frangi": "Frangi's ridge filter on the green channel, arteries and veins told apart by colour",
        "top_percent": "the largest part of the brightest 2 % of the brain",
        "skin_otsu": "the largest part below Otsu's threshold in the blue channel that touches no edge",
        "fitted_region": "the largest part beyond the threshold that did best on the cases learnt from",
        "atlas_average": "where most of the cases learnt from have the structure",
    }
)
