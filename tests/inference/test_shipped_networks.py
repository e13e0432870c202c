"""What ships is what was measured: every case is there, figures follow from them, real cases give them again."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.evaluation.run import evaluate_case, match_segments
from inference.evidence import CASES_FILE, Evidence, read_evidence, tell_evidence
from inference.model_spec import ModelSpec
from inference.pipeline.manifest import WEIGHTS_FOLDER
from inference.registry import list_built_in
from inference.training.catalogue import RECIPES
from inference.training.outlined import Part, load_set

MOST_BYTES = 5_000_000
SHIPPED = [spec for spec in list_built_in() if spec.network is not None and read_evidence(spec) is not None]
NAMES = [spec.name for spec in SHIPPED]


def evidence_of(spec: ModelSpec) -> Evidence:
    evidence = read_evidence(spec)
    assert evidence is not None
    return evidence


def read_cases(spec: ModelSpec) -> list[dict[str, str]]:
    with (WEIGHTS_FOLDER / spec.name / CASES_FILE).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def find_least_gain(lines: list[dict[str, str]]) -> float:
    """Return the lower end of the 95 % bootstrap interval of what a network gains on its baseline, case by case."""
    gains = np.array([float(each["dice"]) - float(each["baseline_dice"]) for each in lines if each["dice"]])
    drawn = np.random.default_rng(1).choice(gains, (2000, len(gains)))
    return float(np.quantile(drawn.mean(axis=1), 0.025))


def test_networks_that_learnt_from_outlines_ship_with_their_evidence() -> None:
    learnt = {name for name, recipe in RECIPES.items() if recipe.learns_from is not None}
    here = {spec.name for spec in list_built_in() if spec.network is not None}
    assert learnt & here == set(NAMES)
    assert NAMES


@pytest.mark.parametrize("spec", SHIPPED, ids=NAMES)
def test_weights_are_small_whole_and_licensed(spec: ModelSpec) -> None:
    assert spec.network is not None
    (file,) = spec.network.weights
    data = (WEIGHTS_FOLDER / file.path).read_bytes()
    assert len(data) <= MOST_BYTES
    assert hashlib.sha256(data).hexdigest() == file.sha256
    outlined = RECIPES[spec.name].learns_from
    assert outlined is not None
    assert outlined.licence in spec.licence
    assert outlined.citation in spec.card


@pytest.mark.parametrize("spec", SHIPPED, ids=NAMES)
def test_figures_follow_from_the_table_of_cases_and_beat_the_baseline(spec: ModelSpec) -> None:
    evidence, cases = evidence_of(spec), read_cases(spec)
    assert len({case["case"] for case in cases}) == evidence.content["training"]["cases"]["validate"]
    for summary in evidence.content["summaries"]:
        lines = [case for case in cases if case["segment"] == summary["segment_label"]]
        dice = [float(case["dice"]) for case in lines if case["dice"]]
        simple = [float(case["baseline_dice"]) for case in lines if case["baseline_dice"]]
        assert summary["model"]["dice"]["mean"] == pytest.approx(np.mean(dice), abs=1e-4)
        assert summary["baseline"]["dice"]["mean"] == pytest.approx(np.mean(simple), abs=1e-4)
        assert summary["below_half"] == sum(value < 0.5 for value in dice)
        assert find_least_gain(lines) > 0, "it would not ship"
        assert f"{np.mean(dice):.3f}" in tell_evidence(evidence)
        assert f"{np.mean(dice):.3f}" in spec.card


@pytest.mark.parametrize("spec", SHIPPED, ids=NAMES)
def test_the_worst_cases_are_shown(spec: ModelSpec) -> None:
    evidence, cases = evidence_of(spec), read_cases(spec)
    lowest = min((case for case in cases if case["dice"]), key=lambda case: float(case["dice"]))
    assert evidence.content["worst"][0]["case"] == lowest["case"]
    for number in range(1, 4):
        picture = evidence.find_picture(number)
        assert picture is not None
        assert min(Image.open(picture).size) > 20
    assert evidence.find_picture(4) is None
    assert evidence.find_picture(0) is None


@pytest.mark.parametrize("spec", SHIPPED, ids=NAMES)
def test_real_cases_give_the_figures_again(spec: ModelSpec, shared_data: Path) -> None:
    recipe = RECIPES[spec.name]
    assert recipe.learns_from is not None
    folder = shared_data / "training"
    if not (folder / recipe.learns_from.file).is_file():
        pytest.skip(f"{recipe.learns_from.file} is not here")
    stated = {(case["case"], int(case["segment_number"])): case["dice"] for case in read_cases(spec)}
    for case in load_set(recipe.learns_from, folder).cases[Part.VALIDATE][:2]:
        for score in evaluate_case(case, spec, match_segments(spec, case.truth), parameters={}, baseline=None).scores:
            dice = stated[case.name, score.segment_number]  # empty where it is not outlined
            assert score.agreement.dice == (pytest.approx(float(dice), abs=0.005) if dice else None)
