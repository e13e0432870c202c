"""The whole burden, and lesions that go different ways."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.tracking.burden import Direction, LesionSize, find_mixed_response, measure_burden
from studies.tracking.measurement_error import Measured


def size(name: str, diameter: float | None, volume: float | None = None, organ: str = "liver") -> LesionSize:
    return LesionSize(
        name,
        organ,
        None if diameter is None else Measured(diameter, diameter - 1, diameter + 2),
        None if volume is None else Measured(volume, volume * 0.9, volume * 1.1),
    )


def test_sums_over_all_and_by_organ() -> None:
    found = measure_burden([size("a", 10, 1), size("b", 20, 2), size("c", 5, 0.5, "lung"), size("d", None, 1, "")])
    assert found.all.count == 4
    assert (found.all.diameters.value, found.all.volumes.value) == (35, 4.5)
    assert found.all.diameters.low == pytest.approx(35 - sqrt(3))
    assert found.all.diameters.high == pytest.approx(35 + 2 * sqrt(3))
    assert found.all.without_diameter == ("d",)
    assert not found.all.is_complete
    assert [organ for organ, _ in found.by_organ] == ["liver", "lung", "unknown organ"]
    assert dict(found.by_organ)["liver"].volumes.high == pytest.approx(3 + sqrt(0.1**2 + 0.2**2))
    assert dict(found.by_organ)["liver"].is_complete


def test_nothing_is_a_burden_of_zero() -> None:
    found = measure_burden([])
    assert (found.all.count, found.all.diameters.value, found.all.volumes.value) == (0, 0, 0)


def test_half_grow_and_half_shrink() -> None:
    """Two readers: beyond +25.4 % is growth, beyond -22.1 % shrinkage. Largest diameters 40 and 30."""
    found = find_mixed_response([size("a", 20), size("b", 30)], [size("a", 40), size("b", 15)])
    assert [each.direction for each in found.lesions] == ["growing", "shrinking"]
    assert found.index == 1.0
    assert found.burden_index == pytest.approx(2 * 30 / 70)
    assert "1 growing, 1 shrinking, 0 stable, 0 unknown" in found.sentence


def test_a_change_within_error_goes_no_way() -> None:
    found = find_mixed_response(
        [size("a", 20), size("b", 20), size("c", 20), size("d", 20), size("e", None)],
        [size("a", 30), size("b", 22), size("c", 18), size("d", 9), size("e", 30)],
    )
    assert [found.count(each) for each in Direction] == [1, 1, 2, 1]
    assert found.index == pytest.approx(2 * 1 / 4)
    assert "Unknown, because" in found.lesions[-1].sentence


def test_gone_and_new_are_directions() -> None:
    found = find_mixed_response([size("a", 20)], [size("b", 20)])
    assert [(each.name, each.direction) for each in found.lesions] == [("a", "shrinking"), ("b", "growing")]
    assert found.index == 1.0


def test_a_coarse_grid_makes_a_lesion_stable() -> None:
    grid = Measured(10, 3, 14)
    before, after = [LesionSize("a", "", grid, None)], [LesionSize("a", "", Measured(14, 4, 18), None)]
    assert find_mixed_response(before, after).lesions[0].direction is Direction.STABLE
    plain = find_mixed_response([size("a", 10)], [size("a", 14)])
    assert plain.lesions[0].direction is Direction.GROWING


def test_without_a_known_lesion_it_is_unknown() -> None:
    found = find_mixed_response([size("a", None)], [size("a", 3)])
    assert (found.index, found.burden_index) == (None, None)
    assert "unknown" in found.sentence


def test_a_name_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="once"):
        find_mixed_response([size("a", 1), size("a", 2)], [])


@given(st.lists(st.tuples(st.floats(2, 100), st.floats(2, 100)), min_size=1, max_size=12))
def test_the_index_does_not_depend_on_the_direction_of_time(pairs: list[tuple[float, float]]) -> None:
    """Growth read backwards is shrinkage; with symmetric limits exactly. Gone and new stand for those here."""
    before = [size(f"l{n}", one) for n, (one, other) in enumerate(pairs) if one <= other]
    after = [size(f"l{n}", other) for n, (one, other) in enumerate(pairs) if one > other]
    forward, backward = find_mixed_response(before, after), find_mixed_response(after, before)
    assert forward.index == pytest.approx(backward.index)
    assert forward.burden_index == pytest.approx(backward.burden_index)
    assert forward.index is not None
    assert 0 <= forward.index <= 1
