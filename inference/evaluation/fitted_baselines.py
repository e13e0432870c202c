"""Simple methods that learn a number or two from the training part of a set, as a person would set them by trying."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.evaluation.baselines import BASELINES, Baseline
from inference.evaluation.cases import OutlinedCase
from inference.pipeline.preprocess import resample

Mask = npt.NDArray[np.bool_]
_TOUCHING = np.ones((3, 3, 3), np.uint8)
_QUANTILES = (0.5, 1, 2, 3, 5, 8, 12, 20, 80, 88, 92, 95, 97, 98, 99, 99.5)
_MOST_CASES = 300
_ATLAS_SHAPE = (36, 50, 36)


@dataclass(frozen=True, slots=True)
class _Level:
    """A share of the image's values, in per cent, below (dark) or above which a structure lies."""

    quantile: float

    def mark(self, image: npt.NDArray[np.float32]) -> Mask:
        inside = image[image > image.min()]
        if inside.size == 0:
            return np.zeros(image.shape, bool)
        value = np.percentile(inside, self.quantile)
        marked = image >= value if self.quantile > 50 else (image <= value) & (image > image.min())
        smooth = ndimage.binary_opening(marked, np.ones((1, 3, 3), np.uint8))
        parts, count = ndimage.label(smooth, _TOUCHING)
        if count == 0:
            return np.asarray(smooth)
        sizes = np.bincount(parts.ravel())[1:]
        largest = parts == 1 + int(sizes.argmax())
        return np.stack([ndimage.binary_fill_holes(plane) for plane in largest])


def fit_region(cases: Sequence[OutlinedCase]) -> Baseline:
    """Choose for each number the threshold whose largest part agrees best with the outlines of training cases."""
    some = cases[:: max(1, len(cases) // _MOST_CASES)]
    numbers = sorted({int(n) for case in some for n in np.unique(case.truth) if n})
    dice: dict[tuple[int, float], list[float]] = {(n, q): [] for n in numbers for q in _QUANTILES}
    for case in some:
        image = np.asarray(case.image.voxels, np.float32)
        for quantile in _QUANTILES:
            marked = _Level(quantile).mark(image)
            for number in numbers:
                truth = case.truth == number
                if truth.any():
                    overlap = 2.0 * float((marked & truth).sum()) / float(marked.sum() + truth.sum())
                    dice[number, quantile].append(overlap)
    best = {n: int(np.argmax([_mean(dice[n, q]) for q in _QUANTILES])) for n in numbers}
    levels = {n: _Level(_QUANTILES[index]) for n, index in best.items()}

    def mark(case: OutlinedCase, truth: Mask, number: int) -> Mask:
        level = levels.get(number)
        image = np.asarray(case.image.voxels, np.float32)
        return np.zeros(image.shape, bool) if level is None else level.mark(image)

    return mark


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0


def fit_atlas(cases: Sequence[OutlinedCase]) -> Baseline:
    """Average the outlines of training cases, each brought to one shape; a structure is where most have it."""
    numbers = sorted({int(n) for case in cases for n in np.unique(case.truth) if n})
    shares = {
        number: np.mean(
            [resample(np.asarray(case.truth == number, np.float32), _ATLAS_SHAPE) for case in cases], axis=0
        )
        for number in numbers
    }

    def mark(case: OutlinedCase, truth: Mask, number: int) -> Mask:
        shape = case.image.geometry.shape
        if number not in shares:
            return np.zeros(shape, bool)
        return np.asarray(resample(shares[number], shape) > 0.5)

    return mark


def _average(cases: Sequence[OutlinedCase], number: int) -> npt.NDArray[np.float32]:
    masks = [resample(np.asarray(case.truth == number, np.float32), _ATLAS_SHAPE) for case in cases]
    return np.asarray(np.mean(masks, axis=0), np.float32)


FITTED_BASELINES: Mapping[str, Callable[[Sequence[OutlinedCase]], Baseline]] = MappingProxyType(
    {"fitted_region": fit_region, "atlas_average": fit_atlas}
)
"""By name, as those of `inference.evaluation.baselines`; each learns from training cases first."""


def choose_baseline(name: str, cases: Sequence[OutlinedCase]) -> Baseline:
    """Return a baseline, taught with these cases where it learns."""
    return FITTED_BASELINES[name](cases) if name in FITTED_BASELINES else BASELINES[name]
