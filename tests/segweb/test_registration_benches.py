"""The benches on registration and real pairs: their truths are geometry."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from segweb.benches import real_pairs, registration
from segweb.benches.real_pairs import Flag
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume

AXIAL = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)


def test_a_phantom_shows_the_same_head_at_the_true_place() -> None:
    """The bright ball at (30, -72, -10) is where the way says, in both images."""
    case = registration.draw_phantom(np.random.default_rng(0), 3)
    assert case.true is not None
    for volume, place in ((case.prior, [30, -72, -10, 1]), (case.current, case.true @ [30, -72, -10, 1])):
        index = np.rint(np.linalg.inv(volume.geometry.index_to_patient_mm) @ place)[:3].astype(int)
        assert volume.voxels[tuple(index)] > 850
    inside = np.linalg.norm(case.targets_mm / registration.BRAIN_MM, axis=1)
    assert len(case.targets_mm) == 400
    assert inside.max() <= 1.0


def test_a_small_run_finds_the_way_and_says_what_it_cannot(tmp_path: Path) -> None:
    figures = registration.run(argparse.Namespace(phantoms=1, seed=7, data=tmp_path))
    assert figures["segweb"]["phantoms"]["failures"] == "0 of 1"
    assert figures["segweb"]["phantoms"]["median_error_mm"] < 2.0
    assert figures["segweb"]["nothing_to_find"] == "3 of 3 said"
    assert figures["segweb"]["real_pair"] is None
    assert "not at hand" in figures["note"]


def test_without_data_the_real_pairs_say_so(tmp_path: Path) -> None:
    figures = real_pairs.run(argparse.Namespace(data=tmp_path, growth=1.25))
    assert all("not at hand" in said for said in figures.values())


@pytest.mark.parametrize("growth", [1.0, 1.25])
def test_the_second_date_grows_by_the_known_factor_and_moves_by_the_known_way(growth: float) -> None:
    geometry = VolumeGeometry((50, 80, 80), (1.5, 1.0, 1.0), (-40.0, -40.0, -37.5), AXIAL)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij"), axis=-1)
    places = index @ geometry.index_to_patient_mm[:3, :3].T + geometry.origin_mm
    ball = np.linalg.norm(places - (2.0, -3.0, 1.0), axis=-1) <= 10.0
    prior = Volume((1000.0 * ball).astype(np.float32), geometry, "MR")
    way = real_pairs._known_way()
    current = real_pairs._second_date(prior, np.array([2.0, -3.0, 1.0]), growth, way)
    found = np.asarray(current.voxels) > 500.0
    volume_ml = float(found.sum()) * current.geometry.voxel_volume_ml
    assert volume_ml == pytest.approx(4 / 3 * np.pi * (growth * 10.0) ** 3 / 1000, rel=0.05)
    matrix = current.geometry.index_to_patient_mm
    middle = matrix[:3, :3] @ np.argwhere(found).mean(axis=0) + matrix[:3, 3]
    np.testing.assert_allclose(middle, (way @ [2.0, -3.0, 1.0, 1.0])[:3], atol=0.3)


def test_found_missed_and_falsely_flagged() -> None:
    def at(x: float) -> np.ndarray:
        return np.array([[x, 0.0, 0.0], [x + 1, 0.0, 0.0]])

    flags = [
        Flag("new", at(0), must_ask=True),
        Flag("new", at(50), must_ask=False),
        Flag("darker", at(80), must_ask=True),
    ]
    found = real_pairs._compare(flags, [(at(2.5), 0.5), (at(20), 0.25)])
    assert (found["found"], found["found_ml"], found["missed_ml"]) == ("1 of 2", "0.50 of 0.75", [0.25])
    assert (found["falsely_flagged"], found["falsely_flagged_without_asking"]) == (2, 1)
    assert found["falsely_flagged_kinds"] == {"new": 1, "darker": 1}
