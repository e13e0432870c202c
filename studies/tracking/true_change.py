"""Errors of measurement, drawn in the light of how much the same patient's lesions change from date to date.

What was read is the truth and an error. The errors alone, added once more to what was read, would make a course that
changes more than the true one: the smallest of several sums is mostly one that was read too small, and so is a large
change mostly one that errs towards being large. What is held of the truth beforehand sets this right:

1. The logarithm of a lesion's size walks at random: from date to date it moves by a step that all lesions of the
   patient share and by one of its own. A step's variance grows with the days it takes.
2. Nothing is held of where a lesion begins.
3. Of how large either kind of step is little is held: its deviation, for a mean interval, lies between 1 % and 100 %,
   any root of it as likely as another. The patient's own dates say which they are: each pair of deviations weighs as
   probable as it makes the measured changes.

Given the deviations everything is normal, so the errors are drawn exactly: first a pair of deviations by its weight,
then the errors given these. Where the changes are far above the errors, this leaves the errors as they were.

References: deviations of a hierarchical model with a prior of their own: Gelman 2006, Bayesian Analysis 1:515-534. The
even root lies between that paper's even deviation, which says progression too often where nothing changes, and an even
logarithm, which says it too seldom where much does. That the walk is one, and its range, are this project's own
assumptions; `manage.py bench calibration` puts them to the test on patients that change much, little and hardly at all.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

STEP_DEVIATIONS: Array = np.linspace(0.1, 1.0, 13) ** 2


def draw_errors(
    measured: Array, deviations: Array, correlation: float, days: Array, *, draws: int, random: np.random.Generator
) -> Array:
    """Return errors of the logarithm given what was measured, shape (draws, dates, lesions).

    They are 0 where nothing was measured.

    Parameters
    ----------
    measured
        Logarithms of sizes, shape (dates, lesions); not a number where nothing was measured.
    deviations
        Of the error of each, same shape.
    correlation
        Share of an error's variance that all lesions of a date have in common.
    days
        From the first date, rising.
    """
    date, lesion = np.nonzero(np.isfinite(measured))
    size, width = measured[date, lesion], deviations[date, lesion]
    is_same_date, is_same_lesion = date[:, None] == date[None, :], lesion[:, None] == lesion[None, :]
    alike = np.where(is_same_lesion, 1.0, correlation) * is_same_date
    noise = alike * width[:, None] * width[None, :]
    time = days[date] / (days[-1] / max(1, len(days) - 1))
    walk = np.minimum(time[:, None], time[None, :])
    contrast = _differences(lesion)
    known = contrast @ noise
    shared, own = (each.reshape(-1, 1, 1) ** 2 for each in np.meshgrid(STEP_DEVIATIONS, STEP_DEVIATIONS))
    spread = known @ contrast.T + contrast @ (shared * walk + own * walk * is_same_lesion) @ contrast.T
    found = contrast @ size
    scaled = np.linalg.solve(spread, np.broadcast_to(found[:, None], (len(spread), len(found), 1)))[..., 0]
    log_weights = -0.5 * (scaled @ found + np.linalg.slogdet(spread)[1])
    share = np.exp(log_weights - log_weights.max())
    chosen = random.choice(len(share), size=draws, p=share / share.sum())
    normal = random.standard_normal((draws, len(size)))
    errors = np.zeros((draws, *measured.shape))
    for which in np.unique(chosen):
        rows = np.flatnonzero(chosen == which)
        left = noise - known.T @ np.linalg.solve(spread[which], known)
        errors[rows[:, None], date, lesion] = scaled[which] @ known + normal[rows] @ _root(left).T
    return errors


def _differences(lesion: npt.NDArray[np.int64]) -> Array:
    """Return the matrix that takes from every measurement its lesion's first one: what does not ask where it began."""
    rows = []
    for place in range(len(lesion)):
        first = int(np.flatnonzero(lesion == lesion[place])[0])
        if first != place:
            row = np.zeros(len(lesion))
            row[place], row[first] = 1.0, -1.0
            rows.append(row)
    return np.array(rows).reshape(len(rows), len(lesion))


def _root(covariance: Array) -> Array:
    """Return a matrix whose square is a covariance, which rounding may have left without full rank."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2.0)
    root: Array = vectors * np.sqrt(np.clip(values, 0.0, None))
    return root
