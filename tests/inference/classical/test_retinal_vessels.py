"""Vessels of drawn fundus photographs, whose arteries and veins are known, and pictures that show no retina."""

from __future__ import annotations

import numpy as np
import pytest

from inference.classical.grey_values import GreyValues
from inference.classical.retinal_vessels import find_retinal_vessels
from inference.pipeline.methods import NoColoursError, prepare_retinal_vessels
from inference.pipeline.run_notes import gather_notes
from inference.training.synthetic.fundus import ARTERY, VEIN, generate_fundus
from tests.inference.volumes import measure_dice


def test_most_of_a_drawn_vessel_tree_is_found_and_told_apart() -> None:
    photograph = generate_fundus(3, size=512)
    labels = find_retinal_vessels(photograph.pixels[..., 0], photograph.pixels[..., 1])
    is_vessel = np.isin(photograph.truth, (ARTERY, VEIN))
    assert measure_dice(labels > 0, is_vessel) > 0.5
    both = is_vessel & (labels > 0)
    right = (labels[both] == 1) == (photograph.truth[both] == ARTERY)
    assert right.mean() > 0.6


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_picture_of_one_colour_has_no_vessels(value: int) -> None:
    plane = np.full((60, 80), value, np.uint8)
    assert not find_retinal_vessels(plane, plane).any()


def test_a_small_bright_spot_is_no_retina() -> None:
    plane = np.zeros((200, 200), np.uint8)
    plane[90:110, 90:110] = 200
    assert not find_retinal_vessels(plane, plane).any()


def test_the_reason_for_an_empty_result_is_told() -> None:
    grey: list[GreyValues] = [np.full((1, 40, 40), 50, np.uint8)] * 3
    with gather_notes() as notes:
        assert not prepare_retinal_vessels(grey, {})(0, 1).any()
    assert "Choose a fundus photograph" in notes[0]


def test_grey_images_are_refused() -> None:
    with pytest.raises(NoColoursError, match="grey"):
        prepare_retinal_vessels([], {})
