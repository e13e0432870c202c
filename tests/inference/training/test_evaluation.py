"""What a card claims is what was measured."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.model_card import render_card
from inference.pipeline.weights import encode_weights
from inference.training.card import write_card
from inference.training.evaluation import CaseResult, evaluate_synthetic, measure_dice, summarise
from inference.training.loop import train
from tests.inference.training.test_loop import ignore, make_recipe


def test_dice_of_known_overlaps() -> None:
    a, b = np.zeros(10, bool), np.zeros(10, bool)
    assert measure_dice(a, b) is None
    a[:4], b[2:8] = True, True
    assert measure_dice(a, b) == pytest.approx(2 * 2 / (4 + 6))
    assert measure_dice(a, ~a) == 0.0


def test_a_network_is_measured_beside_simple_methods(tmp_path: Path) -> None:
    recipe = make_recipe(60)
    weights = encode_weights(train(recipe, tmp_path / "checkpoint", ignore).network)
    (tmp_path / "balls.pt").write_bytes(weights)
    digest = hashlib.sha256(weights).hexdigest()
    spec = replace(
        recipe.spec, network=replace(recipe.network, weights=(replace(recipe.network.weights[0], sha256=digest),))
    )
    seen: list[CaseResult] = []
    results = evaluate_synthetic(recipe, spec, tmp_path, 6, seen.append)
    assert results == seen
    outlined = [result for result in results if result.dice is not None]
    assert outlined
    for result in outlined:
        # a ball of 4 mm, cut by the grid: within a voxel's layer of 4/3 pi r^3
        assert result.truth_ml == pytest.approx(4 / 3 * np.pi * 0.4**3, rel=0.2)
        assert result.threshold_dice is not None
        assert result.threshold_dice > 0.9  # 900 against 400: a threshold is enough
    card = write_card(recipe, results, [replace(outlined[0], name="a patient")], cpu_s=120)
    assert f"{recipe.steps} steps" in card
    assert "2 CPU minutes" in card
    assert summarise([result.dice for result in outlined]) in card
    assert "a patient" in card
    assert "Research use only" in render_card(replace(spec, card=card))


def test_nothing_to_find_is_said_as_such() -> None:
    nothing = CaseResult("healthy", 0.0, 2.5, None, None, None)
    card = write_card(make_recipe(), [nothing], [nothing], cpu_s=1)
    assert "whatever is marked is wrong" in card
    assert "In 1 cases without a lesion it marked 2.5 mL" in card
