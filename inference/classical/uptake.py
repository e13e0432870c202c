"""PET lesions by standardised uptake: hot parts, each cut at a share of its own maximum.

References
----------
Boellaard R et al. FDG PET/CT: EANM procedure guidelines for tumour imaging, version 2.0. Eur J Nucl Med Mol Imaging
2015;42:328-354. doi:10.1007/s00259-014-2961-x
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Mask = npt.NDArray[np.bool_]
_TOUCHING = np.ones((3, 3, 3), np.uint8)


def find_uptake(
    suv: npt.NDArray[np.generic], *, voxel_ml: float, least_suv: float, share: float, least_ml: float
) -> Mask:
    """Mark what is hotter than a fixed SUV and than a share of the maximum of the part that it lies in.

    Parameters
    ----------
    suv
        Standardised uptake with axes (slice, row, column).
    least_suv
        What does not reach it is no lesion.
    share
        Of each part's maximum, 0 to 1; 0 leaves the fixed SUV alone.
    least_ml
        Smaller parts are noise.
    """
    values = np.asarray(suv, np.float32)
    parts, count = ndimage.label(values >= least_suv, _TOUCHING)
    found = np.zeros(values.shape, bool)
    if count == 0:
        return found
    hottest = ndimage.maximum(values, parts, np.arange(count + 1))
    found = (parts > 0) & (values >= share * np.asarray(hottest, np.float32)[parts])
    return keep_larger(found, least_voxels=max(1, round(least_ml / voxel_ml)))


def keep_larger(marked: Mask, *, least_voxels: int) -> Mask:
    """Return the connected parts of at least so many voxels."""
    parts, _ = ndimage.label(marked, _TOUCHING)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray((sizes >= least_voxels)[parts])
