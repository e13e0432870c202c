from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from inference.classical.region_growing import NothingGrownError, grow_region
from studies.dicom.folder import read_folder
from studies.dicom.found_volume import read_found_volume
from tests.inference.volumes import ball, measure_dice

SHAPE, SPACING = (40, 80, 80), (2.0, 1.0, 1.0)
CENTRE = (20.0, 40.0, 36.0)


def grow(voxels: npt.NDArray, seed: tuple[int, int, int], *, tolerance: float = 1.0, largest_ml: float = 150.0):
    return grow_region(voxels, seed, spacing_mm=SPACING, tolerance=tolerance, largest_ml=largest_ml)


def make_image(structure: npt.NDArray, inside: float, outside: float, noise: float = 20.0) -> npt.NDArray[np.int16]:
    blurred = ndimage.gaussian_filter(np.where(structure, inside, outside).astype(float), (0.4, 0.8, 0.8))
    return (blurred + np.random.default_rng(8).normal(0, noise, structure.shape)).astype(np.int16)


@pytest.mark.parametrize(("inside", "outside"), [(800, 500), (300, 600)], ids=["brighter", "darker"])
@pytest.mark.parametrize("seed", [(20, 40, 36), (16, 44, 40), (22, 34, 30)])
def test_a_ball_is_grown_from_any_click_inside(inside: float, outside: float, seed: tuple[int, int, int]) -> None:
    truth = ball(SHAPE, CENTRE, 14.0, SPACING)
    grown = grow(make_image(truth, inside, outside), seed)
    assert measure_dice(grown, truth) > 0.95
    volume_ml = grown.sum() * 2.0 / 1000
    assert volume_ml == pytest.approx(4 / 3 * np.pi * 1.4**3, rel=0.08)


def test_a_dark_core_is_enclosed() -> None:
    truth = ball(SHAPE, CENTRE, 16.0, SPACING)
    image = make_image(truth & ~ball(SHAPE, CENTRE, 5.0, SPACING), 800, 500)
    assert measure_dice(grow(image, (20, 40, 46)), truth) > 0.95


def test_a_thin_bridge_to_a_neighbour_is_cut() -> None:
    truth = ball(SHAPE, CENTRE, 12.0, SPACING)
    neighbour = ball(SHAPE, (20.0, 40.0, 68.0), 10.0, SPACING)
    bridge = np.zeros(SHAPE, bool)
    bridge[20, 40, 46:60] = True
    image = np.where(truth | neighbour | bridge, 800, 500) + np.random.default_rng(1).normal(0, 5, SHAPE)
    grown = grow(image.astype(np.float32), (20, 40, 36))
    assert not (grown & neighbour).any()
    assert measure_dice(grown, truth) > 0.85


def test_a_structure_beyond_the_first_region_is_grown_whole() -> None:
    shape = (20, 40, 260)
    truth = np.zeros(shape, bool)
    truth[6:14, 12:28, 20:240] = True  # 220 mm long: the first look reaches 48 mm
    grown = grow_region(make_image(truth, 800, 500), (10, 20, 60), spacing_mm=SPACING, tolerance=1.0, largest_ml=500.0)
    assert measure_dice(grown, truth) > 0.9


def test_the_largest_volume_is_kept() -> None:
    truth = ball(SHAPE, CENTRE, 14.0, SPACING)
    image = make_image(truth, 800, 500)
    try:
        grown = grow(image, (20, 40, 36), largest_ml=2.0)
    except NothingGrownError:
        return
    assert grown.sum() * 2.0 / 1000 <= 2.0


def test_more_tolerance_never_gives_less() -> None:
    image = make_image(ball(SHAPE, CENTRE, 14.0, SPACING), 800, 500, noise=40.0)
    volumes = [int(grow(image, (20, 40, 36), tolerance=t).sum()) for t in (0.4, 0.7, 1.0, 1.2)]
    assert volumes == sorted(volumes)
    assert volumes[0] < volumes[-1]


def test_one_region_without_holes_that_holds_the_click() -> None:
    grown = grow(make_image(ball(SHAPE, CENTRE, 14.0, SPACING), 800, 500, noise=60.0), (20, 40, 36))
    assert ndimage.label(grown)[1] == 1
    np.testing.assert_array_equal(ndimage.binary_fill_holes(grown), grown)
    assert grown[20, 40, 36]


def test_a_uniform_image_is_refused_in_words() -> None:
    with pytest.raises(NothingGrownError, match="no edge"):
        grow(np.full(SHAPE, 5, np.int16), (1, 1, 1))


@pytest.mark.parametrize("shape", [(1, 40, 40), (3, 3, 3), (1, 1, 2), (5, 1, 60)])
def test_small_and_flat_volumes_do_not_fail_strangely(shape: tuple[int, int, int]) -> None:
    voxels = np.random.default_rng(0).normal(100, 30, shape).astype(np.float32)
    try:
        grown = grow(voxels, (0, 0, 0))
    except NothingGrownError:
        return
    assert grown.shape == shape


@pytest.mark.real_data
def test_one_click_grows_a_real_tumour_wherever_it_falls(shared_data: Path) -> None:
    """Vestibular schwannoma in files 1-026 to 1-038, which are slices 15 to 27."""
    volume = read_found_volume(read_folder(shared_data / "mr_vs_seg_001" / "dicom").series[0])
    grown = [
        grow_region(volume.voxels, seed, spacing_mm=volume.geometry.spacing_mm, tolerance=1.0, largest_ml=150.0)
        for seed in ((21, 285, 325), (19, 280, 310), (25, 285, 312), (17, 285, 318), (22, 300, 312))
    ]
    for region in grown:
        slices = np.flatnonzero(region.any(axis=(1, 2)))
        assert (slices[0], slices[-1]) == (15, 27)
        assert 2.8 < region.sum() * volume.geometry.voxel_volume_ml < 3.8
        assert measure_dice(region, grown[0]) > 0.95
    began = time.process_time()
    grow_region(volume.voxels, (21, 285, 325), spacing_mm=volume.geometry.spacing_mm, tolerance=1.0, largest_ml=150.0)
    print(f"one click: {time.process_time() - began:.3f} CPU s")  # noqa: T201 a figure to read, not a condition
