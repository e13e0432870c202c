"""Measures of agreement, each held against an answer known from geometry."""

from __future__ import annotations

import numpy as np
import pytest

from inference.evaluation.metrics import measure_agreement, summarise
from tests.inference.volumes import ball

SHAPE = (40, 60, 60)


def box(start: tuple[int, int, int], size: tuple[int, int, int], shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))] = True
    return mask


def test_the_same_outline_agrees_in_everything() -> None:
    truth = ball(SHAPE, (20, 30, 30), 12)
    found = measure_agreement(truth, truth, (2.0, 1.0, 1.0))
    assert (found.dice, found.surface_dice, found.hd95, found.volume_error, found.lesion_f1) == (1, 1, 0, 0, 1)
    assert found.truth_ml == found.found_ml == pytest.approx(truth.sum() * 0.002)


def test_a_shifted_box_by_its_geometry() -> None:
    """Boxes of 10 x 20 x 20 shifted by 5 of 20 columns share three quarters; the faces lie 5 columns apart."""
    truth, found = box((10, 20, 20), (10, 20, 20)), box((10, 20, 25), (10, 20, 20))
    for column_mm in (1.0, 3.0):
        measured = measure_agreement(found, truth, (1.0, 1.0, column_mm))
        assert measured.dice == pytest.approx(0.75)
        assert measured.volume_error == 0.0
        assert measured.lesion_f1 == 1.0
        assert measured.hd95 == pytest.approx(5.0 * column_mm)
    assert measure_agreement(box((10, 20, 21), (10, 20, 20)), truth, (1.0, 1.0, 1.0)).surface_dice == pytest.approx(1.0)
    assert measure_agreement(box((10, 20, 25), (10, 20, 20)), truth, (1.0, 1.0, 1.0)).surface_dice < 0.9


def test_a_swollen_ball_has_its_distance_everywhere() -> None:
    truth, found = ball(SHAPE, (20, 30, 30), 10), ball(SHAPE, (20, 30, 30), 14)
    measured = measure_agreement(found, truth, (1.0, 1.0, 1.0))
    assert measured.hd95 == pytest.approx(4.0, abs=0.6)
    assert measured.surface_dice == pytest.approx(0.0, abs=0.02)
    assert measured.volume_error == pytest.approx((14 / 10) ** 3 - 1, rel=0.03)


def test_nothing_found_and_nothing_outlined() -> None:
    truth, nothing = ball(SHAPE, (20, 30, 30), 8), np.zeros(SHAPE, bool)
    missed = measure_agreement(nothing, truth, (1.0, 1.0, 1.0))
    assert (missed.dice, missed.surface_dice, missed.hd95, missed.volume_error, missed.lesion_f1) == (0, 0, None, -1, 0)
    false = measure_agreement(truth, nothing, (1.0, 1.0, 1.0))
    assert (false.dice, false.surface_dice, false.hd95, false.volume_error, false.lesion_f1) == (None,) * 5
    assert false.found_ml == pytest.approx(truth.sum() / 1000)


def test_lesions_are_counted_one_by_one() -> None:
    """Of four lesions two are found, one is grazed (IoU below 0.1), one is missed; one mark is false: F1 4 / 8."""
    truth = (
        box((5, 5, 5), (4, 4, 4))
        | box((5, 5, 30), (4, 4, 4))
        | box((25, 5, 5), (6, 6, 6))
        | box((25, 30, 30), (3, 3, 3))
    )
    found = (
        box((5, 5, 5), (4, 4, 4))
        | box((5, 5, 31), (4, 4, 4))
        | box((25, 5, 10), (1, 1, 6))
        | box((10, 50, 50), (3, 3, 3))
    )
    assert measure_agreement(found, truth, (1.0, 1.0, 1.0)).lesion_f1 == pytest.approx(2 * 2 / (2 * 2 + 2 + 2))
    joined = box((5, 5, 5), (4, 4, 29))
    assert measure_agreement(joined, truth, (1.0, 1.0, 1.0)).lesion_f1 == pytest.approx(2 * 2 / (2 * 2 + 0 + 2))


def test_a_picture_is_measured_in_its_plane() -> None:
    truth, found = box((0, 20, 20), (1, 20, 20), (1, 60, 60)), box((0, 20, 26), (1, 20, 20), (1, 60, 60))
    measured = measure_agreement(found, truth, (1.0, 1.0, 1.0))
    assert measured.dice == pytest.approx(14 / 20)
    assert measured.hd95 == pytest.approx(6.0)
    assert 0.3 < measured.surface_dice < 0.8


def test_an_outline_at_the_images_border_has_a_surface_there() -> None:
    truth = box((0, 0, 0), (10, 20, 20))
    assert measure_agreement(truth, truth, (1.0, 1.0, 1.0)).surface_dice == 1.0
    assert measure_agreement(box((0, 0, 0), (10, 20, 24)), truth, (1.0, 1.0, 1.0)).hd95 == pytest.approx(4.0)


def test_intervals_cover_the_mean_of_what_the_cases_come_from() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(60):
        interval = summarise(rng.normal(0.8, 0.1, 40).tolist())
        hits += interval.low <= 0.8 <= interval.high
    assert 52 <= hits <= 60
    assert summarise([None, None]) is None
    single = summarise([0.5, None])
    assert (single.mean, single.low, single.high, single.median, single.count) == (0.5, 0.5, 0.5, 0.5, 1)
    assert summarise([0.1, 0.5, 0.9]) == summarise([0.1, 0.5, 0.9])
