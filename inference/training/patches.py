"""Windows for one training step, decided by seed and step number alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from inference.pipeline.preprocess import measure_grey_scale
from inference.training.recipes import Recipe

Images = npt.NDArray[np.float32]
Truths = npt.NDArray[np.uint8]

_TRAINING_CASES, _TRAINING_WINDOWS = 0, 1
"""Branches of the seed's tree; evaluation uses another, so no case is ever in both."""
_CASES_IN_USE = 8
_STEPS_PER_CASE = 4
_LESION_SHARE = 0.5


def spawn_generator(seed: int, *branch: int) -> np.random.Generator:
    """Return the generator at a branch of a seed's tree."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=branch))


def draw_step(recipe: Recipe, step: int) -> tuple[Images, Truths]:
    """Return the windows of a step: images (window, slice, row, column) and truths of the same shape.

    Drawing a case costs as much as learning from it, so a few cases are in use at a time: every few steps a new one
    takes the place of the oldest, and each window of a step comes from another case.
    """
    rng = spawn_generator(recipe.seed, _TRAINING_WINDOWS, step)
    newest = step // _STEPS_PER_CASE + _CASES_IN_USE
    chosen = rng.choice(_CASES_IN_USE, size=recipe.windows_per_step, replace=False)
    windows = [_cut_window(rng, recipe, *_draw_case(recipe, newest - int(age))) for age in chosen]
    return np.stack([image for image, _ in windows]), np.stack([truth for _, truth in windows])


@lru_cache(maxsize=_CASES_IN_USE + 2)
def _draw_case(recipe: Recipe, index: int) -> tuple[Images, Truths]:
    volume, truth = recipe.make_case(spawn_generator(recipe.seed, _TRAINING_CASES, index))
    return measure_grey_scale(volume.voxels).apply(volume.voxels.astype(np.float32)), truth


def _cut_window(rng: np.random.Generator, recipe: Recipe, image: Images, truth: Truths) -> tuple[Images, Truths]:
    turned, turned_truth = _turn(rng, image, truth)
    window = _pick_window(rng, turned_truth, recipe.network.window)
    return _vary(rng, turned[window]), turned_truth[window]


def _turn(rng: np.random.Generator, image: Images, truth: Truths) -> tuple[Images, Truths]:
    """Swap and flip axes: series are axial, coronal or sagittal, and run either way."""
    axes = rng.permutation(3)
    flips = tuple(int(axis) for axis in range(3) if rng.random() < 0.5)
    return np.flip(image.transpose(axes), flips), np.flip(truth.transpose(axes), flips)


def _pick_window(rng: np.random.Generator, truth: Truths, window: tuple[int, int, int]) -> tuple[slice, ...]:
    inside = np.flatnonzero(truth)
    if inside.size and rng.random() < _LESION_SHARE:
        centre = np.asarray(np.unravel_index(int(rng.choice(inside)), truth.shape))
        starts = centre - rng.integers(0, window)
    else:
        starts = np.asarray([rng.integers(0, n - w + 1) for n, w in zip(truth.shape, window, strict=True)])
    starts = np.clip(starts, 0, np.asarray(truth.shape) - window)
    return tuple(slice(int(s), int(s) + w) for s, w in zip(starts, window, strict=True))


def _vary(rng: np.random.Generator, image: Images) -> Images:
    """Vary brightness, contrast and gamma beyond what normalisation leaves."""
    varied = image * np.float32(rng.uniform(0.75, 1.3)) + np.float32(rng.normal(0.0, 0.25))
    gamma = rng.uniform(0.8, 1.25)
    return np.asarray(np.sign(varied) * np.abs(varied) ** gamma, dtype=np.float32)
