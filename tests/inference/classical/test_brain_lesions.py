"""Bright lesions on drawn heads whose answer is geometry."""

from __future__ import annotations

import numpy as np
import pytest

from inference.classical.brain_lesions import find_brain, measure_normal
from inference.evaluation.baselines import BASELINES
from inference.evaluation.cases import OutlinedCase
from inference.pipeline.run_notes import gather_notes
from inference.pipeline.segment import segment
from inference.registry import get_model, validate_parameters
from inference.training.synthetic.flair import draw_flair_case
from tests.inference.volumes import ball, make_volume, measure_dice

SPACING = (3.0, 2.0, 2.0)
SHAPE = (54, 92, 92)
CENTRE = (27, 46, 46)
LARGE, SMALL = ((30, 36, 46), 14.0), ((24, 56, 50), 8.0)


def draw_head(*, has_skull: bool = True, has_lesions: bool = True, noise: float = 8.0) -> np.ndarray:
    """Brain of 60 mm radius with fluid in its middle, dark skull of 8 mm, bright scalp of 6 mm, two bright balls."""
    values = np.zeros(SHAPE, np.float32)
    if has_skull:
        values[ball(SHAPE, CENTRE, 74.0, SPACING)] = 380.0
        values[ball(SHAPE, CENTRE, 68.0, SPACING)] = 20.0
    values[ball(SHAPE, CENTRE, 60.0, SPACING)] = 250.0
    values[ball(SHAPE, (27, 46, 46), 10.0, SPACING)] = 40.0
    for centre, radius in (LARGE, SMALL) if has_lesions else ():
        values[ball(SHAPE, centre, radius, SPACING)] = 400.0
    return values + np.random.default_rng(1).normal(0, noise, SHAPE).astype(np.float32)


def find(values: np.ndarray, **raw: float) -> tuple[np.ndarray, list[str]]:
    volume, spec = make_volume(values, SPACING), get_model("brain_lesion_flair")
    with gather_notes() as notes:
        found = segment(volume, spec, lambda progress: None, parameters=validate_parameters(spec, raw, SHAPE))
    return found.voxels == 1, notes


@pytest.mark.parametrize("has_skull", [True, False])
def test_bright_balls_are_marked_and_neither_scalp_nor_brain(has_skull: bool) -> None:
    found, notes = find(draw_head(has_skull=has_skull))
    expected = ball(SHAPE, *LARGE, SPACING) | ball(SHAPE, *SMALL, SPACING)
    assert measure_dice(found, expected) > 0.9
    assert notes == []
    largest, _ = find(draw_head(has_skull=has_skull), most=1)
    assert measure_dice(largest, ball(SHAPE, *LARGE, SPACING)) > 0.9
    without_small, _ = find(draw_head(has_skull=has_skull), least_volume=5.0)
    assert (without_small == largest).all()


def test_shading_over_the_head_moves_little() -> None:
    shaded = draw_head() * (0.85 + 0.3 * np.arange(SHAPE[2]) / SHAPE[2]).astype(np.float32)
    expected = ball(SHAPE, *LARGE, SPACING) | ball(SHAPE, *SMALL, SPACING)
    assert measure_dice(find(shaded)[0], expected) > 0.85


def test_a_healthy_head_has_none() -> None:
    found, notes = find(draw_head(has_lesions=False))
    assert not found.any()
    assert notes == []


def test_what_is_no_head_gives_nothing_and_the_reason() -> None:
    small = np.where(ball(SHAPE, CENTRE, 20.0, SPACING), 300.0, 0.0).astype(np.float32)
    for values in (small, np.full(SHAPE, 7.0, np.float32), np.zeros(SHAPE, np.float32)):
        found, notes = find(values)
        assert not found.any()
        assert "No brain was found" in notes[0]


def test_bright_fluid_as_on_t2_is_told() -> None:
    values = draw_head(has_lesions=False)
    values[ball(SHAPE, CENTRE, 42.0, SPACING)] += 400.0
    found, notes = find(values)
    assert found.any()
    assert "hardly FLAIR" in notes[0]


def test_the_brain_is_what_lies_within_the_skull_and_its_peak_is_normal_tissue() -> None:
    values = draw_head()
    brain = find_brain(values, SPACING)
    assert measure_dice(brain, ball(SHAPE, CENTRE, 60.0, SPACING)) > 0.95
    normal = measure_normal(values[brain])
    assert normal.middle == pytest.approx(250.0, abs=5.0)
    assert normal.spread == pytest.approx(8.0, rel=0.5)


def test_the_brightest_two_percent_of_the_brain_are_the_baseline() -> None:
    values = draw_head()
    case = OutlinedCase("head", make_volume(values, SPACING), (), np.zeros(SHAPE, np.uint8), True, {})
    found = BASELINES["top_percent"](case, np.zeros(SHAPE, bool), 1)
    ball_share = (found & ball(SHAPE, *LARGE, SPACING)).sum() / found.sum()
    assert ball_share > 0.95
    flat = OutlinedCase("flat", make_volume(np.full(SHAPE, 5.0, np.float32), SPACING), (), case.truth, True, {})
    assert not BASELINES["top_percent"](flat, np.zeros(SHAPE, bool), 1).any()


def test_drawn_heads_come_in_turn_and_are_reproducible() -> None:
    cases = [draw_flair_case(np.random.default_rng(number), number) for number in range(3)]
    assert [case.name[4:] for case in cases] == ["glioma", "white-matter lesions", "healthy"]
    assert cases[0].truth.any()
    assert cases[1].truth.any()
    assert not cases[2].truth.any()
    again = draw_flair_case(np.random.default_rng(1), 1)
    np.testing.assert_array_equal(again.image.voxels, cases[1].image.voxels)
