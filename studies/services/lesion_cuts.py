"""Parting two lesions that touch: a line across them, and the smaller part is a segment of its own from then on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from studies.errors import InvalidInputError
from studies.label_maps.codec import LabelVoxels
from studies.label_maps.label_map import LabelMap, SegmentDescription
from studies.label_maps.parts import describe_part
from studies.models import SegmentationRevision, User
from studies.services.measurements import NotMeasurableError
from studies.services.segmentations import LARGEST_UINT8, begin_change, has_place, save_change
from studies.services.volumes import read_layout
from studies.tracking.components import Lesion, Vector, cut_by_line, find_crossed, find_lesions


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A line that a reader drew across a lesion: its ends and the direction of sight, patient LPS, mm."""

    ends_mm: tuple[Vector, Vector]
    sight: Vector


def cut_lesion(
    base: SegmentationRevision, *, segment_number: int, line: DrawnLine, created_by: User, address: str = ""
) -> SegmentationRevision:
    """Store `base` with the lesion that the line crosses parted by the plane through the line along the sight.

    The larger part stays; the smaller becomes a segment of its own of the same category and type. No voxel is lost.

    Raises
    ------
    NotMeasurableError
        Where the series has no geometry that a line could be placed in.
    CutError
        Where the line crosses no lesion of the segment or several, or parts none.
    """
    label_map = begin_change(base, by=created_by)
    series = base.segmentation.series
    if not has_place(series):
        explanation = read_layout(series).geometry.explanation
        raise NotMeasurableError(f"{explanation} Lesions are not cut in such a series; erase between them.")
    whole = _describe(label_map, segment_number)
    lesions = (each for each in find_lesions(label_map) if each.segment_number == segment_number)
    lesion = find_crossed(lesions, label_map.geometry, line.ends_mm)
    halves = cut_by_line(lesion, label_map.geometry, line.ends_mm, line.sight)
    smaller = min(reversed(halves), key=lambda half: half.voxel_count)  # of equal ones the later
    part = describe_part(whole, label_map.segments)
    return save_change(
        base,
        _give_to(label_map, smaller, part),
        provenance={"act": "cut", "segment": segment_number, "part": part.segment_number, "ends_mm": line.ends_mm},
        created_by=created_by,
        address=address,
    )


def _describe(label_map: LabelMap, segment_number: int) -> SegmentDescription:
    found = [each for each in label_map.segments if each.segment_number == segment_number]
    if not found:
        raise InvalidInputError(f"There is no segment {segment_number} to cut. Reload the page and choose one.")
    return found[0]


def _give_to(label_map: LabelMap, half: Lesion, part: SegmentDescription) -> LabelMap:
    """Return the label map with one half of a lesion under the number of a part."""
    voxels = label_map.voxels
    if part.segment_number > LARGEST_UINT8:
        voxels = cast(LabelVoxels, voxels.astype(np.uint16))
    voxels[half.box][half.mask] = part.segment_number
    return replace(label_map, voxels=voxels, segments=(*label_map.segments, part))
