"""A skin lesion on drawn photographs whose answer is geometry."""

from __future__ import annotations

import numpy as np
import pytest

from inference.classical.skin_lesions import NoLesion, find_skin_lesion
from inference.training.synthetic.skin import TONES, draw_skin_case
from tests.inference.volumes import measure_dice

HEIGHT, WIDTH = 300, 400
ROWS, COLUMNS = np.mgrid[:HEIGHT, :WIDTH]
SKIN, BROWN = np.array([205.0, 160.0, 130.0]), np.array([110.0, 75.0, 60.0])


def disc(row: float, column: float, radius: float) -> np.ndarray:
    return np.hypot(ROWS - row, COLUMNS - column) < radius


def photograph(lesion: np.ndarray, *, colour: np.ndarray = BROWN, noise: float = 4.0) -> np.ndarray:
    picture = np.where(lesion[..., None], colour, SKIN)
    return np.clip(picture + np.random.default_rng(3).normal(0, noise, picture.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("row", "column", "radius"), [(150, 200, 60), (120, 260, 35), (150, 180, 110)])
def test_a_disc_is_outlined(row: float, column: float, radius: float) -> None:
    lesion = disc(row, column, radius)
    found = find_skin_lesion(photograph(lesion))
    assert found.reason is None
    assert measure_dice(found.mask, lesion) > 0.96


def test_hair_dark_corners_and_light_from_one_side_change_little() -> None:
    lesion = disc(150, 200, 60)
    picture = photograph(lesion).astype(float)
    picture *= (0.85 + 0.3 * COLUMNS / WIDTH)[..., None]
    for offset in range(-200, 400, 45):
        picture[np.abs(ROWS - 0.7 * COLUMNS - offset) < 1.5] = (30, 25, 20)
    picture[~disc(HEIGHT / 2, WIDTH / 2, 205)] = 5
    found = find_skin_lesion(np.clip(picture, 0, 255).astype(np.uint8))
    assert found.reason is None
    assert measure_dice(found.mask, lesion) > 0.93
    mirrored = find_skin_lesion(np.clip(picture, 0, 255).astype(np.uint8)[:, ::-1])
    assert measure_dice(mirrored.mask[:, ::-1], found.mask) > 0.95


def test_one_lesion_is_marked_and_a_hole_in_it_is_closed() -> None:
    large, small = disc(150, 160, 60), disc(150, 340, 14)
    found = find_skin_lesion(photograph((large & ~disc(150, 160, 12)) | small))
    assert measure_dice(found.mask, large) > 0.95
    assert not (found.mask & small).any()


def test_nothing_is_marked_where_nothing_differs_and_the_reason_is_told() -> None:
    flat = find_skin_lesion(np.full((HEIGHT, WIDTH, 3), 128, np.uint8))
    plain = find_skin_lesion(photograph(np.zeros((HEIGHT, WIDTH), bool)))
    black = find_skin_lesion(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    speck = find_skin_lesion(photograph(disc(150, 200, 2)))
    for found in (flat, plain, black, speck):
        assert not found.mask.any()
        assert found.reason in set(NoLesion)


def test_tiny_and_narrow_pictures_are_no_accident() -> None:
    for shape in ((1, 1), (2, 300), (40, 3)):
        assert find_skin_lesion(np.full((*shape, 3), 90, np.uint8)).mask.shape == shape


def test_drawn_photographs_are_reproducible_and_every_tone_has_its_lesion() -> None:
    for number in range(len(TONES)):
        one, again = (draw_skin_case(np.random.default_rng(number), number) for _ in range(2))
        np.testing.assert_array_equal(one.colours[0], again.colours[0])
        np.testing.assert_array_equal(one.truth, again.truth)
        assert 0.01 < one.truth.mean() < 0.4
        inside = one.truth[0] > 0
        assert one.image.voxels[0][inside].mean() < one.image.voxels[0][~inside].mean() + 20
        assert f"tone {TONES[number][0]}," in one.name
