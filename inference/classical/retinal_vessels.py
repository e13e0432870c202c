"""Retinal vessels on a fundus photograph: dark ridges in green, arteries told from veins by their red. Knows no torch.

References
----------
Frangi AF et al. Multiscale vessel enhancement filtering. MICCAI 1998. doi:10.1007/BFb0056195
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.filters import frangi, threshold_otsu
from skimage.transform import resize

ARTERY, VEIN = 1, 2
_SIDE = 512
_SIGMAS = (1.0, 1.5, 2.0, 3.0)
"""Half widths of vessels, in pixels of an image of `_SIDE`."""
_VESSEL_SHARE = 0.10
"""Of the retina that vessels take up, about."""
_LEAST_RETINA = 0.1
"""Of the picture: a fundus fills most of it."""

Plane = npt.NDArray[np.generic]


def find_retinal_vessels(red: Plane, green: Plane) -> npt.NDArray[np.uint8]:
    """Return `ARTERY`, `VEIN` or 0 for each pixel (row, column); nothing where no retina fills the picture.

    Parameters
    ----------
    red, green
        Of one photograph, 0 to 255, of one shape.
    """
    vessels = _find_ridges(np.asarray(green, np.float64))
    labels = np.zeros(green.shape, np.uint8)
    if not vessels.any():
        return labels
    # an artery's blood carries oxygen: against what lies about it, it is less dark in red
    around = ndimage.uniform_filter(np.asarray(red, np.float32), 61)
    redness = ndimage.uniform_filter(np.asarray(red, np.float32), 5) / np.maximum(around, 1.0)
    labels[vessels] = np.where(redness[vessels] > np.median(redness[vessels]), ARTERY, VEIN)
    return labels


def _find_ridges(green: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    nothing = np.zeros(green.shape, bool)
    share = min(1.0, _SIDE / max(green.shape))
    small = resize(green, [max(1, round(n * share)) for n in green.shape], anti_aliasing=True)
    if small.min() == small.max():
        return nothing
    retina = ndimage.binary_erosion(small > threshold_otsu(small) * 0.5, iterations=6)
    if retina.mean() < _LEAST_RETINA:
        return nothing
    ridges = frangi(small, sigmas=_SIGMAS, black_ridges=True)
    vessels = retina & (ridges > np.quantile(ridges[retina], 1.0 - _VESSEL_SHARE))
    return np.asarray(resize(vessels.astype(float), green.shape, order=1) > 0.5)
