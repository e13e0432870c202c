"""The entropy of what a network says, against the formula written out in 64 bits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from inference.pipeline.engine import run_windows
from inference.pipeline.job_maps import MapKind, deliver_map, gather_maps
from inference.pipeline.labelling import decide_by_highest
from inference.pipeline.probabilities import UNITS_PER_PROBABILITY
from inference.pipeline.tiles import UNITS_PER_SCORE
from inference.pipeline.uncertainty import Doubt, find_sure_lead
from tests.inference.pipeline.test_engine import CASES, Shape, ignore, make_case, make_forward

SHAPE = (3, 20, 25)


def draw_scores(classes: int, spread: float) -> np.ndarray:
    return np.random.default_rng(classes).normal(scale=spread, size=(classes, *SHAPE))


def softmax(scores: np.ndarray) -> np.ndarray:
    shares = np.exp(scores - scores.max(0))
    return shares / shares.sum(0)


def entropy_of(shares: np.ndarray) -> np.ndarray:
    return -np.where(shares > 0, shares * np.log(np.maximum(shares, 1e-300)), 0.0).sum(0)


def to_units(scores: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.round(scores * UNITS_PER_SCORE)).to(torch.int32)


def whole() -> tuple[slice, slice, slice]:
    return slice(0, SHAPE[0]), slice(0, SHAPE[1]), slice(0, SHAPE[2])


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("classes", [2, 3, 5, 25])
def test_classes_get_their_softmax_entropy(classes: int, temperature: float) -> None:
    scores = draw_scores(classes, 6.0)
    doubt = Doubt(SHAPE, tuple(range(1, classes)), temperature=temperature)
    doubt.measure(to_units(scores), whole())
    expected = entropy_of(softmax(scores / temperature)) / math.log(classes) * 255
    assert np.abs(doubt.voxels - expected).max() <= 0.51  # rounding, and what is left out, both below half a level


@pytest.mark.parametrize("classes", [2, 3, 25])
def test_the_lead_that_counts_as_sure_is_the_smallest_that_is_right(classes: int) -> None:
    def most(lead: float) -> float:  # all others level, which is the worst there can be
        scores = np.array([lead, *[0.0] * (classes - 1)])[:, None]
        return float(entropy_of(softmax(scores))[0] / math.log(classes) * 255)

    lead = find_sure_lead(classes)
    assert most(lead) <= 0.5 < most(lead - 0.01)


def test_interpolated_probabilities_are_taken_as_they_are() -> None:
    shares = softmax(draw_scores(3, 4.0))
    doubt = Doubt(SHAPE, (1, 2), is_probability=True)
    doubt.measure(torch.from_numpy(shares * UNITS_PER_PROBABILITY).float(), whole())
    assert np.abs(doubt.voxels - entropy_of(shares) / math.log(3) * 255).max() <= 0.51


def test_regions_get_the_mean_of_their_binary_entropies() -> None:
    scores = draw_scores(2, 4.0)
    doubt = Doubt(SHAPE, (1, 2), is_regions=True)
    doubt.measure(to_units(scores), whole())
    share = 1 / (1 + np.exp(-scores))
    expected = np.mean([entropy_of(np.stack([p, 1 - p])) for p in share], axis=0) / math.log(2) * 255
    assert np.abs(doubt.voxels - expected).max() <= 0.51


@pytest.mark.parametrize("classes", [2, 4])
def test_every_voxel_is_counted_once_at_its_probability(classes: int) -> None:
    scores = draw_scores(classes, 5.0)
    doubt = Doubt(SHAPE, tuple(range(1, classes)))
    units = to_units(scores)
    doubt.measure(units, whole())
    histograms = doubt.build_map(decide_by_highest(units).numpy()).histograms
    shares = softmax(scores)
    for label in range(1, classes):
        expected = np.histogram(shares[label], bins=20, range=(0, 1))[0]
        counted = np.array(histograms[label])
        assert np.abs(counted[1:] - expected[1:]).sum() <= 2  # a share that lies on a bin's border may fall either way
        assert counted[0] <= expected[0]  # what is as good as impossible is left out


@pytest.mark.parametrize(("shape", "working"), CASES)
def test_labels_stay_the_same_bit_for_bit_and_doubt_does_not_depend_on_where_the_reader_looks(
    shape: Shape, working: Shape
) -> None:
    case, forward = make_case(shape, working), make_forward()
    without = run_windows(*case, forward, ignore, focus=(0, 0, 0))
    doubts = [Doubt(shape, (1, 2)) for _ in range(2)]
    for doubt, focus in zip(doubts, [(0, 0, 0), tuple(n - 1 for n in shape)], strict=True):
        np.testing.assert_array_equal(
            run_windows(*case, forward, ignore, focus=focus, measure=doubt.measure),
            without,
        )
    np.testing.assert_array_equal(doubts[0].voxels, doubts[1].voxels)
    assert doubts[0].voxels.any()


def test_a_map_goes_to_whoever_gathers_and_to_nobody_else() -> None:
    found = Doubt((1, 2, 3), (1,)).build_map(np.zeros((1, 2, 3), np.uint8))
    deliver_map(found)
    with gather_maps() as gathered:
        deliver_map(found)
    deliver_map(found)
    assert gathered == {MapKind.UNCERTAINTY: found}
