"""Heads without a tumour from heads with one: the half that has none, and its mirror image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from inference.evaluation.cases import OutlinedCase
from studies.imaging.volume import Volume

_MARGIN = 3
"""Pixels that a finding must keep from the middle: its swelling reaches further than its outline."""
_SEARCH_SHARE = 0.1
_LEAST_LIKENESS = 0.6
"""Correlation of the halves below which the slice is no head seen from the front or above."""


def mirror_healthy_half(case: OutlinedCase) -> OutlinedCase | None:
    """Return a slice, axial or coronal, made of the half without a finding; None where there is no such half.

    The middle is the column about which the slice is most alike its mirror image.
    """
    plane = np.asarray(case.image.voxels[0], np.float32)
    middle = _find_middle(plane)
    columns = np.flatnonzero(case.truth[0].any(axis=0))
    if middle is None or columns.size == 0:
        return None
    # the left half are the columns below the middle; `middle` may lie between two columns
    if columns.min() > middle + _MARGIN:
        mirrored = _mirror(plane, middle)
    elif columns.max() < middle - _MARGIN:
        mirrored = _mirror(plane[:, ::-1], plane.shape[1] - 1 - middle)[:, ::-1]
    else:
        return None
    image = Volume(mirrored[None].astype(case.image.voxels.dtype), case.image.geometry, case.image.modality)
    return replace(case, image=image, truth=np.zeros_like(case.truth))


def _find_middle(plane: npt.NDArray[np.float32]) -> float | None:
    """Return the column, or the place halfway between two, about which the plane is symmetric."""
    weights = plane.sum(axis=0)
    if weights.sum() <= 0:
        return None
    centre = float((weights * np.arange(weights.size)).sum() / weights.sum())
    reach = _SEARCH_SHARE * weights.size
    candidates = np.arange(round(2 * (centre - reach)), round(2 * (centre + reach)) + 1) / 2
    likeness = [_measure_likeness(plane, float(middle)) for middle in candidates]
    best = int(np.argmax(likeness))
    return float(candidates[best]) if likeness[best] >= _LEAST_LIKENESS else None


def _measure_likeness(plane: npt.NDArray[np.float32], middle: float) -> float:
    half = int(min(middle, plane.shape[1] - 1 - middle))
    if half < plane.shape[1] // 4:
        return -1.0
    left = plane[:, int(np.ceil(middle)) - half : int(np.ceil(middle))]
    right = plane[:, int(np.floor(middle)) + 1 : int(np.floor(middle)) + 1 + half][:, ::-1]
    width = min(left.shape[1], right.shape[1])
    first, second = left[:, -width:].ravel(), right[:, -width:].ravel()
    spread = float(first.std() * second.std())
    return float(((first - first.mean()) * (second - second.mean())).mean() / spread) if spread > 0 else -1.0


def _mirror(plane: npt.NDArray[np.float32], middle: float) -> npt.NDArray[np.float32]:
    """Return the plane whose columns beyond the middle are those before it, mirrored."""
    mirrored = plane.copy()
    for column in range(int(np.floor(middle)) + 1, plane.shape[1]):
        source = round(2 * middle - column)
        mirrored[:, column] = plane[:, source] if source >= 0 else plane[:, 0]
    return mirrored
