"""The benches on registration and real pairs: their truths are geometry."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from segweb.benches import real_pairs, registration
from segweb.benches.real_pairs import Flag
from segweb.benches.registration import Outcome
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


def test_the_way_is_found_and_what_cannot_be_is_said() -> None:
    random = np.random.default_rng(7)
    found = registration._register(registration.draw_phantom(random, 0), registration._ours)
    assert found.is_trusted
    assert found.error_mm is not None
    assert found.error_mm < 2.5
    lost = [registration._register(case, registration._ours) for case in registration.draw_hopeless(random)]
    assert registration._said([found, *lost]) == "3 of 3"


def test_figures_of_outcomes() -> None:
    outcomes = [Outcome(1.0, 2.0, 3.0, True), Outcome(6.0, 9.0, 5.0, True), Outcome(2.0, 3.0, 4.0, False)]
    assert registration._figures(outcomes) == {
        "median_error_mm": 2.0,
        "worst_median_mm": 6.0,
        "largest_error_mm": 9.0,
        "median_seconds": 4.0,
        "failures": "1 of 3",
        "false_alarms": 1,
    }
    assert registration._said(outcomes) == "0 of 1"


def test_without_data_the_real_pairs_say_so(tmp_path: Path) -> None:
    figures = real_pairs.run(argparse.Namespace(data=tmp_path, growth=1.25))
    assert all("not at hand" in said for said in figures.values())
    assert registration.read_pair(tmp_path) is None


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


@pytest.mark.real_data
def test_a_real_tumour_keeps_its_identity_and_its_growth_lies_within_the_interval(shared_data: Path) -> None:
    figures = real_pairs.report_tumour(shared_data / real_pairs.TUMOUR, 1.25)
    assert figures["identity_kept"]
    assert not figures["must_ask"]
    assert figures["registration_is_trusted"]
    assert figures["registration_error_at_the_tumour_mm"] < 1.0
    assert figures["diameter"]["truth_within_interval"]
    assert figures["diameter"]["interval_percent"][0] > 0  # grown beyond error


@pytest.mark.real_data
def test_most_of_what_changed_in_a_real_pair_is_found(shared_data: Path) -> None:
    pair = registration.read_pair(shared_data)
    assert pair is not None
    figures = real_pairs.report_change(pair, shared_data / registration.PAIR)
    assert figures["registration"]["is_trusted"]
    assert figures["registration"]["median_distance_from_the_authors_mm"] < 1.0
    found_ml, all_ml = (float(part) for part in figures["by_difference"]["found_ml"].split(" of "))
    assert found_ml > 0.75 * all_ml
