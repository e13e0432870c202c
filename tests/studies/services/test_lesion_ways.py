"""The way to the date that is matched: straight where it is trusted, over the dates between where every step is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from studies.models import Series
from studies.services import lesion_ways
from studies.services.lesion_ways import Way, find_ways
from tests.factories import SeriesFactory

pytestmark = pytest.mark.django_db
Known = dict[tuple[int, int], Way | None]


def step(shift_mm: float, *, is_trusted: bool = True, spread_mm: float = 3.0) -> Way:
    matrix = np.eye(4)
    matrix[0, 3] = shift_mm
    return Way(matrix, spread_mm, is_trusted, f"{shift_mm}")


@pytest.fixture
def dates() -> list[Series]:
    return [SeriesFactory() for _ in range(3)]


@pytest.fixture
def know(monkeypatch: pytest.MonkeyPatch, dates: list[Series]) -> Callable[[Known], None]:
    place = {each.pk: number for number, each in enumerate(dates)}

    def teach(known: Known) -> None:
        monkeypatch.setattr(lesion_ways, "_read_way", lambda one, other: known[place[one.pk], place[other.pk]])

    return teach


def test_a_trusted_way_is_taken_straight(dates: list[Series], know: Callable[[Known], None]) -> None:
    know({(0, 2): step(7.0)})
    ways = find_ways(dates, [dates[0]], dates[2])
    assert ways is not None
    assert ways[dates[0].pk].matrix_mm[0, 3] == 7.0


def test_a_doubtful_one_goes_over_the_date_between(dates: list[Series], know: Callable[[Known], None]) -> None:
    know({(0, 2): step(50.0, is_trusted=False), (0, 1): step(4.0), (1, 2): step(3.0, spread_mm=4.0)})
    ways = find_ways(dates, [dates[0]], dates[2])
    assert ways is not None
    way = ways[dates[0].pk]
    assert (way.matrix_mm[0, 3], way.spread_mm, way.is_trusted) == (7.0, 5.0, True)


def test_where_a_step_is_doubtful_too_the_doubt_stays(dates: list[Series], know: Callable[[Known], None]) -> None:
    direct = step(50.0, is_trusted=False)
    know({(0, 2): direct, (0, 1): step(4.0), (1, 2): step(3.0, is_trusted=False)})
    ways = find_ways(dates, [dates[0]], dates[2])
    assert ways is not None
    assert ways[dates[0].pk] is direct
    know({(1, 2): step(3.0, is_trusted=False)})  # neighbours have nothing between them
    ways = find_ways(dates, [dates[1]], dates[2])
    assert ways is not None
    assert not ways[dates[1].pk].is_trusted


def test_nothing_is_matched_before_every_way_is_there(dates: list[Series], know: Callable[[Known], None]) -> None:
    know({(0, 2): None, (1, 2): step(3.0)})
    assert find_ways(dates, dates[:2], dates[2]) is None
    know({(0, 2): step(50.0, is_trusted=False), (0, 1): None, (1, 2): step(3.0)})
    assert find_ways(dates, [dates[0]], dates[2]) is None


def test_an_earlier_date_is_reached_backwards(dates: list[Series], know: Callable[[Known], None]) -> None:
    know({(2, 0): step(50.0, is_trusted=False), (2, 1): step(-3.0), (1, 0): step(-4.0)})
    ways = find_ways(dates, [dates[2]], dates[0])
    assert ways is not None
    assert ways[dates[2].pk].matrix_mm[0, 3] == -7.0
