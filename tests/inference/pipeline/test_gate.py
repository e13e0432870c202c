"""The quality gate: what a run's probabilities imply, how far an image lies from others, and the verdict in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inference.gate_reference import (
    LEAST_DICE,
    DiceReference,
    GateReference,
    ImageReference,
    Spread,
    measure_shortfall,
    read_gate,
    write_gate,
)
from inference.model_spec import ModelSpec
from inference.pipeline.gate import (
    GateCode,
    GateOutcome,
    GateVerdict,
    imply_dice,
    judge_run,
)
from inference.pipeline.image_statistics import Aspect, ImageStatistics, aspect_of, cut_planes, measure_image
from inference.pipeline.job_maps import HISTOGRAM_BINS
from inference.registry import get_model
from inference.training.gate_fitting import fit_images

RNG = np.random.default_rng(5)


def histogram(**voxels: int) -> list[int]:
    """Return a histogram with voxels in bins named by their middle, as p975 for 0.975."""
    counts = [0] * HISTOGRAM_BINS
    for name, count in voxels.items():
        counts[int(float(f"0.{name[1:]}") * HISTOGRAM_BINS)] += count
    return counts


def image(noise: float = 0.05, tilt: float = 1.0) -> np.ndarray:
    rows, columns = np.indices((32, 40)) / 40
    plane = np.sin(5 * rows) + tilt * columns + RNG.normal(0, noise, rows.shape)
    return plane[None, None].astype(np.float32)


def measure(values: np.ndarray) -> ImageStatistics:
    return measure_image(cut_planes(values, 0), sides_mm=None)


@pytest.fixture(scope="module")
def reference() -> ImageReference:
    found = [measure(image(tilt=RNG.uniform(0.8, 1.2))) for _ in range(100)]
    return fit_images(found[0].names, [each.rows for each in found], [str(number) for number in range(100)])


@pytest.fixture
def spec(reference: ImageReference) -> ModelSpec:
    """Return the fetal head network with a gate of images of this test."""
    model = get_model("fetal_head")
    assert model.network is not None
    dice = DiceReference(1, 1.0, 0.0, Spread(measure_shortfall(0.95), 0.2), is_always_there=True)
    weights = tuple(file.sha256 for file in model.network.weights)
    return replace(model, gate=GateReference(weights, model.temperature, reference, (dice,), 60, 40))


def judge(spec: ModelSpec, values: np.ndarray, *, sure: bool = True, marked: int = 100) -> GateVerdict:
    counts = histogram(p975=marked) if sure else histogram(p525=marked, p475=marked)
    return judge_run(spec, marked=np.array([500, marked]), statistics=[measure(values)], histograms={1: counts})


def test_certain_voxels_imply_a_dice_of_nearly_one_and_doubtful_ones_less() -> None:
    assert imply_dice(histogram(p975=100), 100) == pytest.approx(2 * 97.5 / (100 + 97.5))
    # of 100 voxels at 0.625 and 100 at 0.375 the first half is marked
    expected = 2 * 62.5 / (100 + 62.5 + 37.5)
    assert imply_dice(histogram(p625=100, p375=100), 100) == pytest.approx(expected)
    # what was marked and then dropped counts as missed
    assert imply_dice(histogram(p975=100), 50) == pytest.approx(2 * 48.75 / (50 + 97.5))


def test_an_image_like_the_others_passes_with_its_predicted_dice(spec: ModelSpec) -> None:
    verdict = judge(spec, image())
    assert verdict.outcome is GateOutcome.PASSED, verdict
    assert verdict.predicted_dice == {"1": pytest.approx(imply_dice(histogram(p975=100), 100), abs=1e-4)}
    assert GateVerdict.from_json(verdict.as_json()) == verdict


@pytest.mark.parametrize(
    ("values", "aspect"),
    [
        (image(noise=0.15), {Aspect.NOISE, Aspect.SHARPNESS}),
        (-image(), {Aspect.GREY_VALUES, Aspect.LAYOUT, Aspect.BACKGROUND}),
        (image()[..., ::-1], {Aspect.LAYOUT}),
    ],
)
def test_an_image_unlike_the_others_needs_eyes_and_says_in_what(
    spec: ModelSpec, values: np.ndarray, aspect: set[Aspect]
) -> None:
    verdict = judge(spec, np.ascontiguousarray(values))
    assert verdict.outcome is GateOutcome.NEEDS_EYES
    (reason,) = verdict.reasons
    assert reason.code is GateCode.UNLIKE_TRAINING
    assert reason.aspect in aspect
    assert reason.value is not None
    assert reason.limit is not None
    assert reason.value > reason.limit


def test_a_doubtful_answer_an_empty_one_and_an_empty_image_need_eyes(spec: ModelSpec) -> None:
    (doubtful,) = judge(spec, image(), sure=False).reasons
    assert (doubtful.code, doubtful.segment_number) == (GateCode.LOW_PREDICTED_DICE, 1)
    assert doubtful.limit is not None
    assert doubtful.limit >= LEAST_DICE
    (nothing,) = judge(spec, image(), marked=0).reasons
    assert nothing.code is GateCode.NOTHING_MARKED
    (constant,) = judge(spec, np.zeros((1, 1, 32, 40), np.float32)).reasons
    assert constant.code is GateCode.CONSTANT_IMAGE


def test_what_cannot_be_judged_says_why(spec: ModelSpec) -> None:
    assert spec.gate is not None
    fitted_to_others = replace(spec, gate=replace(spec.gate, weights=("0" * 64,)))
    recalibrated = replace(spec, gate=replace(spec.gate, temperature=9.0))
    volume = measure_image([np.repeat(image(), 12, axis=1)], sides_mm=(12.0, 32.0, 40.0))
    marked = np.array([1, 1])
    cases = {
        GateCode.NO_REFERENCE: judge(replace(spec, gate=None), image()),
        GateCode.OTHER_READING: judge_run(spec, marked=marked, statistics=[volume], histograms={1: histogram()}),
        GateCode.NO_PROBABILITIES: judge_run(spec, marked=marked, statistics=[measure(image())], histograms=None),
    }
    for code, verdict in cases.items():
        assert verdict.outcome is GateOutcome.NOT_JUDGED
        assert [reason.code for reason in verdict.reasons] == [code]
    for other in (fitted_to_others, recalibrated):
        assert [reason.code for reason in judge(other, image()).reasons] == [GateCode.OTHER_WEIGHTS]


def test_a_reference_comes_back_from_a_manifest(spec: ModelSpec) -> None:
    assert spec.gate is not None
    kept = read_gate(write_gate(spec.gate))  # a manifest keeps five digits
    assert read_gate(write_gate(kept)) == kept
    assert kept.image.names == spec.gate.image.names
    for row, written in zip(kept.image.factor, spec.gate.image.factor, strict=True):
        np.testing.assert_allclose(row, written, rtol=1e-4, atol=1e-9)


def test_statistics_tell_noise_grey_values_and_places_apart() -> None:
    plain, noisy = measure(image(noise=0.01)), measure(image(noise=0.5))
    differs = {aspect_of(n) for n, a, b in zip(plain.names, plain.rows[0], noisy.rows[0], strict=True) if b - a > 1.0}
    assert Aspect.NOISE in differs
    assert Aspect.LAYOUT not in differs
    assert measure(np.ones((1, 1, 8, 8), np.float32)).is_constant
