"""Every classical method through the one seam."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from inference.classical.grey_values import FlatImageError, UnusableGreyValuesError
from inference.model_spec import CancelledError, Progress
from inference.pipeline.segment import segment
from inference.registry import get_model, validate_parameters
from tests.inference.volumes import Recorder, ball, make_volume, measure_dice

SHAPE = (70, 64, 64)
BODY = ball(SHAPE, (35, 32, 32), 28)
LESION = ball(SHAPE, (30, 30, 26), 9)
VOXELS = (np.where(LESION, 900, np.where(BODY, 400, 0)) + np.random.default_rng(6).normal(0, 12, SHAPE)).astype(
    np.int16
)
RUNS: list[tuple[str, dict[str, Any]]] = [
    ("otsu", {}),
    ("threshold", {"lower": 650}),
    ("kmeans", {"classes": 2}),
    ("region_growing", {"seed": [30, 30, 26]}),
]


def run(name: str, raw: dict[str, Any], on_progress: Any, *, focus: Any = (0, 0, 0), voxels: np.ndarray = VOXELS):
    spec, volume = get_model(name), make_volume(voxels)
    parameters = validate_parameters(spec, raw, volume.geometry.shape)
    return segment(volume, spec, on_progress, parameters=parameters, focus=focus)


@pytest.mark.parametrize(("name", "raw"), RUNS)
def test_streamed_slabs_make_up_the_label_map_from_any_focus(name: str, raw: dict[str, Any]) -> None:
    reference = run(name, raw, lambda progress: None)
    for focus, looks in ((0, []), (33, []), (69, []), (10, [(60, 3, 3), None, (5, 0, 0)]), (-7, [(10_000, 9, 9)])):
        recorder = Recorder(SHAPE, looks)
        label_map = run(name, raw, recorder, focus=(focus, 0, 0))
        assert label_map.digest == reference.digest
        np.testing.assert_array_equal(recorder.voxels, reference.voxels)
        if not looks and focus >= 0:
            start, stop = recorder.slabs[0]
            assert start <= focus < stop
    assert {d.segment_number for d in reference.segments} >= set(np.unique(reference.voxels)) - {0}


@pytest.mark.parametrize(("name", "raw"), RUNS)
def test_the_lesion_is_told_from_the_body(name: str, raw: dict[str, Any]) -> None:
    labels = run(name, raw, lambda progress: None).voxels
    assert measure_dice(labels == labels.max(), LESION) > 0.97
    if labels.max() == 2:
        assert measure_dice(labels > 0, BODY) > 0.99


def test_threshold_includes_both_bounds() -> None:
    voxels = np.arange(27, dtype=np.int16).reshape(3, 3, 3)
    labels = run("threshold", {"lower": 4, "upper": 9}, lambda progress: None, voxels=voxels).voxels
    assert np.flatnonzero(labels.ravel()).tolist() == [4, 5, 6, 7, 8, 9]


def test_classes_are_described_as_many_as_asked_for() -> None:
    assert len(run("kmeans", {"classes": 4}, lambda progress: None).segments) == 4


@pytest.mark.parametrize(("name", "raw"), RUNS)
def test_cancelling_stops_at_once(name: str, raw: dict[str, Any]) -> None:
    slabs = []

    def stop(progress: Progress) -> None:
        if progress.slab is not None:
            slabs.append(progress)
            raise CancelledError

    with pytest.raises(CancelledError):
        run(name, raw, stop)
    assert len(slabs) == 1


@pytest.mark.parametrize(("name", "raw"), RUNS)
def test_nan_is_refused_before_any_slab(name: str, raw: dict[str, Any]) -> None:
    voxels = VOXELS.astype(np.float32)
    voxels[3, 4, 5] = np.nan
    recorder = Recorder(SHAPE)
    with pytest.raises(UnusableGreyValuesError, match="slice 4"):
        run(name, raw, recorder, voxels=voxels)
    assert recorder.slabs == []


@pytest.mark.parametrize("name", ["otsu", "kmeans"])
def test_a_flat_image_is_refused(name: str) -> None:
    with pytest.raises(FlatImageError):
        run(name, {}, lambda progress: None, voxels=np.full((3, 9, 9), 4, np.uint8))


@pytest.mark.parametrize("name", ["otsu", "kmeans"])
@pytest.mark.parametrize("shape", [(1, 1, 2), (1, 40, 40), (2, 3, 4), (200, 2, 2)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32])
def test_odd_shapes_and_types_are_taken(name: str, shape: tuple[int, int, int], dtype: type) -> None:
    voxels = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    voxels.flags.writeable = False
    recorder = Recorder(shape)
    label_map = run(name, {}, recorder, voxels=voxels)
    np.testing.assert_array_equal(recorder.voxels, label_map.voxels)
