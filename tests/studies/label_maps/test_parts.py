"""Parts of a structure that was cut: named after it, told apart from names that end in a number."""

from __future__ import annotations

import pytest

from studies.label_maps.label_map import PALETTE, SegmentDescription
from studies.label_maps.parts import describe_part, structure_of


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


def test_what_an_earlier_cut_left_empty_is_used_again() -> None:
    lesion = SegmentDescription(1, "Lesion")
    other = SegmentDescription(2, "Cyst")
    part = describe_part(lesion, [lesion, other])
    assert describe_part(lesion, [lesion, other, part], empty={2, 3}) == part
    assert describe_part(lesion, [lesion, other, part], empty={2}).segment_label == "Lesion 3"


def test_a_long_name_makes_room_for_its_number() -> None:
    whole = SegmentDescription(1, "L" * 64)
    assert describe_part(whole, [whole]).segment_label == "L" * 62 + " 2"
