"""Probabilities brought to what is observed: known temperatures are found, and the whole way leaves its record."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.calibration import Calibration, VolumeMargin
from inference.model_spec import ModelSpec
from inference.network_spec import WeightsFile
from inference.pipeline.answers import gather_answers
from inference.pipeline.job_maps import MapKind, gather_maps
from inference.pipeline.manifest import read_manifest, write_manifest
from inference.pipeline.segment import segment
from inference.pipeline.weights import encode_weights
from inference.training.calibrate import (
    Observed,
    calibrate_shipped,
    find_judged_box,
    fit_temperature,
    observe_cases,
)
from inference.training.loop import train
from inference.training.measuring import measure_outlined
from inference.training.outlined import LoadedSet, Part
from tests.inference.training.test_outlined import write_set
from tests.inference.training.test_windows import load, make_case, make_recipe


def observe(temperature: float, voxels: int, seed: int) -> Observed:
    """Draw answers whose scores are too large by a factor: truths follow the softmax of the smaller ones."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(0.0, 2.0, (3, voxels))
    shares = np.exp(honest) / np.exp(honest).sum(0)
    truth = (rng.random(voxels) > shares.cumsum(0)).sum(0).astype(np.uint8)
    return Observed("", (honest * temperature).astype(np.float32), truth, {}, {}, 1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_factor_by_which_scores_are_too_large_is_found(temperature: float) -> None:
    observed = [observe(temperature, 4000, seed) for seed in range(5)]
    assert fit_temperature(observed) == pytest.approx(temperature, rel=0.05)


def test_a_case_without_a_voxel_to_judge_changes_nothing() -> None:
    observed = [observe(2.0, 3000, 1)]
    empty = Observed("", np.zeros((3, 0), np.float32), np.zeros(0, np.uint8), {}, {}, 1)
    assert fit_temperature([*observed, empty]) == pytest.approx(fit_temperature(observed), rel=1e-3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelSpec, Path, LoadedSet]:
    """A network that learnt a bright disc, with its weights, manifest and figures."""
    folder = tmp_path_factory.mktemp("trained")
    write_set(folder, [f"{number:02d}" for number in range(20)])
    loaded, recipe = load(folder), make_recipe(steps=60)
    data = encode_weights(train(recipe, folder / "checkpoint", lambda step: None, loaded=loaded).network)
    (folder / "frames.pt").write_bytes(data)
    network = replace(recipe.network, weights=(WeightsFile("frames.pt", hashlib.sha256(data).hexdigest()),))
    spec = replace(recipe.spec, network=network)
    write_manifest(folder / "frames.json", spec, provenance={"seed": 3})
    measure_outlined(recipe, spec, folder, loaded, lambda score: None, cpu_s=61.0)
    return spec, folder, loaded


def test_a_calibrated_network_keeps_its_labels_and_changes_its_doubt(
    trained: tuple[ModelSpec, Path, LoadedSet],
) -> None:
    spec, folder, loaded = trained
    image = loaded.cases[Part.VALIDATE][0].image
    found = {}
    for temperature in (0.2, 5.0):
        calibrated = replace(spec, folder=folder, calibration=Calibration(temperature, 9, is_of_single_images=True))
        with gather_maps() as maps, gather_answers() as answers:
            labels = segment(image, calibrated, lambda _: None, parameters={}).voxels
        found[temperature] = (labels, maps[MapKind.UNCERTAINTY].voxels.astype(float), answers[0])
    np.testing.assert_array_equal(found[0.2][0], found[5.0][0])
    assert found[5.0][1].mean() > found[0.2][1].mean() + 5
    np.testing.assert_allclose(found[0.2][2], found[5.0][2], atol=0.01)
    np.testing.assert_array_equal(found[0.2][2].argmax(0), found[0.2][0])


def test_voxels_nobody_is_sure_about_are_not_judged(trained: tuple[ModelSpec, Path, LoadedSet]) -> None:
    spec, folder, _ = trained
    case = make_case("a")
    (all_of_it,) = observe_cases([case], replace(spec, folder=folder), (), lambda: None)
    (without,) = observe_cases([case], replace(spec, folder=folder), (1,), lambda: None)
    assert (all_of_it.truth == 1).sum() == all_of_it.outlined[1] == (case.truth == 1).sum()
    assert not (without.truth == 1).any()
    assert all_of_it.logits.shape == (2, len(all_of_it.truth))
    assert len(without.truth) == len(all_of_it.truth) - all_of_it.outlined[1]


def test_only_what_lies_about_an_outline_or_a_finding_is_judged() -> None:
    marked = np.zeros((1, 50, 60), bool)
    marked[0, 10:30, 0:20] = True
    assert find_judged_box(marked) == (slice(0, 1), slice(8, 32), slice(0, 22))
    assert find_judged_box(np.zeros((1, 5, 6), bool)) == (slice(0, 1), slice(0, 5), slice(0, 6))


def test_what_was_found_is_written_where_it_will_be_read(trained: tuple[ModelSpec, Path, LoadedSet]) -> None:
    spec, folder, loaded = trained
    judged = calibrate_shipped(make_recipe(steps=60), spec, folder, loaded, lambda: None)
    calibration = read_manifest(folder / "frames.json").calibration
    assert calibration is not None
    assert calibration.temperature == judged["temperature"]
    assert (calibration.cases, judged["judged_on"]) == (len(loaded.cases[Part.TUNE]), len(loaded.cases[Part.VALIDATE]))
    assert judged["after"]["error"] <= judged["before"]["error"] + 0.02
    assert judged["intervals"][0]["judged_on"] == 0  # there are far too few cases here
    assert json.loads((folder / "frames" / "evaluation.json").read_text())["calibration"] == judged
    assert json.loads((folder / "frames.json").read_text())["provenance"] == {"seed": 3}
    assert "too few people, at least 19 are needed" in (folder / "frames.md").read_text()


def test_a_manifest_gives_a_calibration_back(trained: tuple[ModelSpec, Path, LoadedSet], tmp_path: Path) -> None:
    margins = {1: VolumeMargin(-0.25, 0.5, 40, 32)}
    spec = replace(trained[0], calibration=Calibration(1.75, 47, is_of_single_images=False, margins=margins))
    write_manifest(tmp_path / "frames.json", spec, provenance={})
    assert read_manifest(tmp_path / "frames.json").calibration == spec.calibration
