"""From one click to the structure that was clicked."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from inference.classical.grey_values import GreyValues, Mask

Point = tuple[int, int, int]
Spacing = tuple[float, float, float]


def grow_region(voxels: GreyValues, seed: Point, *, spacing_mm: Spacing, tolerance: float, largest_ml: float) -> Mask:
    """Return the structure around `seed`."""
    smooth = ndimage.gaussian_filter(voxels.astype(np.float32), [min(spacing_mm) / s * 0.7 for s in spacing_mm])
    near = tuple(slice(max(0, c - 3), c + 4) for c in seed)
    centre, spread = float(np.median(smooth[near])), float(smooth[near].std())
    similar = np.abs(smooth - centre) <= tolerance * max(spread, 1e-6)
    similar[seed] = True
    labels, _ = ndimage.label(similar)
    return np.asarray(ndimage.binary_fill_holes(labels == labels[seed]))
