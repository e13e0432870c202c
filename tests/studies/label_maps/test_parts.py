"""Parts of a structure that was cut: named after it, told apart from names that end in a number."""

from __future__ import annotations

import numpy as np
import pytest

from studies.imaging.geometry import VolumeGeometry
from studies.label_maps.label_map import PALETTE, LabelMap, SegmentDescription
from studies.label_maps.parts import describe_part, drop_emptied_parts, structure_of


@pytest.mark.parametrize(
    ("label", "labels", "structure"),
    [
        ("Lesion 2", ["Lesion", "Lesion 2"], "Lesion"),
        ("lesion 2", ["Lesion", "lesion 2"], "lesion"),
        ("Lesion 2", ["Lesion 1", "Lesion 2"], "Lesion 2"),
        ("Liver segment 4", ["Liver", "Liver segment 4"], "Liver segment 4"),
        ("Lesion", ["Lesion"], "Lesion"),
        ("2", ["2", ""], "2"),
    ],
)
def test_a_number_makes_a_part_only_beside_its_structure(label: str, labels: list[str], structure: str) -> None:
    assert structure_of(label, labels) == structure


def test_parts_are_counted_and_coloured_apart() -> None:
    lesion = SegmentDescription(1, "Lesion", colour=PALETTE[0])
    segments = [lesion]
    for _ in range(6):
        segments.append(describe_part(segments[-1], segments))
    assert [each.segment_label for each in segments[1:]] == [f"Lesion {n}" for n in range(2, 8)]
    assert [each.segment_number for each in segments] == list(range(1, 8))
    assert {each.colour for each in segments} == set(PALETTE)
    assert describe_part(lesion, segments).colour in PALETTE


def test_a_part_that_was_emptied_is_dropped_and_what_waits_to_be_drawn_stays() -> None:
    voxels = np.zeros((1, 2, 3), np.uint8)
    voxels[0, 0] = [1, 1, 4]
    names = ("Lesion", "Lesion 2", "Lesion 3", "Lesion 4", "Cyst")
    segments = tuple(SegmentDescription(number, name) for number, name in enumerate(names, 1))
    grid = VolumeGeometry((1, 2, 3), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), tuple(np.eye(3)[::-1].reshape(-1)))
    kept = drop_emptied_parts(LabelMap(voxels, grid, segments), {1, 2, 4, 5})
    assert [each.segment_label for each in kept.segments] == ["Lesion", "Lesion 3", "Lesion 4", "Cyst"]


def test_a_long_name_makes_room_for_its_number() -> None:
    whole = SegmentDescription(1, "L" * 64)
    assert describe_part(whole, [whole]).segment_label == "L" * 62 + " 2"
