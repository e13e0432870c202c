"""The part of a registration's error that all lesions share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from studies.tracking.evidence import SIZE_SPREAD, Outline

WIDTH_MM = 2.0
"""Two lesions agree on a drift where theirs differ by about this much."""
FARTHEST_MM = 25.0
FEWEST_AGREEING = 3
EXPECTED_MM = 10.0
"""Of two drifts with equal support the smaller is believed."""


def find_drift(before: Sequence[Outline], after: Sequence[Outline]) -> npt.NDArray[np.float64]:
    """Return the displacement in mm, shape (3,), that most lesions share; zero where fewer than three agree.

    Every pair that is near enough and of similar size votes for the displacement between its centres. The place with
    the densest votes wins, one vote for each lesion, and is refined to their weighted mean.
    """
    votes = [(a, b, *_vote(prior, current)) for a, prior in enumerate(before) for b, current in enumerate(after)]
    near = [vote for vote in votes if float(np.linalg.norm(vote[2])) <= FARTHEST_MM and vote[3] > 0.05]
    if len(near) < FEWEST_AGREEING:
        return np.zeros(3)
    offsets, weights = np.stack([vote[2] for vote in near]), np.array([vote[3] for vote in near])
    apart = np.linalg.norm(offsets[:, None] - offsets[None], axis=2)
    closeness = np.exp(-((apart / WIDTH_MM) ** 2) / 2.0) * weights
    support = np.array([_one_each(near, row) for row in closeness])
    belief = support * np.exp(-((np.linalg.norm(offsets, axis=1) / EXPECTED_MM) ** 2) / 4.0)
    best = int(np.argmax(belief))
    agreeing = {near[i][0] for i in np.flatnonzero(apart[best] <= 2.0 * WIDTH_MM)}
    if len(agreeing) < FEWEST_AGREEING:
        return np.zeros(3)
    drift: npt.NDArray[np.float64] = np.average(offsets, axis=0, weights=closeness[best])
    return drift


def _vote(prior: Outline, current: Outline) -> tuple[npt.NDArray[np.float64], float]:
    size = np.log(current.volume_ml / prior.volume_ml) / SIZE_SPREAD
    return current.centre_mm - prior.centre_mm, float(np.exp(-(size**2) / 2.0))


def _one_each(
    votes: Sequence[tuple[int, int, npt.NDArray[np.float64], float]], closeness: npt.NDArray[np.float64]
) -> float:
    """Add up the closest vote of each prior lesion: a crowd of neighbours is not a crowd of witnesses."""
    best: dict[int, float] = {}
    for vote, value in zip(votes, closeness, strict=True):
        best[vote[0]] = max(best.get(vote[0], 0.0), float(value))
    return sum(best.values())
