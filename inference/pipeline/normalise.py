"""Grey values as a network was trained to see them, by the schemes of `inference.network_spec`. Knows no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from inference.classical.grey_values import GreyValues
from inference.network_spec import Normalisation, Scheme
from inference.pipeline.preprocess import Image, measure_grey_scale, scale_tissue


def normalise(image: Image, series: GreyValues, normalisation: Normalisation) -> Image:
    """Return a channel's normalised values.

    Parameters
    ----------
    image
        Grey values on the network's grid.
    series
        Grey values on the series' own grid, for the scheme that measures there.
    normalisation
        The scheme.
    """
    if normalisation.scheme is Scheme.BODY:
        return measure_grey_scale(series).apply(image)
    if normalisation.scheme is Scheme.TISSUE:
        return scale_tissue(image, series)
    return _SCHEMES[normalisation.scheme](image, normalisation).astype(np.float32, copy=False)


def _keep(image: Image, _: Normalisation) -> Image:
    return image


def _score(image: Image, _: Normalisation) -> Image:
    mean, deviation = float(image.mean(dtype=np.float64)), float(image.std(dtype=np.float64))
    scored: Image = (image - np.float32(mean)) / np.float32(deviation or 1.0)
    return scored


def _score_nonzero(image: Image, _: Normalisation) -> Image:
    inside = image != 0
    if not inside.any():
        return image
    scored = image.copy()
    scored[inside] = _score(image[inside], _)
    return scored


def _clip_and_score(image: Image, scheme: Normalisation) -> Image:
    clipped = np.clip(image, np.float32(scheme.low), np.float32(scheme.high))
    scored: Image = (clipped - np.float32(scheme.mean)) / np.float32(scheme.deviation)
    return scored


def _stretch(image: Image, low: float, high: float, scheme: Normalisation, *, is_clipped: bool) -> Image:
    span = high - low
    if span <= 0:  # a flat image: as MONAI does, only what would be the least value
        return np.asarray(image - np.float32(low) + np.float32(scheme.to_low), np.float32)
    shares = (image - np.float32(low)) / np.float32(span)
    stretched = shares * np.float32(scheme.to_high - scheme.to_low) + np.float32(scheme.to_low)
    if is_clipped:
        bounds = sorted((scheme.to_low, scheme.to_high))
        stretched = np.clip(stretched, np.float32(bounds[0]), np.float32(bounds[1]))
    return np.asarray(stretched, np.float32)


def _stretch_least_to_greatest(image: Image, scheme: Normalisation) -> Image:
    return _stretch(image, float(image.min()), float(image.max()), scheme, is_clipped=False)


def _stretch_range(image: Image, scheme: Normalisation) -> Image:
    return _stretch(image, scheme.low, scheme.high, scheme, is_clipped=scheme.is_clipped)


def _stretch_percentiles(image: Image, scheme: Normalisation) -> Image:
    low, high = (float(value) for value in np.percentile(image, (scheme.low, scheme.high)))
    return _stretch(image, low, high, scheme, is_clipped=scheme.is_clipped)


_SCHEMES: Mapping[Scheme, Callable[[Image, Normalisation], Image]] = MappingProxyType(
    {
        Scheme.NONE: _keep,
        Scheme.Z_SCORE: _score,
        Scheme.Z_SCORE_NONZERO: _score_nonzero,
        Scheme.CLIP_Z_SCORE: _clip_and_score,
        Scheme.MIN_MAX: _stretch_least_to_greatest,
        Scheme.RANGE: _stretch_range,
        Scheme.PERCENTILES: _stretch_percentiles,
    }
)
