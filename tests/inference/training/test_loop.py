"""Training on small balls: quick, but the real loop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inference.network_spec import WeightsFile
from inference.pipeline.weights import encode_weights
from inference.training import loop
from inference.training.catalogue import RECIPES
from inference.training.loop import TrainingStep, measure_loss, train
from inference.training.recipes import Recipe, draw_case
from inference.training.windows import UNSURE, open_steps, spawn_generator
from studies.imaging.volume import Volume
from tests.inference.volumes import ball, make_volume

SHAPE = (20, 24, 24)


def make_ball_case(rng: np.random.Generator) -> tuple[Volume, np.ndarray]:
    """A bright ball in a grey head; every third case has none."""
    head = ball(SHAPE, (10, 12, 12), 9)
    lesion = ball(SHAPE, tuple(rng.uniform(8, 14, 3)), 4) & (rng.random() < 0.67)
    voxels = np.where(lesion, 900, np.where(head, 400, 0)) + rng.normal(0, 20, SHAPE)
    return make_volume(voxels.astype(np.float32)), lesion.astype(np.uint8)


def make_recipe(steps: int = 6, seed: int = 5) -> Recipe:
    recipe = RECIPES["enhancing_lesion"]
    network = replace(
        recipe.network,
        arguments={"channels": (4, 8)},
        window=(8, 16, 16),
        spacing_mm=None,
        weights=(WeightsFile("balls.pt", ""),),
    )
    spec = replace(recipe.spec, name="balls", network=network)
    return replace(recipe, spec=spec, make_case=make_ball_case, seed=seed, steps=steps, windows_per_step=3)


def ignore(step: TrainingStep) -> None:
    pass


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    first = encode_weights(train(make_recipe(), tmp_path / "a", ignore).network)
    again = encode_weights(train(make_recipe(), tmp_path / "b", ignore).network)
    other = encode_weights(train(make_recipe(seed=6), tmp_path / "c", ignore).network)
    assert first == again
    assert first != other


def test_an_interrupted_run_ends_in_the_same_weights(tmp_path: Path) -> None:
    whole = encode_weights(train(make_recipe(25), tmp_path / "whole", ignore).network)

    class PowerCutError(Exception):
        pass

    def cut(step: TrainingStep) -> None:
        if step.number == 23:  # three steps after the checkpoint
            raise PowerCutError

    with pytest.raises(PowerCutError):
        train(make_recipe(25), tmp_path / "parts", cut)
    seen: list[int] = []
    resumed = train(make_recipe(25), tmp_path / "parts", lambda step: seen.append(step.number))
    assert seen == [21, 22, 23, 24, 25]
    assert encode_weights(resumed.network) == whole


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    train(make_recipe(), tmp_path / "a", ignore)
    with pytest.raises(ValueError, match="another recipe"):
        train(make_recipe(seed=9), tmp_path / "a", ignore)
    with pytest.raises(ValueError, match="another recipe"):
        train(make_recipe(steps=3), tmp_path / "a", ignore)


class _NoNumberInHalf(torch.nn.Module):
    """A network that gives no number in half precision, and spoils its running statistics on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Conv3d(1, 2, 1), torch.nn.BatchNorm3d(2))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        factor = float("nan") if torch.is_autocast_enabled("cpu") else 1.0
        scores: torch.Tensor = self.layers(image * factor)
        return scores


def test_a_step_without_a_number_in_half_precision_is_taken_in_single(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(*_: object) -> torch.nn.Module:
        torch.manual_seed(1)
        return _NoNumberInHalf()

    monkeypatch.setattr(loop, "build_spec_network", build)
    trained = {}
    for in_half in (True, False):
        monkeypatch.setattr(loop, "trains_in_half", lambda in_half=in_half: in_half)
        trained[in_half] = train(make_recipe(3), tmp_path / str(in_half), ignore).network.state_dict()
    for name, value in trained[False].items():
        assert torch.isfinite(trained[True][name]).all()
        torch.testing.assert_close(trained[True][name], value)


def test_a_step_without_a_number_at_all_ends_the_run_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "measure_loss", lambda scores, truth: (scores.sum() * float("inf"), scores.mean()))
    with pytest.raises(ValueError, match="Step 1 gave no number"):
        train(make_recipe(3), tmp_path / "a", ignore)


def test_training_learns(tmp_path: Path) -> None:
    steps: list[TrainingStep] = []
    train(make_recipe(240), tmp_path / "a", steps.append)
    assert [step.number for step in steps] == list(range(1, 241))
    overlap = [step.dice for step in steps]
    assert np.mean(overlap[-20:]) > 0.5
    assert np.mean(overlap[-20:]) > np.mean(overlap[:5]) + 0.3


def test_steps_depend_on_their_number_alone() -> None:
    steps = open_steps(make_recipe(), None)
    images, truths = steps.draw(7)
    steps.draw(90)
    again, truths_again = steps.draw(7)
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(truths, truths_again)
    assert images[:, 0].shape == truths.shape == (3, 8, 16, 16)
    assert not np.array_equal(images, steps.draw(8)[0])


def test_branches_of_a_seed_never_meet() -> None:
    draws = [spawn_generator(1, branch, index).random() for branch in range(4) for index in range(50)]
    assert len(set(draws)) == len(draws)


def test_loss_is_small_for_the_truth_and_large_for_its_opposite() -> None:
    truth = torch.from_numpy(ball((8, 16, 16), (4, 8, 8), 4).astype(np.int64))[None]
    right = 20.0 * torch.nn.functional.one_hot(truth, 2).movedim(-1, 1).float()
    loss, dice = measure_loss(right, truth)
    assert float(loss) < 0.01
    assert float(dice) > 0.99
    assert float(measure_loss(20.0 - right, truth)[0]) > 10


def test_nothing_is_learnt_where_nobody_is_sure() -> None:
    truth = torch.from_numpy(ball((8, 16, 16), (4, 8, 8), 4).astype(np.int64))[None]
    right = 20.0 * torch.nn.functional.one_hot(truth, 2).movedim(-1, 1).float()
    wrong = right.clone()
    wrong[..., :8] = 20.0 - right[..., :8]
    truth[..., :8] = UNSURE
    for scores in (right, wrong):
        assert float(measure_loss(scores, truth)[0]) < 0.01


def test_every_recipe_that_draws_makes_cases_of_its_segments() -> None:
    for recipe in (recipe for recipe in RECIPES.values() if recipe.make_case is not None):
        volume, truth = draw_case(recipe, spawn_generator(recipe.seed, 9, 0))
        assert truth.shape == volume.voxels.shape
        assert volume.geometry.spacing_mm == recipe.network.spacing_mm
        assert set(np.unique(truth)) <= {0, *(s.segment_number for s in recipe.spec.segments)}
        assert all(n >= w for n, w in zip(sorted(truth.shape), sorted(recipe.network.window), strict=True))
