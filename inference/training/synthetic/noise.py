"""Random fields from which anatomy, texture and scanner noise are made; all deterministic by generator."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Field = npt.NDArray[np.float32]


@lru_cache(maxsize=256)
def _spline_weights(length: int, step: float) -> Field:
    """Cubic B-spline weights of ``length`` samples over knots ``step`` samples apart, shape (length, knots)."""
    positions = np.arange(length) / step + 1.0
    knots = int(np.ceil((length - 1) / step)) + 4
    distance = np.abs(positions[:, None] - np.arange(knots)[None, :])
    inner = 2.0 / 3.0 - distance**2 + distance**3 / 2.0
    outer = np.clip(2.0 - distance, 0.0, None) ** 3 / 6.0
    return np.where(distance < 1.0, inner, outer).astype(np.float32)


def smooth_noise(
    rng: np.random.Generator, shape: Sequence[int], spacing_mm: Sequence[float], *, scale_mm: float
) -> Field:
    """Return a smooth random field of mean about 0 and standard deviation about 1.

    Parameters
    ----------
    shape, spacing_mm
        The grid, any number of axes.
    scale_mm
        Distance between the knots of the cubic B-spline that carries the field: structures are about twice as wide.
    """
    weights = [
        _spline_weights(int(length), max(scale_mm / float(spacing), 1.0))
        for length, spacing in zip(shape, spacing_mm, strict=True)
    ]
    field: Field = rng.standard_normal([w.shape[1] for w in weights], dtype=np.float32)
    variance = 1.0
    for w in weights:
        field = np.tensordot(field, w, axes=(0, 1))  # takes the first axis away and puts its samples last
        variance *= float((w**2).sum(axis=1).mean())
    return np.ascontiguousarray(field / np.float32(np.sqrt(variance)))


def fractal_noise(
    rng: np.random.Generator,
    shape: Sequence[int],
    spacing_mm: Sequence[float],
    *,
    scale_mm: float,
    octaves: int = 3,
) -> Field:
    """Sum smooth noise over halving scales with halving amplitude; standard deviation about 1."""
    total = np.zeros(tuple(int(n) for n in shape), dtype=np.float32)
    for octave in range(octaves):
        total += smooth_noise(rng, shape, spacing_mm, scale_mm=scale_mm / 2**octave) * np.float32(0.5**octave)
    return total / np.float32(np.sqrt(sum(0.25**octave for octave in range(octaves))))


def bias_field(
    rng: np.random.Generator, shape: Sequence[int], spacing_mm: Sequence[float], *, strength: float
) -> Field:
    """Return a multiplicative coil sensitivity field around 1 with relative deviations of about ``strength``."""
    field = smooth_noise(rng, shape, spacing_mm, scale_mm=130.0)
    bias: Field = np.exp(np.float32(strength) * np.clip(field, -2.2, 2.2))
    return bias


def rician(rng: np.random.Generator, signal: Field, *, sigma: float) -> Field:
    """Return the magnitude of a complex signal with Gaussian noise of ``sigma`` in each channel.

    References
    ----------
    Gudbjartsson H, Patz S. The Rician distribution of noisy MRI data. Magn Reson Med 1995. doi:10.1002/mrm.1910340618
    """
    real = signal + np.float32(sigma) * rng.standard_normal(signal.shape, dtype=np.float32)
    imaginary = np.float32(sigma) * rng.standard_normal(signal.shape, dtype=np.float32)
    magnitude: Field = np.hypot(real, imaginary)
    return magnitude


def correlated_noise(rng: np.random.Generator, shape: Sequence[int], *, sigma_pixels: Sequence[float]) -> Field:
    """Return Gaussian noise of standard deviation 1 with a band-pass texture, as a reconstruction kernel leaves it.

    White noise is smoothed and a share of its own broader smoothing taken away: grains without a low-frequency part.
    """
    white = rng.standard_normal(tuple(int(n) for n in shape), dtype=np.float32)
    fine = ndimage.gaussian_filter(white, sigma_pixels, truncate=3.0)
    coarse = ndimage.gaussian_filter(fine, [1.5 * s for s in sigma_pixels], truncate=2.0)
    grains: Field = fine - np.float32(0.7) * coarse
    return grains / np.float32(grains.std())


def enlarge(coarse: Field, shape: Sequence[int], *, factors: Sequence[int]) -> Field:
    """Return a coarse field on a grid finer by a whole factor per axis (linear; the first samples coincide)."""
    field = coarse
    for length, knots, factor in zip(shape, coarse.shape, factors, strict=True):
        positions = np.minimum(np.arange(length) / factor, knots - 1.0)
        weights = np.clip(1.0 - np.abs(positions[:, None] - np.arange(knots)[None, :]), 0.0, 1.0).astype(np.float32)
        field = np.tensordot(field, weights, axes=(0, 1))
    return np.ascontiguousarray(field)


def smooth_step(distance: npt.NDArray[np.floating[Any]], *, width: float) -> Field:
    """Return 1 well inside (distance negative), 0 well outside, with a smooth edge about ``width`` wide."""
    step = np.asarray(distance, dtype=np.float32) * np.float32(-1.0 / width)
    step += np.float32(0.5)
    np.clip(step, 0.0, 1.0, out=step)
    smooth: Field = step * step
    step *= np.float32(-2.0)
    step += np.float32(3.0)
    smooth *= step
    return smooth
