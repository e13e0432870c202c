"""Segments that a reader cut off others: "Lesion 2" beside "Lesion" is a part of the same structure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from studies.label_maps.label_map import PALETTE, SegmentDescription

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


def describe_part(
    of: SegmentDescription, segments: Sequence[SegmentDescription], *, empty: Collection[int] = ()
) -> SegmentDescription:
    """Return the description of a part that is cut off a segment: same category and type, numbered, another colour.

    Parameters
    ----------
    segments
        All segments of the label map.
    empty
        Numbers of segments without a voxel: what an earlier cut left behind is used again.
    """
    labels = [each.segment_label for each in segments]
    stem = structure_of(of.segment_label, labels)
    for each in segments:
        is_part = each.segment_label.strip() != stem and structure_of(each.segment_label, labels) == stem
        if is_part and each.segment_number in empty:
            return each
    count = next(n for n in range(2, len(labels) + 3) if _numbered(stem, n) not in labels)
    number = max(each.segment_number for each in segments) + 1
    used = {each.colour.lower() for each in segments}
    free = [colour for colour in PALETTE if colour not in used]
    colour = free[0] if free else PALETTE[(number - 1) % len(PALETTE)]
    return replace(of, segment_number=number, segment_label=_numbered(stem, count), colour=colour)


def _numbered(stem: str, number: int) -> str:
    suffix = f" {number}"
    return stem[: LONGEST_LABEL - len(suffix)].rstrip() + suffix
