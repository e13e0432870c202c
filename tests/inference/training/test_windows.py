"""Windows of outlined cases: each in its turn, image and truth varied alike, and a loop that learns from them."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from inference.evaluation.cases import OutlinedCase
from inference.network_spec import InputChannel, NetworkSpec, Normalisation, Scheme, WeightsFile
from inference.pipeline.turning import find_turn
from inference.pipeline.weights import encode_weights
from inference.training.augment import Augmentation, draw_window
from inference.training.card import write_outlined_card
from inference.training.catalogue import RECIPES
from inference.training.loop import TrainingStep, train
from inference.training.measuring import measure_outlined
from inference.training.outlined import LoadedSet, OutlinedSet, Part, TrainingDataMissingError, load_set
from inference.training.recipes import Recipe
from inference.training.windows import UNSURE, OutlinedSteps, prepare_case
from studies.label_maps.label_map import SegmentDescription
from tests.inference.training.test_outlined import write_set
from tests.inference.volumes import make_volume

NONE = Augmentation(
    degrees=0.0, stretch=(1.0, 1.0), skew=0.0, shift=0.0, contrast=0.0, brightness=0.0, gamma=0.0, noise=0.0, blur=0.0
)


def make_recipe(window: tuple[int, int, int] = (1, 16, 16), **changes: object) -> Recipe:
    network = NetworkSpec(
        "unet", {"channels": (4, 8)}, (WeightsFile("frames.pt", ""),), window,
        channels=(InputChannel("image", Normalisation(Scheme.Z_SCORE)),),
        flat_axis=0 if window[0] == 1 else None, longest_side=16,
    )  # fmt: skip
    base = RECIPES["enhancing_lesion"]
    spec = replace(base.spec, name="frames", network=network, segments=(SegmentDescription(1, "Bright"),))
    learns_from = OutlinedSet("frames.zip", "US", "CC0", "nobody", read_group=str)
    options = {"steps": 25, "windows_per_step": 3, "augmentation": NONE, "seed": 3} | changes
    return replace(base, spec=spec, make_case=None, learns_from=learns_from, **options)


def make_case(name: str, value: float = 0.0) -> OutlinedCase:
    rows, columns = np.mgrid[:24, :48]
    truth = ((rows - 12) ** 2 + (columns - 24) ** 2 <= 64).astype(np.uint8)[None]
    return OutlinedCase(name, make_volume((100.0 * truth + value).astype(np.float32)), (), truth, False, {})


def test_a_case_is_seen_as_the_network_will_see_it() -> None:
    image, truth = prepare_case(make_case("a"), make_recipe().network)
    assert image.shape == (1, 1, 8, 16)
    assert truth.shape == (1, 8, 16)
    assert image.mean() == pytest.approx(0.0, abs=1e-5)
    assert image.std() == pytest.approx(1.0, abs=1e-5)
    assert truth.sum() == pytest.approx(np.pi * 64 / 9, rel=0.15)
    assert image[0][truth > 0].min() > image[0][truth == 0].max() - 1.5


def test_a_case_is_turned_as_the_network_will_have_it() -> None:
    """The engine turns volumes by their header; what is learnt must lie the same way."""
    rng = np.random.default_rng(1)
    voxels = rng.normal(size=(6, 10, 14)).astype(np.float32)
    truth = (voxels > 0).astype(np.uint8)
    case = OutlinedCase("volume", make_volume(voxels), (), truth, True, {})
    network = NetworkSpec(
        "unet", {"channels": (4, 8)}, (WeightsFile("x.pt", ""),), (8, 8, 8),
        channels=(InputChannel("image", Normalisation(Scheme.NONE)),), orientation="RAS",
    )  # fmt: skip
    image, labels = prepare_case(case, network)
    turned = find_turn(case.image.geometry, "RAS").turn(voxels)
    assert turned.shape == (14, 10, 6)
    np.testing.assert_array_equal(image[0], turned)
    np.testing.assert_array_equal(labels > 0, turned > 0)


def test_each_case_comes_up_once_before_any_comes_up_again() -> None:
    recipe = make_recipe()
    recipe = replace(recipe, spec=replace(recipe.spec, network=replace(recipe.network, channels=(InputChannel("x"),))))
    cases = [replace(make_case(str(n)), truth=np.full((1, 24, 48), n, np.uint8)) for n in range(7)]
    source = OutlinedSteps(recipe, cases)
    seen = [int(truth.max()) for step in range(14) for truth in source.draw(step)[1]]
    for lap in range(6):
        assert Counter(seen[7 * lap : 7 * lap + 7]) == Counter(range(7))
    assert seen[:7] != seen[7:14]
    images, truths = source.draw(5)
    again, truths_again = OutlinedSteps(recipe, cases).draw(5)
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(truths, truths_again)
    assert (images.shape, truths.shape) == ((3, 1, 1, 16, 16), (3, 1, 16, 16))


def test_without_variation_a_window_is_the_middle_of_the_image() -> None:
    rng = np.random.default_rng(1)
    image, truth = rng.normal(size=(2, 6, 20, 22)).astype(np.float32), rng.integers(0, 3, (6, 20, 22)).astype(np.uint8)
    seen, labels = draw_window(rng, image, truth, (4, 10, 12), NONE)
    np.testing.assert_allclose(seen, image[:, 1:5, 5:15, 5:17], atol=1e-5)
    np.testing.assert_array_equal(labels, truth[1:5, 5:15, 5:17])


def test_outside_is_the_least_value_and_no_segment() -> None:
    image, truth = np.full((1, 1, 8, 8), 3.0, np.float32), np.ones((1, 8, 8), np.uint8)
    image[0, 0, 0, 0] = -2.0
    seen, labels = draw_window(np.random.default_rng(1), image, truth, (1, 16, 16), NONE)
    assert (seen[0, 0, :3] == -2.0).all()
    assert labels.sum() == 64


@pytest.mark.parametrize("window", [(1, 48, 48), (32, 48, 48)])
def test_image_and_truth_are_varied_alike_and_sizes_within_bounds(window: tuple[int, int, int]) -> None:
    """A ball stays where its bright voxels are; its size changes by what the stretch allows."""
    shape = (window[0], 60, 60) if window[0] == 1 else (40, 60, 60)
    places = np.indices(shape) - np.reshape([(n - 1) / 2 for n in shape], (3, 1, 1, 1))
    truth = ((places**2).sum(axis=0) <= 10**2).astype(np.uint8)
    image = ndimage.gaussian_filter(10.0 * truth, (0 if window[0] == 1 else 1, 1, 1))[None].astype(np.float32)
    how = Augmentation(degrees=40, stretch=(0.7, 1.4), flips=(1, 2), contrast=0.0, brightness=0.0, noise=0.0, blur=0.0)
    sizes = []
    for seed in range(12):
        seen, labels = draw_window(np.random.default_rng(seed), image, truth, window, how)
        assert np.mean((seen[0] > seen.max() / 2) == (labels > 0)) > 0.98
        sizes.append(labels.sum() / truth.sum())
    dimensions = 2 if window[0] == 1 else 3
    assert (0.7 * 0.85) ** dimensions < min(sizes) < 1 < max(sizes) < (1.4 * 1.15) ** dimensions


def test_a_flat_window_never_leaves_its_slice() -> None:
    image = np.arange(5, dtype=np.float32)[None, :, None, None] * np.ones((1, 5, 40, 40), np.float32)
    truth = np.zeros((5, 40, 40), np.uint8)
    how = replace(NONE, degrees=30.0, stretch=(0.8, 1.2))
    found = set()
    for seed in range(40):
        seen, _ = draw_window(np.random.default_rng(seed), image, truth, (1, 8, 8), how)
        assert seen.max() - seen.min() < 1e-4
        found.add(round(float(seen[0, 0, 0, 0]), 3))
    assert found == {0.0, 1.0, 2.0, 3.0, 4.0}


def test_windows_drawn_anywhere_look_at_segments_half_of_the_time() -> None:
    truth = np.zeros((1, 200, 200), np.uint8)
    truth[0, 100, 100] = 1
    image = np.zeros((1, 1, 200, 200), np.float32)
    how = replace(NONE, shift=None)
    hits = sum(draw_window(np.random.default_rng(s), image, truth, (1, 16, 16), how)[1].any() for s in range(60))
    assert 20 <= hits <= 42


def load(folder: Path) -> LoadedSet:
    learns_from = make_recipe().learns_from
    assert learns_from is not None
    return load_set(learns_from, folder)


def test_a_set_is_learnt_from_and_an_interrupted_run_ends_in_the_same_weights(tmp_path: Path) -> None:
    write_set(tmp_path, [f"{number:02d}" for number in range(20)])
    losses: list[float] = []
    whole = encode_weights(
        train(make_recipe(), tmp_path / "whole", lambda step: losses.append(step.loss), loaded=load(tmp_path)).network
    )
    assert np.mean(losses[-5:]) < np.mean(losses[:5])

    class PowerCutError(Exception):
        pass

    def cut(step: TrainingStep) -> None:
        if step.number == 22:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        train(make_recipe(), tmp_path / "parts", cut, loaded=load(tmp_path))
    resumed = train(make_recipe(), tmp_path / "parts", lambda step: None, loaded=load(tmp_path))
    assert encode_weights(resumed.network) == whole


def test_healthy_images_come_up_as_often_as_they_should(tmp_path: Path) -> None:
    def remove(case: OutlinedCase) -> OutlinedCase | None:
        return None if case.name == "3" else replace(case, truth=np.zeros_like(case.truth))

    recipe = make_recipe(healthy_share=0.25, steps=60)
    recipe = replace(recipe, learns_from=replace(recipe.learns_from, make_healthy=remove))
    source = OutlinedSteps(recipe, [make_case(str(n)) for n in range(7)])
    empty = sum(not truth.any() for step in range(60) for truth in source.draw(step)[1])
    assert 0.15 < empty / 180 < 0.35


def test_what_nobody_is_sure_about_is_marked_so() -> None:
    recipe = make_recipe(unsure=(1,))
    truth = OutlinedSteps(recipe, [make_case("a")]).draw(0)[1]
    assert set(np.unique(truth)) == {0, UNSURE}


def test_what_ships_says_how_every_case_fared(tmp_path: Path) -> None:
    """The whole way: learn, hold against the part that decided nothing, write table, figures, pictures and card."""
    write_set(tmp_path, [f"{number:02d}" for number in range(20)])
    loaded, recipe = load(tmp_path), make_recipe(steps=60)
    trained = train(recipe, tmp_path / "checkpoint", lambda step: None, loaded=loaded)
    data = encode_weights(trained.network)
    (tmp_path / "frames.pt").write_bytes(data)
    network = replace(recipe.network, weights=(WeightsFile("frames.pt", hashlib.sha256(data).hexdigest()),))
    spec = replace(recipe.spec, network=network)
    scores = measure_outlined(recipe, spec, tmp_path, loaded, lambda score: None, cpu_s=61.0)
    assert [score.case for score in scores] == [case.name for case in loaded.cases[Part.VALIDATE]]
    with (tmp_path / "frames" / "cases.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [float(line["dice"]) for line in lines] == pytest.approx([s.agreement.dice for s in scores], abs=1e-4)
    assert all(float(line["baseline_dice"]) > 0.5 for line in lines)
    content = json.loads((tmp_path / "frames" / "evaluation.json").read_text())
    mean = np.mean([score.agreement.dice for score in scores])
    assert content["summaries"][0]["model"]["dice"]["mean"] == pytest.approx(mean)
    assert content["training"]["cases"] == {part.value: len(cases) for part, cases in loaded.cases.items()}
    assert content["training"]["run_peak_bytes"] > 100e6
    worst = min(scores, key=lambda score: score.agreement.dice or 0.0)
    assert content["worst"][0]["case"] == worst.case
    assert Image.open(tmp_path / "frames" / "worst-1.webp").size == (48, 48)
    card = write_outlined_card(recipe, tmp_path / "frames")
    assert f"{mean:.3f}" in card
    assert "1 CPU minutes" in card


def test_without_its_data_a_recipe_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataMissingError, match=r"frames\.zip"):
        load(tmp_path)
