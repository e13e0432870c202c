"""How good a network is, measured through the same pipeline that clinicians use, with simple methods beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.classical.region_growing import NothingGrownError, grow_region
from inference.model_spec import ModelSpec, Progress
from inference.pipeline.network_run import segment_with_network
from inference.pipeline.preprocess import measure_grey_scale
from inference.training.recipes import Recipe, draw_case
from inference.training.windows import spawn_generator
from studies.imaging.volume import Volume

_EVALUATION_CASES, _BASELINE_CASES = 2, 3
_BASELINE_COUNT = 6

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case.

    Attributes
    ----------
    truth_ml, found_ml
        Volumes outlined and marked.
    dice
        Overlap of the network; None where nothing is outlined.
    threshold_dice
        Overlap of the one threshold that did best on training cases.
    click_dice
        Overlap of region growing from one click in the middle of the largest lesion.
    """

    name: str
    truth_ml: float
    found_ml: float
    dice: float | None
    threshold_dice: float | None
    click_dice: float | None


def measure_dice(first: Mask, second: Mask) -> float | None:
    """Return 2 |A and B| / (|A| + |B|), None where both are empty."""
    total = int(first.sum()) + int(second.sum())
    return None if total == 0 else 2.0 * int((first & second).sum()) / total


def evaluate_synthetic(
    recipe: Recipe, spec: ModelSpec, folder: Path, count: int, on_case: Callable[[CaseResult], None]
) -> list[CaseResult]:
    """Evaluate on cases from a branch of the seed that training never draws from."""
    threshold = choose_threshold(recipe)
    results = []
    for index in range(count):
        volume, truth = draw_case(recipe, spawn_generator(recipe.seed, _EVALUATION_CASES, index))
        results.append(evaluate_case(f"synthetic {index + 1}", volume, truth > 0, spec, folder, threshold))
        on_case(results[-1])
    return results


def evaluate_case(
    name: str, volume: Volume, truth: Mask, spec: ModelSpec, folder: Path, threshold: float
) -> CaseResult:
    """Run the network and the simple methods on one volume; any segment counts as marked."""
    found = segment_with_network(volume, spec, _ignore, focus=(0, 0, 0), folder=folder) > 0
    voxel_ml = volume.geometry.voxel_volume_ml
    is_outlined = bool(truth.any())
    bright = measure_grey_scale(volume.voxels).apply(volume.voxels.astype(np.float32)) > threshold
    return CaseResult(
        name=name,
        truth_ml=float(truth.sum()) * voxel_ml,
        found_ml=float(found.sum()) * voxel_ml,
        dice=measure_dice(found, truth) if is_outlined else None,
        threshold_dice=measure_dice(bright, truth) if is_outlined else None,
        click_dice=_measure_click(volume, truth) if is_outlined else None,
    )


def _ignore(progress: Progress) -> None:
    """Nobody watches an evaluation window by window."""


def _measure_click(volume: Volume, truth: Mask) -> float | None:
    """Click the innermost voxel of the largest lesion."""
    labels, count = ndimage.label(truth)
    largest = labels == 1 + int(np.argmax(ndimage.sum_labels(truth, labels, np.arange(1, count + 1))))
    depth = ndimage.distance_transform_edt(largest, volume.geometry.spacing_mm)
    slice_index, row, column = np.unravel_index(int(np.argmax(depth)), depth.shape)
    seed = (int(slice_index), int(row), int(column))
    try:
        grown = grow_region(volume.voxels, seed, spacing_mm=volume.geometry.spacing_mm, tolerance=1.0, largest_ml=150.0)
    except NothingGrownError:
        return 0.0
    return measure_dice(grown, truth)


def choose_threshold(recipe: Recipe) -> float:
    """Return the threshold on normalised grey values with the best mean overlap on a few training cases."""
    candidates = np.arange(0.5, 6.0, 0.25)
    scores: list[list[float]] = []
    for index in range(_BASELINE_COUNT):
        volume, truth = draw_case(recipe, spawn_generator(recipe.seed, _BASELINE_CASES, index))
        image = measure_grey_scale(volume.voxels).apply(volume.voxels.astype(np.float32))
        if truth.any():
            scores.append([measure_dice(image > c, truth > 0) or 0.0 for c in candidates])
    return float(candidates[int(np.argmax(np.mean(scores, axis=0)))]) if scores else float(candidates[-1])


def summarise(values: Sequence[float | None]) -> str:
    """Return "median (lowest to highest), n" of the values that exist."""
    known = [value for value in values if value is not None]
    if not known:
        return "none"
    return f"{np.median(known):.2f} ({min(known):.2f} to {max(known):.2f}), n = {len(known)}"
