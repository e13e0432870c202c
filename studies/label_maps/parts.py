"""Segments that a reader cut off others: "Lesion 2" beside "Lesion" is a part of the same structure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from studies.label_maps.label_map import PALETTE, LabelMap, SegmentDescription

LONGEST_LABEL = 64


def structure_of(label: str, labels: Collection[str]) -> str:
    """Return the label of the structure that a segment is a part of: its own, or the one it was cut off.

    Parameters
    ----------
    labels
        Of all segments of the label map. "Lesion 2" is a part of "Lesion" only where there is a "Lesion": a number
        may as well belong to a name.
    """
    stem, _, number = label.strip().rpartition(" ")
    is_part = stem != "" and number.isdecimal() and stem.lower() in {each.strip().lower() for each in labels}
    return stem if is_part else label.strip()


def describe_part(of: SegmentDescription, segments: Sequence[SegmentDescription]) -> SegmentDescription:
    """Return the description of a part that is cut off a segment: same category and type, numbered, another colour.

    Parameters
    ----------
    segments
        All segments of the label map.
    """
    labels = [each.segment_label for each in segments]
    stem = structure_of(of.segment_label, labels)
    count = next(n for n in range(2, len(labels) + 3) if _numbered(stem, n) not in labels)
    number = max(each.segment_number for each in segments) + 1
    used = {each.colour.lower() for each in segments}
    free = [colour for colour in PALETTE if colour not in used]
    colour = free[0] if free else PALETTE[(number - 1) % len(PALETTE)]
    return replace(of, segment_number=number, segment_label=_numbered(stem, count), colour=colour)


def drop_emptied_parts(label_map: LabelMap, filled_before: Collection[int]) -> LabelMap:
    """Return a label map without the parts that have lost their last voxel: the cut was taken back.

    Parameters
    ----------
    filled_before
        Numbers of the segments that held voxels before the change; what was empty then waits to be drawn.
    """
    labels = [each.segment_label for each in label_map.segments]

    def is_emptied(each: SegmentDescription) -> bool:
        is_part = structure_of(each.segment_label, labels) != each.segment_label.strip()
        was_filled = each.segment_number in filled_before
        return is_part and was_filled and not bool((label_map.voxels == each.segment_number).any())

    return replace(label_map, segments=tuple(each for each in label_map.segments if not is_emptied(each)))


def _numbered(stem: str, number: int) -> str:
    suffix = f" {number}"
    return stem[: LONGEST_LABEL - len(suffix)].rstrip() + suffix
