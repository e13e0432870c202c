"""Windows for one training step, decided by seed and step number alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from inference.evaluation.cases import OutlinedCase
from inference.network_spec import NetworkSpec
from inference.pipeline.normalise import normalise
from inference.pipeline.preprocess import measure_grey_scale
from inference.pipeline.turning import find_turn
from inference.pipeline.working_grid import place_working_grid
from inference.training.augment import draw_window
from inference.training.outlined import LoadedSet, Part
from inference.training.recipes import Recipe, draw_case

Images = npt.NDArray[np.float32]
Truths = npt.NDArray[np.uint8]

_TRAINING_CASES, _TRAINING_WINDOWS = 0, 1
"""Branches of the seed's tree; evaluation uses another, so no case is ever in both."""
_CASES_IN_USE = 8
_STEPS_PER_CASE = 4
_LESION_SHARE = 0.5
UNSURE = 255
"""Number in a window's truth where nothing is learnt."""


def spawn_generator(seed: int, *branch: int) -> np.random.Generator:
    """Return the generator at a branch of a seed's tree."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=branch))


class StepSource(Protocol):
    """Gives the windows of a training step, decided by the recipe and the step's number alone."""

    def draw(self, step: int) -> tuple[Images, Truths]:
        """Return images (window, channel, slice, row, column) and truths (window, slice, row, column)."""
        ...


def open_steps(recipe: Recipe, loaded: LoadedSet | None) -> StepSource:
    """Return where a recipe's windows come from: the set it learns from, or drawn cases where there is none."""
    return DrawnSteps(recipe) if loaded is None else OutlinedSteps(recipe, loaded.cases[Part.TRAIN])


class DrawnSteps:
    """Windows of synthetic cases.

    Drawing a case costs as much as learning from it, so a few cases are in use at a time: every few steps a new one
    takes the place of the oldest, and each window of a step comes from another case.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def draw(self, step: int) -> tuple[Images, Truths]:
        """Return a step's windows."""
        recipe = self._recipe
        rng = spawn_generator(recipe.seed, _TRAINING_WINDOWS, step)
        newest = step // _STEPS_PER_CASE + _CASES_IN_USE
        chosen = rng.choice(_CASES_IN_USE, size=recipe.windows_per_step, replace=False)
        windows = [_cut_window(rng, recipe, *_draw_case(recipe, newest - int(age))) for age in chosen]
        return np.stack([image for image, _ in windows])[:, None], np.stack([truth for _, truth in windows])


class OutlinedSteps:
    """Windows of cases that people outlined; each case comes up once before any comes up again."""

    def __init__(self, recipe: Recipe, cases: Sequence[OutlinedCase]) -> None:
        if not cases:
            raise ValueError(f"There is no case for {recipe.spec.name} to learn from.")
        self._recipe = recipe
        self._prepared = [_as_small(_prepare(case, recipe)) for case in cases]
        make = recipe.learns_from.make_healthy if recipe.learns_from is not None and recipe.healthy_share else None
        healthy = [made for case in cases if make is not None and (made := make(case)) is not None]
        self._healthy = [_as_small(_prepare(case, recipe)) for case in healthy]

    def draw(self, step: int) -> tuple[Images, Truths]:
        """Return a step's windows."""
        recipe = self._recipe
        rng = spawn_generator(recipe.seed, _TRAINING_WINDOWS, step)
        first = step * recipe.windows_per_step
        windows = []
        for place in range(first, first + recipe.windows_per_step):
            image, truth = self._prepared[self._pick(place)]
            if self._healthy and rng.random() < recipe.healthy_share:
                image, truth = self._healthy[int(rng.integers(len(self._healthy)))]
            found = draw_window(rng, image.astype(np.float32), truth, recipe.network.window, recipe.augmentation)
            windows.append(found)
        return np.stack([image for image, _ in windows]), np.stack([truth for _, truth in windows])

    def _pick(self, place: int) -> int:
        lap, index = divmod(place, len(self._prepared))
        order = spawn_generator(self._recipe.seed, _TRAINING_CASES, lap).permutation(len(self._prepared))
        return int(order[index])


def prepare_case(case: OutlinedCase, network: NetworkSpec) -> tuple[Images, Truths]:
    """Return a case as the network sees it, along its axes: image (channel, 3 axes), truth (3 axes)."""
    planes = case.colours if network.reads_colours else (case.image.voxels,)
    turn = find_turn(case.image.geometry, network.orientation)
    working = place_working_grid(turn.turned_shape, turn.turn_axes(case.image.geometry), network)
    image = np.stack(
        [
            normalise(working.resample(turn.turn(plane)), plane, channel.normalisation)
            for plane, channel in zip(planes, network.channels, strict=True)
        ]
    )
    truth = turn.turn(case.truth)
    nearest = [
        np.minimum((np.arange(w) + 0.5) * n / w, n - 1).astype(np.intp)
        for n, w in zip(truth.shape, working.shape, strict=True)
    ]
    return image, np.ascontiguousarray(truth[np.ix_(*nearest)], dtype=np.uint8)


def _prepare(case: OutlinedCase, recipe: Recipe) -> tuple[Images, Truths]:
    image, truth = prepare_case(case, recipe.network)
    return image, np.where(np.isin(truth, recipe.unsure), np.uint8(UNSURE), truth) if recipe.unsure else truth


def _as_small(prepared: tuple[Images, Truths]) -> tuple[npt.NDArray[np.float16], Truths]:
    """Keep thousands of images in little memory: half precision is finer than any image's grey values."""
    return prepared[0].astype(np.float16), prepared[1]


@lru_cache(maxsize=_CASES_IN_USE + 2)
def _draw_case(recipe: Recipe, index: int) -> tuple[Images, Truths]:
    volume, truth = draw_case(recipe, spawn_generator(recipe.seed, _TRAINING_CASES, index))
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
