"""Images that a network ought not to be trusted on, made from good ones: what the quality gate is tested with.

Each keeps the case's grid, so that the same run takes it; what is outlined keeps its place or is turned along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.evaluation.cases import OutlinedCase
from inference.training.synthetic.brain_sampler import random_brain_lesion_case
from inference.training.synthetic.chest_ct import generate_chest_ct
from studies.imaging.volume import Volume

Values = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A case made unfit.

    Attributes
    ----------
    case
        With the image that the network gets; the truth where it still holds.
    has_truth
        False where nothing of what was outlined is left to see.
    """

    case: OutlinedCase
    has_truth: bool


Spoil = Callable[[Values, np.random.Generator], Values]


def spoil(case: OutlinedCase, kind: str, rng: np.random.Generator) -> Spoiled:
    """Return a copy of a case that is spoiled in one of the ways of `KINDS`."""
    if kind in _TURNS:
        turn = _TURNS[kind]
        return Spoiled(_with_image(case, turn(case.image.voxels), turn(case.truth)), has_truth=True)
    values = case.image.voxels.astype(np.float32)
    if kind in _WITHOUT_TRUTH:
        return Spoiled(_with_image(case, _WITHOUT_TRUTH[kind](values, rng, case.image.modality)), has_truth=False)
    return Spoiled(_with_image(case, _WITH_TRUTH[kind](values, rng)), has_truth=True)


def _with_image(
    case: OutlinedCase, voxels: npt.NDArray[np.generic], truth: npt.NDArray[np.generic] | None = None
) -> OutlinedCase:
    image = Volume(np.ascontiguousarray(voxels), case.image.geometry, case.image.modality)
    return replace(case, image=image, truth=case.truth if truth is None else np.ascontiguousarray(truth))


def _make_noise(values: Values, rng: np.random.Generator, _: str) -> Values:
    low, high = float(values.min()), float(values.max())
    return rng.uniform(low, high, values.shape).astype(np.float32)


def _make_constant(values: Values, rng: np.random.Generator, _: str) -> Values:
    return np.full_like(values, float(np.median(values)))


def _take_other_modality(values: Values, rng: np.random.Generator, modality: str) -> Values:
    """Return a synthetic image of another modality in the case's grid: a chest CT, or a head MR in a CT's place."""
    if modality == "CT":
        other = random_brain_lesion_case(rng, shape=(48, 64, 64), spacing_mm=(3.0, 3.0, 3.0))[0].voxels
    else:
        other = _draw_chest()
        shift = int(rng.integers(0, other.shape[0]))
        other = np.roll(other, shift, axis=0)
    if len(values) == 1:
        other = other[int(rng.integers(len(other)))][None]
    zoom = [n / m for n, m in zip(values.shape, other.shape, strict=True)]
    fitted: Values = ndimage.zoom(other.astype(np.float32), zoom, order=1, grid_mode=True, mode="nearest")
    return fitted


@cache
def _draw_chest() -> Values:
    """Return a synthetic chest CT in HU, trunk and air about it, no finer than it has to be."""
    return generate_chest_ct(3, 0, shape=(60, 192, 192), spacing_mm=(5.0, 2.0, 2.0)).volume.voxels.astype(np.float32)


def _invert(values: Values, rng: np.random.Generator) -> Values:
    inverted: Values = float(values.max()) + float(values.min()) - values
    return inverted


def _bend_contrast(values: Values, rng: np.random.Generator) -> Values:
    """Return another scanner's contrast: the grey values bent by a power far from one."""
    low, span = float(values.min()), max(float(np.ptp(values)), 1e-6)
    power = 0.45 if rng.random() < 0.5 else 2.2
    bent: Values = (low + span * ((values - low) / span) ** power).astype(np.float32)
    return bent


def _shade(values: Values, rng: np.random.Generator) -> Values:
    """Return a coil's shading: the image falls to a fifth from one side to the other."""
    axis = int(rng.integers(values.ndim - 2, values.ndim))
    ramp = np.geomspace(1.0, 0.2, values.shape[axis]).astype(np.float32)
    ramp = ramp[::-1] if rng.random() < 0.5 else ramp
    low = float(values.min())
    return np.asarray(low + (values - low) * np.expand_dims(ramp, [a for a in range(values.ndim) if a != axis]))


def _add_noise(values: Values, rng: np.random.Generator) -> Values:
    return values + rng.normal(0.0, float(values.std()), values.shape).astype(np.float32)


def _blur(values: Values, rng: np.random.Generator) -> Values:
    sigma = [max(0.0, size / 16) if size > 1 else 0.0 for size in values.shape]
    blurred: Values = ndimage.gaussian_filter(values, sigma)
    return blurred


def _swap_axes(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Turn by a quarter within slices, cut or filled to the grid that it had."""
    turned = np.rot90(values, axes=(1, 2))
    fitted = np.full(values.shape, values.min(), values.dtype)
    rows, columns = (min(a, b) for a, b in zip(values.shape[1:], turned.shape[1:], strict=True))
    to_row, to_column = ((n - m) // 2 for n, m in zip(values.shape[1:], (rows, columns), strict=True))
    from_row, from_column = ((n - m) // 2 for n, m in zip(turned.shape[1:], (rows, columns), strict=True))
    fitted[:, to_row : to_row + rows, to_column : to_column + columns] = turned[
        :, from_row : from_row + rows, from_column : from_column + columns
    ]
    return fitted


def _turn_over(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    return values[:, ::-1]


_TURNS: Mapping[str, Callable[[npt.NDArray[np.generic]], npt.NDArray[np.generic]]] = MappingProxyType(
    {"quarter_turn": _swap_axes, "upside_down": _turn_over}
)
_WITHOUT_TRUTH: Mapping[str, Callable[[Values, np.random.Generator, str], Values]] = MappingProxyType(
    {"noise_alone": _make_noise, "constant": _make_constant, "other_modality": _take_other_modality}
)
_WITH_TRUTH: Mapping[str, Spoil] = MappingProxyType(
    {
        "inverted": _invert,
        "other_contrast": _bend_contrast,
        "shaded": _shade,
        "noisy": _add_noise,
        "blurred": _blur,
    }
)
KINDS: tuple[str, ...] = (*_WITHOUT_TRUTH, *_WITH_TRUTH, *_TURNS)
"""Ways to spoil an image, by name."""
