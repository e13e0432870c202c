"""k-means over grey values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_ROUNDS = 100


def find_cluster_centres(values: npt.NDArray[np.float32], classes: int) -> npt.NDArray[np.float64]:
    """Return the centres of `classes` clusters, ascending.

    Lloyd's algorithm on the sorted sample, started from evenly spaced quantiles: without chance, and exact in that each
    class is an interval. Fewer centres are returned where the sample, not empty, holds fewer distinct values.

    References
    ----------
    Lloyd S. Least squares quantization in PCM. IEEE Trans Inf Theory 1982. doi:10.1109/TIT.1982.1056489
    """
    ordered = np.sort(values.astype(np.float64))
    sums = np.concatenate(([0.0], np.cumsum(ordered)))
    centres = np.unique(np.quantile(ordered, (np.arange(classes) + 0.5) / classes))
    if centres.size < classes:
        centres = np.unique(np.linspace(ordered[0], ordered[-1], classes))
    for _ in range(_ROUNDS):
        borders = np.concatenate(([0], np.searchsorted(ordered, find_borders(centres), side="right"), [ordered.size]))
        counts = np.diff(borders)
        means = np.diff(sums[borders]) / np.maximum(counts, 1)
        moved = means[counts > 0]  # a class that lost its last member is gone
        if moved.size == centres.size and np.allclose(moved, centres, rtol=0, atol=1e-9):
            break
        centres = moved
    return centres


def find_borders(centres: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the grey values at which the nearest centre changes."""
    return (centres[:-1] + centres[1:]) / 2
