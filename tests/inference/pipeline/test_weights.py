from __future__ import annotations

import hashlib
import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inference.model_spec import CancelledError, Method, ModelSpec, Progress
from inference.network_spec import NetworkSpec, WeightsFile
from inference.pipeline.manifest import ManifestError, read_manifest, read_manifests, write_manifest
from inference.pipeline.network_run import segment_with_network
from inference.pipeline.networks import build_network, build_spec_network
from inference.pipeline.weights import WeightsCorruptError, WeightsMissingError, encode_weights, load_weights
from studies.label_maps.label_map import SegmentDescription
from tests.inference.volumes import Recorder, make_volume

CHANNELS = (4, 8)


def write_network(folder: Path) -> ModelSpec:
    torch.manual_seed(1)
    network = build_network("unet", {"channels": CHANNELS}, 2)
    torch.nn.init.normal_(network.head.weight, std=30.0)
    torch.nn.init.zeros_(network.head.bias)
    data = encode_weights(network)
    (folder / "tiny.pt").write_bytes(data)
    return ModelSpec(
        name="tiny",
        version="1.0.0",
        title="Tiny",
        summary="A random network.",
        limits="Everything.",
        method=Method.NETWORK,
        modalities=frozenset({"MR"}),
        segments=(SegmentDescription(1, "Something"),),
        network=NetworkSpec(
            "unet",
            {"channels": CHANNELS},
            (WeightsFile("tiny.pt", hashlib.sha256(data).hexdigest()),),
            (8, 16, 16),
            spacing_mm=(2.0, 2.0, 2.0),
        ),
        needs_volume=True,
    )


def load(folder: Path, spec: ModelSpec) -> None:
    assert spec.network is not None
    network = build_spec_network(spec.network, 2)
    load_weights(network, folder / spec.network.weights[0].path, sha256=spec.network.weights[0].sha256)


def test_weights_come_back_as_they_were_written(tmp_path: Path) -> None:
    spec = write_network(tmp_path)
    assert spec.network is not None
    network = build_network("unet", {"channels": CHANNELS}, 2)
    load_weights(network, tmp_path / "tiny.pt", sha256=spec.network.weights[0].sha256)
    assert encode_weights(network) == (tmp_path / "tiny.pt").read_bytes()


@pytest.mark.parametrize("position", [0, 1000, -1])
def test_one_changed_byte_is_noticed(tmp_path: Path, position: int) -> None:
    spec = write_network(tmp_path)
    data = bytearray((tmp_path / "tiny.pt").read_bytes())
    data[position] ^= 1
    (tmp_path / "tiny.pt").write_bytes(data)
    with pytest.raises(WeightsCorruptError, match="digest") as caught:
        load(tmp_path, spec)
    assert caught.value.code == "weights.corrupt"


def test_missing_and_truncated_weights_say_so(tmp_path: Path) -> None:
    spec = write_network(tmp_path)
    data = (tmp_path / "tiny.pt").read_bytes()
    (tmp_path / "tiny.pt").write_bytes(data[:100])
    with pytest.raises(WeightsCorruptError):
        load(tmp_path, spec)
    (tmp_path / "tiny.pt").unlink()
    with pytest.raises(WeightsMissingError, match=r"tiny\.pt"):
        load(tmp_path, spec)


class Hostile:
    """Pickles to a call of os.mkdir."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


def digest_into(folder: Path, spec: ModelSpec, content: object) -> ModelSpec:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    (folder / "tiny.pt").write_bytes(buffer.getvalue())
    assert spec.network is not None
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    return replace(spec, network=replace(spec.network, weights=(WeightsFile("tiny.pt", digest),)))


def test_a_hostile_file_runs_nothing_even_under_the_right_digest(tmp_path: Path) -> None:
    spec = digest_into(tmp_path, write_network(tmp_path), {"weight": Hostile(tmp_path / "owned")})
    with pytest.raises(WeightsCorruptError, match="other than tensors"):
        load(tmp_path, spec)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2, 3], "other than tensors"),
        ({"weight": "text"}, "other than tensors"),
        ({"weight": torch.zeros(3)}, "does not fit"),
        ({"weight": torch.tensor([float("nan")])}, "not numbers"),
    ],
)
def test_files_that_are_no_weights_of_this_network_are_refused(tmp_path: Path, content: object, words: str) -> None:
    spec = digest_into(tmp_path, write_network(tmp_path), content)
    with pytest.raises(WeightsCorruptError, match=words):
        load(tmp_path, spec)


def test_a_manifest_describes_the_network_completely(tmp_path: Path) -> None:
    spec = write_network(tmp_path)
    write_manifest(tmp_path / "tiny.json", spec, provenance={"seed": 1})
    assert read_manifests(tmp_path) == (spec,)
    (tmp_path / "tiny.md").write_text("Looked at.")
    assert read_manifest(tmp_path / "tiny.json").card == "Looked at."


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"network": 3}'])
def test_a_manifest_that_describes_nothing_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "odd.json").write_text(content)
    with pytest.raises(ManifestError, match=r"odd\.json"):
        read_manifests(tmp_path)


def test_a_manifest_may_not_point_elsewhere(tmp_path: Path) -> None:
    spec = write_network(tmp_path)
    assert spec.network is not None
    write_manifest(
        tmp_path / "tiny.json",
        replace(spec, network=replace(spec.network, weights=(WeightsFile("../tiny.pt", ""),))),
        provenance={},
    )
    with pytest.raises(ManifestError, match="beside"):
        read_manifests(tmp_path)


@pytest.mark.parametrize("shape", [(30, 40, 36), (1, 30, 30), (2, 3, 4)])
def test_a_network_runs_over_any_volume_the_same_from_any_focus(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    spec = write_network(tmp_path)
    volume = make_volume(np.random.default_rng(2).integers(0, 900, shape).astype(np.int16), (1.5, 1.0, 1.2))
    results = []
    for focus, looks in (((0, 0, 0), []), ((shape[0] - 1, 0, 0), []), ((0, 0, 0), [(shape[0] - 1, 3, 3), (0, 0, 0)])):
        recorder = Recorder(shape, looks)
        labels = segment_with_network(volume, spec, recorder, focus=focus, folder=tmp_path)
        np.testing.assert_array_equal(recorder.voxels, labels)
        results.append(labels)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_a_network_can_be_cancelled_while_it_loads(tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        assert progress.stage == "loading_model"
        raise CancelledError

    with pytest.raises(CancelledError):
        segment_with_network(
            make_volume(np.zeros((2, 2, 2), np.int16)), write_network(tmp_path), stop, focus=(0, 0, 0), folder=tmp_path
        )
