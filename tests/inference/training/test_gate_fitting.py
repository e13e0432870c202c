"""Fitting the quality gate: new people pass, what never varies tells nothing, and volumes are held against slices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.evaluation.cases import OutlinedCase
from inference.model_spec import ModelSpec
from inference.pipeline.gate import GateCode, GateOutcome, measure_distance
from inference.training.gate_fitting import Observation, fit_images, fit_reference, observe_case
from inference.training.gate_testing import try_case
from studies.imaging.volume import Volume
from tests.inference.pipeline.test_three_planes import AXIAL, make_box, make_spec

NAMES = tuple(f"sharpness.{number}" for number in range(6))


def draw_people(rng: np.random.Generator, count: int) -> list[np.ndarray]:
    """Return ten cases of each person, which are more like each other than like other people's."""
    return [row[None] for one in rng.normal(size=(count, 6)) for row in one + rng.normal(scale=0.2, size=(10, 6))]


def test_cases_of_new_people_lie_within_the_limit() -> None:
    rng = np.random.default_rng(4)
    people = [str(number // 10) for number in range(300)]
    beyond = []
    for _ in range(15):
        reference = fit_images(NAMES, draw_people(rng, 30), people)
        beyond += [measure_distance(reference, rows) > reference.most for rows in draw_people(rng, 20)]
    assert np.mean(beyond) < 0.04
    assert measure_distance(reference, np.full((1, 6), 4.0)) > reference.most


def test_what_is_the_same_in_all_cases_says_nothing_of_others() -> None:
    rng = np.random.default_rng(5)
    rows = [np.concatenate([each, [[2.0]]], axis=1) for each in draw_people(rng, 30)]
    reference = fit_images((*NAMES, "field_of_view.0"), rows, [str(number // 10) for number in range(300)])
    near, far = (np.concatenate([rows[0][:, :6], [[value]]], axis=1) for value in (2.0, 9.0))
    assert measure_distance(reference, far) == pytest.approx(measure_distance(reference, near), abs=1e-6)


def make_case(rng: np.random.Generator, name: str, shape: tuple[int, int, int] = (1, 40, 40)) -> OutlinedCase:
    """Return a noisy box that fills the middle half of each axis longer than one voxel."""
    box = make_box((max(shape[0], 2), *shape[1:]), (2.0, 2.0, 2.0), AXIAL)
    truth = np.ones(shape, np.uint8) * np.asarray(box.voxels[len(box.voxels) // 2 : len(box.voxels) // 2 + 1] > 0)
    if shape[0] > 1:
        truth = (box.voxels > 0).astype(np.uint8)
    noisy = truth + rng.normal(0.0, rng.uniform(0.03, 0.06), shape)
    geometry = replace(box.geometry, shape=shape)
    return OutlinedCase(name, Volume(noisy.astype(np.float32), geometry, "MR"), (), truth.astype(np.uint8), True, {})


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> ModelSpec:
    """A network of slices, which reads volumes in three planes, with a gate fitted on single slices."""
    spec = make_spec(tmp_path_factory.mktemp("slices"))
    rng = np.random.default_rng(6)

    def observe(count: int) -> list[Observation]:
        return [observe_case(make_case(rng, str(number)), spec, person=str(rng.random())) for number in range(count)]

    return replace(spec, gate=fit_reference(spec, observe(40), observe(12)))


def test_the_networks_features_are_part_of_the_reference(judged: ModelSpec) -> None:
    assert judged.gate is not None
    assert judged.gate.features is not None
    assert len(judged.gate.features.names) == 4  # as many as the network's narrowest level has
    tried = try_case(make_case(np.random.default_rng(1), "like the others"), judged, has_truth=True)
    assert tried.outcome is GateOutcome.PASSED
    assert tried.without_features is GateOutcome.PASSED


def test_a_volume_in_three_planes_is_judged_by_its_slices(judged: ModelSpec) -> None:
    rng = np.random.default_rng(2)
    case = make_case(rng, "volume", (40, 40, 40))
    observed = observe_case(case, judged)
    assert judged.gate is not None
    assert observed.statistics[0].names == judged.gate.image.names
    assert len(observed.statistics[0].rows) == 3 * 16  # the middle half of 32 voxels along each axis
    verdict = observed.judge(judged)
    # single slices say how far an image is from what was learnt, and nothing of how good a mean of three planes is
    assert verdict.outcome is GateOutcome.NEEDS_EYES
    assert verdict.distance is not None
    assert verdict.predicted_dice == {}
    assert verdict.reasons[-1].code is GateCode.FUSED_SLICES
    noise = replace(case, image=replace(case.image, voxels=rng.uniform(0, 1, (40, 40, 40)).astype(np.float32)))
    codes = [reason.code for reason in observe_case(noise, judged).judge(judged).reasons]
    assert codes == [GateCode.UNLIKE_TRAINING, GateCode.FUSED_SLICES]


def test_a_slab_is_judged_by_the_plane_that_counts(judged: ModelSpec, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    observed = observe_case(make_case(rng, "slab", (14, 40, 40)), judged)
    slices = len(observed.statistics[0].rows)
    assert slices < 16  # strips seen from front and side are none that the network learnt from
    assert observed.judge(judged).outcome is not GateOutcome.NOT_JUDGED
