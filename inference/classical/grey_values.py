"""What every classical method asks of the grey values first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from studies.errors import InvalidInputError

GreyValues = npt.NDArray[np.generic]
Mask = npt.NDArray[np.bool_]

_SAMPLE_LIMIT = 1_000_000
_HISTOGRAM_BINS = 512


class UnusableGreyValuesError(InvalidInputError):
    """The image holds values no method can work with."""

    code = "volume.not_finite"


class FlatImageError(InvalidInputError):
    """All voxels have the same value."""

    code = "volume.flat"


def require_finite(voxels: GreyValues) -> None:
    """Refuse an image with NaN or infinity.

    Raises
    ------
    UnusableGreyValuesError
        Says how many voxels are affected and where the first one lies.
    """
    if not np.issubdtype(voxels.dtype, np.floating):
        return
    count, first = 0, -1
    for index, plane in enumerate(voxels):
        bad = plane.size - int(np.isfinite(plane).sum())
        if bad and first < 0:
            first = index
        count += bad
    if count:
        raise UnusableGreyValuesError(
            f"{count} voxels of this image are not numbers (NaN or infinite), the first in slice {first + 1}. "
            "Export the image again without them.",
            voxel_count=count,
            first_slice=first,
        )


def sample_grey_values(voxels: GreyValues) -> npt.NDArray[np.float32]:
    """Return at most a million values, evenly spread over the image and the same ones every time."""
    flat = voxels.reshape(-1)
    stride = max(1, -(-flat.size // _SAMPLE_LIMIT))
    if stride > 1 and voxels.shape[-1] % stride == 0:
        stride += 1  # a divisor of the row length would look at the same columns only
    return flat[::stride].astype(np.float32)


def find_otsu_threshold(values: npt.NDArray[np.float32]) -> float:
    """Return the value that splits a sample into the two classes of least variance within.

    The lowest and highest 0.5 % are clipped first, so that a few hot pixels do not stretch the histogram.

    Raises
    ------
    FlatImageError
        Where the sample holds one value only.

    References
    ----------
    Otsu N. A threshold selection method from gray-level histograms. IEEE Trans SMC 1979. doi:10.1109/TSMC.1979.4310076
    """
    if values.size == 0 or float(values.min()) == float(values.max()):
        raise FlatImageError("All voxels of this image have the same value, so there is nothing to separate.")
    low, high = np.percentile(values, (0.5, 99.5))
    if low == high:
        low, high = values.min(), values.max()
    counts, edges = np.histogram(np.clip(values, low, high), bins=_HISTOGRAM_BINS)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1].astype(np.float64)
    above = values.size - below
    sums = np.cumsum(counts * centres)
    mean_below = sums[:-1] / np.maximum(below, 1)
    mean_above = (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    between = below * above * (mean_below - mean_above) ** 2
    # a gap between the classes makes a plateau of equal splits: take its middle
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float(edges[1 + best].mean())


def find_body_threshold(sample: npt.NDArray[np.float32]) -> float:
    """Return the value above which voxels belong to the body rather than to the air around it.

    Otsu's threshold lies between air and tissue; halfway from there to the level of air, dark tissue is kept as well.
    """
    threshold = find_otsu_threshold(sample)
    air = float(np.median(sample[sample <= threshold]))
    return (air + threshold) / 2


def find_body(planes: npt.NDArray[np.float32], body_threshold: float) -> Mask:
    """Return the body in each slice: everything above the threshold and what it encloses in the plane.

    Works slice by slice, so that a slab's answer never depends on which other slices were looked at.
    """
    body = np.asarray(planes > body_threshold)
    for index, plane in enumerate(body):
        opened = ndimage.binary_opening(plane, iterations=2) if min(plane.shape) > 8 else plane
        body[index] = ndimage.binary_fill_holes(opened)
    return body
