"""What the bench of skull stripping says of masks, on shapes known from geometry."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from segweb.benches.skull_strip import HEADS, compare_masks, describe_mask, run, strip_by_threshold
from studies.imaging.geometry import VolumeGeometry
from tests.inference.volumes import AXIAL, ball, make_volume

SHAPE = (60, 80, 80)
GEOMETRY = VolumeGeometry(SHAPE, (2.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL)


def make_cube(first_row: int, last_slice: int = 50) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[10:last_slice, first_row : first_row + 40, 20:60] = True
    return mask


def test_a_mask_is_described() -> None:
    described = describe_mask(make_cube(20), GEOMETRY)
    assert described["volume_ml"] == pytest.approx(40 * 40 * 40 * 2.0 / 1000)
    assert (described["is_whole"], described["is_plausible"], described["parts"]) == (True, False, 1)
    cut = describe_mask(make_cube(20, last_slice=60), GEOMETRY)
    assert (cut["is_whole"], cut["is_plausible"]) == (False, None)


def test_a_moved_cube_is_compared_by_overlap_and_place() -> None:
    compared = compare_masks(make_cube(20), make_cube(30), GEOMETRY)
    assert compared["dice"] == pytest.approx(30 / 40)
    assert compared["surface_distance_95_mm"] == pytest.approx(10.0)
    slab_ml = 40 * 10 * 40 * 2.0 / 1000
    for side in ("threshold_beyond_mindgrab_ml", "threshold_misses_of_mindgrab_ml"):
        assert sum(compared[side].values()) == pytest.approx(slab_ml)
    assert compare_masks(make_cube(20), make_cube(20), GEOMETRY)["mean_surface_distance_mm"] == 0.0


def test_a_plain_threshold_finds_the_brain_within_the_skull() -> None:
    centre = (30.0, 40.0, 40.0)
    brain, skull, head = (ball(SHAPE, centre, radius) for radius in (20.0, 24.0, 28.0))
    voxels = np.where(brain, 100.0, np.where(skull, 5.0, np.where(head, 110.0, 0.0)))
    voxels += np.random.default_rng(1).normal(0.0, 2.0, SHAPE)
    found = strip_by_threshold(make_volume(voxels.astype(np.float32)))
    assert 2.0 * (found & brain).sum() / (found.sum() + brain.sum()) > 0.95


def test_without_the_model_the_bench_says_so(tmp_path: Path) -> None:
    options = argparse.Namespace(model=tmp_path / "none", heads=sorted(HEADS), keep=None)
    assert "none" in str(run(options)["skipped"])
