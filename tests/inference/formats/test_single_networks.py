"""TorchScript and ONNX files, from the import command to the label map; expected maps by MONAI's sliding windows."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command
from torch import nn

from inference import registry
from inference.formats.imported import digest_file
from inference.model_spec import Method, ModelSpec
from inference.network_spec import InputChannel, NetworkSpec, Normalisation
from inference.pipeline.manifest import write_manifest
from inference.pipeline.segment import segment
from studies.label_maps.label_map import SegmentDescription
from tests.inference.formats.onnx_files import encode_brighter
from tests.inference.volumes import Recorder, make_volume
from tests.torchscript import encode_script

SHAPE = (21, 40, 36)
VOXELS = np.random.default_rng(8).normal(0.3, 1.0, SHAPE).astype(np.float32)


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    monkeypatch.setitem(registry._state, "folder", tmp_path / "models")


def write_model(folder: Path, architecture: str, file_name: str, data: bytes, window: tuple[int, int, int]) -> None:
    """Write a network and the manifest that says what it expects."""
    folder.mkdir()
    (folder / file_name).write_bytes(data)
    flat_axis = 0 if window[0] == 1 else None
    network = NetworkSpec(
        architecture,
        {},
        (digest_file(file_name, data),),
        window,
        channels=(InputChannel("image", Normalisation()),),
        flat_axis=flat_axis,
    )
    spec = ModelSpec(
        name="brought", version="1", title="Brought", summary="Marks something.", limits="Tests.",
        method=Method.NETWORK, modalities=frozenset({"MR"}), segments=(SegmentDescription(1, "Something"),),
        network=network, needs_volume=True,
    )  # fmt: skip
    write_manifest(folder / "manifest.json", spec, provenance={})


def import_and_run(folder: Path) -> np.ndarray:
    """Import by the command, with its check of the backends, and run the catalogue's entry as a job does."""
    call_command("import_model", str(folder), stdout=io.StringIO())
    recorder = Recorder(SHAPE)
    labels = segment(
        make_volume(VOXELS), registry.get_model("brought"), recorder, parameters={}, focus=(10, 5, 5)
    ).voxels
    np.testing.assert_array_equal(recorder.voxels, labels)
    return labels


def run_by_monai(network: nn.Module, window: tuple[int, ...], image: torch.Tensor) -> np.ndarray:
    from monai.inferers import sliding_window_inference

    with torch.no_grad():
        scores = sliding_window_inference(image, window, 1, network, overlap=0.5, mode="gaussian", sigma_scale=0.125)
    return np.asarray(scores.argmax(1), np.uint8)


def test_a_torchscript_network_gives_what_torch_gives_by_monais_windows(tmp_path: Path) -> None:
    torch.manual_seed(2)
    network = nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, 2, 3, padding=1)).eval()
    write_model(tmp_path / "in", "torchscript", "model.ts", encode_script(network), (8, 16, 16))
    expected = run_by_monai(network, (8, 16, 16), torch.from_numpy(VOXELS)[None, None])[0]
    labels = import_and_run(tmp_path / "in")
    assert 0.05 < labels.mean() < 0.95
    np.testing.assert_array_equal(labels, expected)


def test_a_flat_torchscript_network_is_run_slice_by_slice(tmp_path: Path) -> None:
    torch.manual_seed(5)
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1)).eval()
    write_model(tmp_path / "in", "torchscript", "model.ts", encode_script(network), (1, 16, 16))
    expected = run_by_monai(network, (16, 16), torch.from_numpy(VOXELS)[:, None])
    labels = import_and_run(tmp_path / "in")
    assert 0.05 < labels.mean() < 0.95
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize(("dimensions", "window"), [(3, (16, 16, 16)), (2, (1, 16, 16))])
def test_an_onnx_network_marks_what_is_bright(tmp_path: Path, dimensions: int, window: tuple[int, int, int]) -> None:
    write_model(tmp_path / "in", "onnx", "model.onnx", encode_brighter(16, dimensions), window)
    np.testing.assert_array_equal(import_and_run(tmp_path / "in"), VOXELS > 0.5)


@pytest.mark.parametrize("name", ["model.ts", "model.onnx"])
def test_a_file_alone_is_refused_with_what_is_missing(tmp_path: Path, name: str) -> None:
    data = encode_brighter(16) if name.endswith("onnx") else encode_script(nn.Sequential(nn.Conv3d(1, 2, 1)))
    (tmp_path / name).write_bytes(data)
    with pytest.raises(CommandError, match=r"manifest\.json.*window.*channels.*segments"):
        call_command("import_model", str(tmp_path / name))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / name).write_bytes(data)
    with pytest.raises(CommandError, match=r"manifest\.json"):
        call_command("import_model", str(tmp_path / "folder"))
    assert not list((tmp_path / "models").iterdir())


def test_a_network_that_does_not_fit_its_description_is_refused_before_it_is_stored(tmp_path: Path) -> None:
    write_model(
        tmp_path / "in", "torchscript", "model.ts", encode_script(nn.Sequential(nn.Conv3d(1, 5, 1))), (8, 16, 16)
    )
    with pytest.raises(CommandError, match="it answers"):
        call_command("import_model", str(tmp_path / "in"))
    assert not list((tmp_path / "models").glob("brought*"))
