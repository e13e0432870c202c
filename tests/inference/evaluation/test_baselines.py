"""Simple methods on drawn images whose answer geometry tells, and what those that learn take from training cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inference.evaluation.baselines import BASELINE_WORDS, BASELINES
from inference.evaluation.cases import OutlinedCase
from inference.evaluation.fitted_baselines import FITTED_BASELINES, choose_baseline
from tests.inference.volumes import make_volume, measure_dice

ROWS, COLUMNS = np.mgrid[:160, :200]
NOBODY_KNOWS = np.zeros((1, 160, 200), bool)


def disc(row: float, column: float, a: float, b: float | None = None) -> np.ndarray:
    return ((ROWS - row) / a) ** 2 + ((COLUMNS - column) / (b or a)) ** 2 <= 1


def make_case(image: np.ndarray, truth: np.ndarray, *, seed: int = 1, noise: float = 4.0) -> OutlinedCase:
    noisy = image + np.random.default_rng(seed).normal(0, noise, image.shape)
    return OutlinedCase(
        "case", make_volume(noisy[None].astype(np.float32)), (), truth[None].astype(np.uint8), False, {}
    )


def test_the_round_bright_part_in_the_middle_is_the_ventricle() -> None:
    cavity, fat = disc(85, 95, 14), disc(10, 100, 9, 90)
    crescent = disc(80, 60, 25) & ~disc(80, 72, 27)
    case = make_case(40.0 + 120.0 * (cavity | fat | crescent), cavity)
    found = BASELINES["otsu_centre"](case, NOBODY_KNOWS, 1)
    assert measure_dice(found, cavity[None]) > 0.9
    flat = replace(case, image=make_volume(np.full((1, 160, 200), 7.0, np.float32)))
    assert not BASELINES["otsu_centre"](flat, NOBODY_KNOWS, 1).any()


def test_41_percent_of_the_hottest_voxel_and_nothing_that_does_not_touch_it() -> None:
    distance = np.hypot(ROWS - 80, COLUMNS - 90)
    hot = np.clip(10.0 * (1 - distance / 50), 0, None)
    case = make_case(hot + 6.0 * disc(30, 180, 8), hot > 0, noise=0.0)
    found = BASELINES["suv41"](case, NOBODY_KNOWS, 1)
    assert measure_dice(found, (distance <= 0.59 * 50)[None]) > 0.99


def test_a_fixed_suv_marks_whatever_reaches_it() -> None:
    case = make_case(1.0 + 2.0 * disc(80, 90, 20) + 1.4 * disc(20, 30, 10), disc(80, 90, 20), noise=0.0)
    assert (BASELINES["suv_fixed"](case, NOBODY_KNOWS, 1) == disc(80, 90, 20)[None]).all()


@pytest.mark.parametrize(("a", "b"), [(45, 60), (50, 50), (35, 55)])
def test_a_skull_seen_in_part_gives_its_ellipse(a: float, b: float) -> None:
    head = disc(80, 100, a, b)
    skull = head & ~disc(80, 100, a - 4, b - 4) & (np.abs(ROWS - 80) < 0.9 * a)
    case = make_case(30.0 + 150.0 * skull + 20.0 * head, head)
    assert measure_dice(BASELINES["ellipse_on_edges"](case, NOBODY_KNOWS, 1), head[None]) > 0.93


def test_dark_lines_are_vessels_and_the_redder_are_arteries() -> None:
    retina = disc(80, 100, 75, 95)
    vein, artery = np.abs(ROWS - 55 - COLUMNS / 20) < 3, np.abs(ROWS - 100 + COLUMNS / 20) < 3
    vein, artery = vein & disc(80, 100, 65, 85), artery & disc(80, 100, 65, 85)
    green = np.where(retina, 120.0, 0.0) - 70.0 * vein - 50.0 * artery
    red = np.where(retina, 180.0, 0.0) - 60.0 * vein - 10.0 * artery
    rng = np.random.default_rng(1)
    planes = tuple((p + rng.normal(0, 2, p.shape)).astype(np.float32)[None] for p in (red, green, green / 2))
    case = replace(make_case(green, vein), colours=planes)
    for number, truth in ((1, artery), (2, vein)):
        assert measure_dice(BASELINES["frangi"](case, NOBODY_KNOWS, number), truth[None]) > 0.6
    assert not BASELINES["frangi"](replace(case, colours=()), NOBODY_KNOWS, 1).any()


def test_what_is_dark_in_blue_and_touches_no_edge_is_the_skin_lesion() -> None:
    lesion, edge = disc(80, 90, 30), COLUMNS < 12
    blue = np.where(lesion, 60, np.where(edge, 20, 150)).astype(np.uint8)[None]
    case = replace(make_case(blue[0], lesion), colours=(blue, blue, blue))
    assert measure_dice(BASELINES["skin_otsu"](case, NOBODY_KNOWS, 1), lesion[None]) > 0.95
    flat = np.full_like(blue, 80)
    assert not BASELINES["skin_otsu"](replace(case, colours=(flat,) * 3), NOBODY_KNOWS, 1).any()
    assert not BASELINES["skin_otsu"](replace(case, colours=()), NOBODY_KNOWS, 1).any()


def test_a_threshold_is_taken_over_from_training_cases_and_the_outline_is_not_looked_at() -> None:
    cases = []
    for seed in range(6):
        bright, dark = disc(60 + 5 * seed, 60, 12), disc(100, 150 - 5 * seed, 12)
        truth = bright + 2 * dark
        cases.append(make_case(100.0 + 60.0 * bright - 60.0 * dark, truth, seed=seed))
    mark = choose_baseline("fitted_region", cases[:4])
    for number in (1, 2):
        for case in cases[4:]:
            found = mark(case, NOBODY_KNOWS, number)
            assert measure_dice(found, case.truth == number) > 0.85
    assert not mark(cases[5], NOBODY_KNOWS, 7).any()


def test_the_atlas_is_where_most_have_it_at_any_size() -> None:
    rows, columns = np.mgrid[:20, :30]
    truths = [((np.abs(rows - 10) < 5) & (np.abs(columns - 15 - shift) < 6)).astype(np.uint8) for shift in (-1, 0, 1)]
    cases = []
    for truth in truths:
        volume = np.broadcast_to(truth, (10, 20, 30)).astype(np.float32)
        cases.append(OutlinedCase("case", make_volume(volume), (), volume.astype(np.uint8), True, {}))
    mark = choose_baseline("atlas_average", cases)
    assert measure_dice(mark(cases[1], NOBODY_KNOWS, 1), cases[1].truth > 0) > 0.95
    twice = np.repeat(np.repeat(cases[1].truth, 2, axis=1), 2, axis=2)
    large = OutlinedCase("large", make_volume(twice.astype(np.float32)), (), twice, True, {})
    assert measure_dice(mark(large, NOBODY_KNOWS, 1), twice > 0) > 0.95
    assert not mark(large, NOBODY_KNOWS, 2).any()


def test_every_baseline_is_explained() -> None:
    assert set(BASELINE_WORDS) == set(BASELINES) | set(FITTED_BASELINES)
