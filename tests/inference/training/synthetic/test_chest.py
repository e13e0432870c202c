"""Synthetic chests: lesions take their courses, CT numbers are those of tissue, the film shows the same chest."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from inference.training.synthetic.chest_ct import LESION_COURSE, ChestExamination, generate_chest_ct
from inference.training.synthetic.chest_xray import MAXIMUM, generate_chest_xray
from inference.training.synthetic.truth import measure_truth

GRID = {"shape": (40, 96, 96), "spacing_mm": (7.0, 4.0, 4.0)}


@pytest.fixture(scope="module")
def course() -> list[ChestExamination]:
    return [generate_chest_ct(11, timepoint, **GRID) for timepoint in range(4)]


def test_the_same_seed_gives_the_same_bytes(course: list[ChestExamination]) -> None:
    again = generate_chest_ct(11, 2, **GRID)
    assert again.volume.voxels.tobytes() == course[2].volume.voxels.tobytes()
    assert again.truth.digest == course[2].truth.digest


def test_lesions_grow_shrink_vanish_and_appear(course: list[ChestExamination]) -> None:
    growing, shrinking, vanishing, new, _ = zip(
        *([row.volume_ml for row in measure_truth(date.truth)] for date in course), strict=True
    )
    assert list(growing) == sorted(growing)
    assert growing[0] < 0.3 * growing[3]
    assert list(shrinking) == sorted(shrinking, reverse=True)
    assert shrinking[3] < 0.2 * shrinking[0]
    assert vanishing[0] > vanishing[1] > 0
    assert vanishing[2:] == (0, 0)
    assert new[:2] == (0, 0)
    assert 0 < new[2] < new[3]


def test_each_lesion_has_about_the_volume_of_its_ball(course: list[ChestExamination]) -> None:
    for timepoint, date in enumerate(course):
        for lesion, row in zip(LESION_COURSE, measure_truth(date.truth), strict=True):
            diameter = lesion.diameters_mm[timepoint]
            if diameter > 20.0:  # on this coarse grid smaller ones have a handful of voxels
                ball_ml = np.pi / 6.0 * diameter**3 / 1000.0
                assert row.volume_ml == pytest.approx(ball_ml, rel=0.35)


def test_ct_numbers_are_those_of_tissue(course: list[ChestExamination]) -> None:
    voxels, labels = course[0].volume.voxels, course[0].truth.voxels
    assert voxels.dtype == np.int16
    assert np.median(voxels[:, :6, :6]) == pytest.approx(-1000, abs=15)
    lung = voxels[(voxels > -950) & (voxels < -700)]
    assert lung.size > 0.08 * voxels.size
    assert np.median(lung) == pytest.approx(-855, abs=30)
    assert (voxels > 400).mean() > 0.005  # bone
    mass = ndimage.binary_erosion(labels == 2)
    assert 20 < np.median(voxels[mass]) < 70  # 44 HU, away from its edge
    assert ((voxels > -130) & (voxels < -80)).mean() > 0.04  # fat


def test_the_film_is_reproducible_and_lungs_are_darker_than_heart_and_spine() -> None:
    film = generate_chest_xray(11, pixel_mm=3.0, enlarged=1)
    assert film.pixels.tobytes() == generate_chest_xray(11, pixel_mm=3.0, enlarged=1).pixels.tobytes()
    rows, columns = film.pixels.shape
    middle = film.pixels[rows // 2, columns // 2 - 5 : columns // 2 + 5].mean()
    lung = film.pixels[rows // 2, columns // 4 - 5 : columns // 4 + 5].mean()
    assert lung < 0.7 * middle
    assert film.pixels.max() <= MAXIMUM
    assert not film.pixels[0].any()  # the collimator's edge
