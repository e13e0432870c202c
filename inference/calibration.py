"""How far a network's probabilities can be believed, and what that says of a volume. Imports neither torch nor Django.

A temperature brings stated probabilities to what is observed (Guo C et al. ICML 2017, arXiv:1706.04599). Volumes get an
interval from how far expected volumes lay from outlined ones in cases that decided nothing else: split conformal
prediction, which holds for any network as long as new cases are like those (Angelopoulos AN, Bates S.
arXiv:2107.07511).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

LEVEL = 0.9
"""Share of new cases whose true volume lies in the interval."""
LEAST_CASES = round((1 + LEVEL) / (1 - LEVEL))
"""With fewer cases no finite interval of this level exists."""
_UNCALIBRATED_TAIL = (1 - LEVEL) / 2
LEAST_SHARE = 0.25
"""Voxels less probable than this do not count towards a volume or an overlap: a temperature is fitted about what is
outlined or found, and says nothing of the many voxels far from it."""


class IntervalBasis(StrEnum):
    """Where an interval comes from."""

    CONFORMAL = "conformal"
    """From errors on outlined cases: holds at its level for cases like those."""
    OWN_DOUBT = "own_doubt"
    """From the network's own probabilities alone: holds at no stated level."""


class WhyOwnDoubt(StrEnum):
    """Why an interval rests on nothing but the network's own probabilities."""

    NOT_CALIBRATED = "not_calibrated"
    """The network was never held against outlined cases."""
    TOO_FEW_CASES = "too_few_cases"
    """It was, against too few that show this segment."""
    SINGLE_IMAGES = "single_images"
    """It was, on single images; errors of a stack of slices add up otherwise."""
    NOTHING_EXPECTED = "nothing_expected"
    """The network expects none of it: a margin in shares says nothing of nothing."""


@dataclass(frozen=True, slots=True)
class VolumeMargin:
    """By what factor outlined volumes differ from expected ones.

    Attributes
    ----------
    low, high
        Natural logarithms: an outlined volume lies between ``expected * exp(low)`` and ``expected * exp(high)`` in
        `LEVEL` of new cases.
    cases, people
        With the segment outlined and expected, from which this is known, and how many people or look-alike groups
        they are of.
    """

    low: float
    high: float
    cases: int
    people: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was fitted on cases that the network did not learn from.

    Attributes
    ----------
    temperature
        What scores are divided by before they count as logarithms of probabilities.
    cases
        From which it was fitted.
    is_of_single_images
        Whether those cases were single images, so that margins say nothing of a stack of slices.
    margins
        By segment number; a segment with too few cases has none.
    """

    temperature: float
    cases: int
    is_of_single_images: bool
    margins: Mapping[int, VolumeMargin] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VolumeInterval:
    """What a network's probabilities say of a segment's volume, in the unit of the voxel volume given.

    Attributes
    ----------
    expected
        Sum of probabilities over voxels that count; see `LEAST_SHARE`.
    low, high
        Ends of the interval.
    basis
        What it rests on.
    reason
        Why on no more than that; None where it is conformal.
    """

    expected: float
    low: float
    high: float
    basis: IntervalBasis
    reason: WhyOwnDoubt | None = None


def find_interval(
    histogram: Sequence[int], voxel: float, calibration: Calibration | None, *, segment: int, slices: int
) -> VolumeInterval:
    """Return the interval of a segment's volume.

    Parameters
    ----------
    histogram
        Voxels by probability of this segment, in equal bins from 0 to 1; as `pipeline.job_maps.FoundMap` has them.
    voxel
        Volume of one voxel.
    calibration
        The network's; None where it has none.
    segment
        Its number.
    slices
        Of the series.
    """
    expected = expect_voxels(histogram) * voxel
    margin, reason = _choose_margin(expected, calibration, segment=segment, slices=slices)
    if margin is not None:
        low, high = expected * math.exp(margin.low), expected * math.exp(margin.high)
        return VolumeInterval(expected, low, high, IntervalBasis.CONFORMAL)
    counts, probabilities = np.asarray(histogram, float), _middles(len(histogram))
    sure = float(counts[probabilities > 1 - _UNCALIBRATED_TAIL].sum()) * voxel
    possible = float(counts[probabilities > _UNCALIBRATED_TAIL].sum()) * voxel
    return VolumeInterval(expected, min(sure, expected), max(possible, expected), IntervalBasis.OWN_DOUBT, reason)


def _choose_margin(
    expected: float, calibration: Calibration | None, *, segment: int, slices: int
) -> tuple[VolumeMargin | None, WhyOwnDoubt | None]:
    if calibration is None:
        return None, WhyOwnDoubt.NOT_CALIBRATED
    if expected <= 0:
        return None, WhyOwnDoubt.NOTHING_EXPECTED
    if calibration.is_of_single_images and slices > 1:
        return None, WhyOwnDoubt.SINGLE_IMAGES
    margin = calibration.margins.get(segment)
    return (margin, None) if margin is not None else (None, WhyOwnDoubt.TOO_FEW_CASES)


def expect_voxels(histogram: Sequence[int]) -> float:
    """Return the sum of probabilities from `LEAST_SHARE` that a histogram in equal bins from 0 to 1 stands for."""
    middles = _middles(len(histogram))
    return float(np.asarray(histogram, float) @ np.where(middles >= LEAST_SHARE, middles, 0.0))


def _middles(bins: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return what a bin's voxels count: the middle, but 0 in the first and 1 in the last, at whose ends they crowd."""
    middles = (np.arange(bins) + 0.5) / bins
    middles[0], middles[-1] = 0.0, 1.0
    return middles


def fit_margin(expected: Sequence[float], outlined: Sequence[float], people: Sequence[str]) -> VolumeMargin | None:
    """Return the conformal margin of volumes for a person who is new, whose cases are like each other.

    Each person counts alike, whatever the number of their cases, and one more is held to lie beyond all margins: the
    pooled distribution of groups. Where everybody has one case it is split conformal prediction.

    Parameters
    ----------
    expected, outlined
        Volumes of cases.
    people
        Whose case each is.

    Returns
    -------
    None with fewer than `LEAST_CASES` people with a case in which both volumes are above 0.

    References
    ----------
    Dunn R, Wasserman L, Ramdas A. Distribution-free prediction sets for two-layer hierarchical models. J Am Stat Assoc
    2023;118:2491 (pooling of distribution functions).
    """
    known = sorted((math.log(o / e), p) for e, o, p in zip(expected, outlined, people, strict=True) if e > 0 and o > 0)
    counts = Counter(person for _, person in known)
    if len(counts) < LEAST_CASES:
        return None
    ratios = np.array([ratio for ratio, _ in known])
    shares = np.array([1.0 / counts[person] for _, person in known]) / (len(counts) + 1)
    wanted = (1 + LEVEL) / 2 - 1e-9
    high = ratios[int(np.searchsorted(shares.cumsum(), wanted))]
    low = ratios[::-1][int(np.searchsorted(shares[::-1].cumsum(), wanted))]
    return VolumeMargin(float(low), float(high), len(known), len(counts))


@dataclass(frozen=True, slots=True)
class Reliability:
    """How often a network is right when it states a probability, in equal bins from 0 to 1.

    Attributes
    ----------
    shares
        Of all voxels, those in the bin.
    stated, observed
        Mean probability of the label chosen, and share of voxels where that label is right; None in an empty bin.
    error
        Expected calibration error: mean of |stated - observed|, weighed by `shares`.
    """

    shares: tuple[float, ...]
    stated: tuple[float | None, ...]
    observed: tuple[float | None, ...]
    error: float


def measure_reliability(
    stated: np.ndarray[Any, np.dtype[np.float64]],
    is_right: np.ndarray[Any, np.dtype[np.bool_]],
    weights: np.ndarray[Any, np.dtype[np.float64]],
    *,
    bins: int = 15,
) -> Reliability:
    """Return the reliability of stated probabilities, each with a weight; all three of one length."""
    place = np.minimum((stated * bins).astype(int), bins - 1)
    total = np.bincount(place, weights, bins)
    sums = np.bincount(place, weights * stated, bins)
    right = np.bincount(place, weights * is_right, bins)
    shares = total / total.sum()
    mean = [float(s / t) if t > 0 else None for s, t in zip(sums, total, strict=True)]
    seen = [float(r / t) if t > 0 else None for r, t in zip(right, total, strict=True)]
    error = sum(
        share * abs(m - o) for share, m, o in zip(shares, mean, seen, strict=True) if m is not None and o is not None
    )
    return Reliability(tuple(float(s) for s in shares), tuple(mean), tuple(seen), float(error))
