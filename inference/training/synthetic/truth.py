"""What is known about a generated case: the size of each segment, measured on its truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from studies.label_maps.label_map import LabelMap


@dataclass(frozen=True, slots=True)
class SegmentTruth:
    """One segment: voxels, volume, and its longest extent within one slice, mm (0 where it is absent)."""

    segment_number: int
    segment_label: str
    voxel_count: int
    volume_ml: float
    longest_axial_diameter_mm: float


def measure_truth(truth: LabelMap) -> tuple[SegmentTruth, ...]:
    """Measure every segment that the label map describes, those that are absent included."""
    rows = []
    for segment in truth.segments:
        inside = truth.voxels == segment.segment_number
        count = int(inside.sum())
        rows.append(
            SegmentTruth(
                segment.segment_number,
                segment.segment_label,
                count,
                round(count * truth.geometry.voxel_volume_ml, 3),
                round(longest_axial_diameter_mm(inside, truth.geometry.spacing_mm[1:]), 2),
            )
        )
    return tuple(rows)


def outline_lesions(truth: LabelMap, numbers: frozenset[int]) -> npt.NDArray[np.uint8]:
    """Return the largest connected part of each of some segments, as segment 1: what a reader would outline."""
    outlined = np.zeros(truth.voxels.shape, dtype=np.uint8)
    for number in sorted(numbers):
        parts, count = ndimage.label(truth.voxels == number, structure=np.ones((3, 3, 3)))
        if count:
            outlined[parts == 1 + int(np.argmax(np.bincount(parts.reshape(-1))[1:]))] = 1
    return outlined


def longest_axial_diameter_mm(inside: npt.NDArray[np.bool_], spacing_mm: tuple[float, float]) -> float:
    """Return the largest distance between centres of two voxels of one slice, over all slices.

    The width is taken along 360 directions over half a turn, which is right to one part in 100,000.
    """
    angles = np.linspace(0.0, np.pi, 360, endpoint=False)
    directions = np.stack([np.sin(angles), np.cos(angles)])
    longest = 0.0
    for number in np.flatnonzero(inside.any(axis=(1, 2))):
        along = (np.argwhere(inside[number]) * spacing_mm) @ directions
        longest = max(longest, float((along.max(axis=0) - along.min(axis=0)).max()))
    return longest
