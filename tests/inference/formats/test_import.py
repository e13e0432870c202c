"""Every network trains, exports, is imported and runs by the same path; MeshNet becomes the network it describes."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command

from inference import registry
from inference.formats.imported import ImportedModel, Naming, digest_file
from inference.formats.readers import read_model
from inference.formats.refusals import ModelExistsError
from inference.formats.store import store_model
from inference.model_spec import Method, ModelSpec, Progress
from inference.network_spec import InputChannel, NetworkSpec, Normalisation, Scheme
from inference.pipeline.manifest import write_manifest
from inference.pipeline.network_run import segment_with_network
from inference.pipeline.preprocess import measure_grey_scale
from inference.pipeline.weights import encode_weights
from inference.training.loop import train
from inference.training.recipes import Recipe
from studies.imaging.volume import Volume
from studies.label_maps.label_map import SegmentDescription
from tests.inference.formats.bundles import write_bundle
from tests.inference.volumes import Recorder, make_volume

WINDOW = (16, 16, 16)
NETWORKS: dict[str, tuple[str, Mapping[str, Any], bool]] = {
    "U-Net of this project": ("unet", {"channels": (4, 8)}, False),
    "2D U-Net of this project": ("unet", {"channels": (4, 8)}, True),
    "FCN": ("fcn", {"channels": (4, 8)}, False),
    "U-Net": ("monai.UNet", {"channels": (4, 8), "strides": (2,)}, False),
    "residual U-Net": ("monai.UNet", {"channels": (4, 8), "strides": (2,), "num_res_units": 2}, False),
    "2D U-Net": ("monai.UNet", {"channels": (4, 8), "strides": (2,)}, True),
    "Attention U-Net": ("monai.AttentionUnet", {"channels": (4, 8), "strides": (2,)}, False),
    "V-Net": ("monai.VNet", {}, False),
    "SegResNet": (
        "monai.SegResNet", {"init_filters": 4, "blocks_down": (1, 1), "blocks_up": (1,), "norm": "batch"}, False,
    ),
    "DynUNet": (
        "monai.DynUNet",
        {"kernel_size": (3, 3, 3), "strides": (1, 2, 2), "upsample_kernel_size": (2, 2), "filters": (4, 8, 8)},
        False,
    ),
    "UNETR": (
        "monai.UNETR",
        {"img_size": WINDOW, "feature_size": 4, "hidden_size": 16, "mlp_dim": 16, "num_heads": 2},
        False,
    ),
    "Swin UNETR": ("monai.SwinUNETR", {"feature_size": 12, "depths": (1, 1, 1, 1), "num_heads": (1, 1, 1, 1)}, False),
}  # fmt: skip


def make_ball(rng: np.random.Generator, shape: tuple[int, int, int] = WINDOW) -> tuple[Volume, np.ndarray]:
    """A bright ball in darker noise, in the middle of a volume as large as a window or a few slices of them."""
    places = np.indices(shape) - np.reshape(shape, (3, 1, 1, 1)) // 2
    truth = ((places**2).sum(axis=0) <= 25).astype(np.uint8)
    voxels = 100.0 + 100.0 * truth + rng.normal(0.0, 5.0, truth.shape)
    return make_volume(voxels.astype(np.float32)), truth


def make_recipe(what: str) -> Recipe:
    architecture, arguments, is_flat = NETWORKS[what]
    window = (1, 16, 16) if is_flat else (32, 32, 64) if "Swin" in what else WINDOW
    network = NetworkSpec(
        architecture,
        arguments,
        (digest_file("weights.pt", b""),),
        window,
        channels=(InputChannel("T1", Normalisation(Scheme.BODY)),),
        flat_axis=0 if is_flat else None,
    )
    spec = ModelSpec(
        name="ball",
        version="1",
        title="Ball",
        summary="Marks balls.",
        limits="Balls only.",
        method=Method.NETWORK,
        modalities=frozenset({"MR"}),
        segments=(SegmentDescription(1, "Ball"),),
        network=network,
        needs_volume=True,
    )
    side = max(window)
    return Recipe(
        spec, partial(make_ball, shape=(side, side, side)), seed=1, steps=2, windows_per_step=2, learning_rate=1e-3
    )


@pytest.mark.parametrize("what", NETWORKS)
def test_a_network_trains_is_exported_imported_and_runs(tmp_path: Path, what: str) -> None:
    recipe, losses = make_recipe(what), []
    trained = train(recipe, tmp_path / "checkpoint", lambda step: losses.append(step.loss))
    assert len(losses) == 2
    assert all(np.isfinite(losses))
    export = tmp_path / "export"
    export.mkdir()
    data = encode_weights(trained.network)
    (export / "weights.pt").write_bytes(data)
    network = replace(recipe.network, weights=(digest_file("weights.pt", data),))
    write_manifest(export / "manifest.json", replace(recipe.spec, network=network), provenance={})
    target = store_model(read_model(export, Naming()), tmp_path)
    shape = network.window if network.flat_axis is None else WINDOW
    volume, _ = make_ball(np.random.default_rng(5), shape)
    recorder = Recorder(volume.geometry.shape)
    spec = replace(recipe.spec, network=network, folder=target)
    labels = segment_with_network(volume, spec, recorder, focus=(5, 5, 5))
    assert np.array_equal(labels, ask_directly(trained.network.half().float(), volume, network.window))


def ask_directly(network: torch.nn.Module, volume: Volume, window: tuple[int, int, int]) -> np.ndarray:
    """The highest class where windows lie side by side along the slices."""
    image = measure_grey_scale(volume.voxels).apply(volume.voxels.astype(np.float32))
    windows = torch.from_numpy(image).reshape(-1, 1, *window)
    with torch.no_grad():
        return np.asarray(network.eval()(windows).argmax(1)).reshape(image.shape)


def test_import_and_catalogue_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._state, "folder", tmp_path / "models")
    (tmp_path / "models").mkdir()
    bundle, out = write_bundle(tmp_path / "bundle"), io.StringIO()
    call_command("import_model", str(bundle), stdout=out)
    assert "tiny_spleen 0.1.0 (MONAI bundle, 1 segments)" in out.getvalue()
    spec = registry.get_model("tiny_spleen")
    assert spec.folder == tmp_path / "models" / "tiny_spleen" / "0.1.0"
    assert "Apache-2.0" in spec.card
    assert "78961009 SCT" in spec.card or "Spleen (SCT 78961009)" in spec.card
    listed = io.StringIO()
    call_command("list_models", stdout=listed)
    assert any("tiny_spleen" in line and "Apache-2.0" in line for line in listed.getvalue().splitlines())
    with pytest.raises(CommandError, match=r"model\.exists.*already imported"):
        call_command("import_model", str(bundle), stdout=out)
    call_command("import_model", str(bundle), model_version="0.10.0", stdout=out)
    assert registry.get_model("tiny_spleen").version == "0.10.0"
    assert not list((tmp_path / "models").glob(".import-*"))


def test_a_name_that_ships_is_not_given_again(tmp_path: Path) -> None:
    model = read_model(write_bundle(tmp_path / "bundle"), Naming(name="otsu"))
    with pytest.raises(ModelExistsError, match="another name"):
        store_model(model, tmp_path, taken=["otsu"])


def test_an_imported_bundle_runs_whichever_way_the_series_was_stored(tmp_path: Path) -> None:
    """The network works to the right, to the front and upward: turned copies of a patient give turned label maps."""
    model = read_model(write_bundle(tmp_path / "bundle"), Naming())
    folder = store_model(model, tmp_path)
    rng = np.random.default_rng(2)
    volume = make_volume(rng.normal(50.0, 60.0, (20, 24, 28)).astype(np.float32))
    spec = replace(model.spec, folder=folder)
    labels = segment_with_network(volume, spec, ignore, focus=(0, 0, 0))
    assert 0 < labels.mean() < 1
    turned = turn_volume(volume)
    recorder = Recorder(turned.geometry.shape)
    assert np.array_equal(
        segment_with_network(turned, spec, recorder, focus=(1, 2, 3)), labels[::-1].transpose(1, 2, 0)
    )


def turn_volume(volume: Volume) -> Volume:
    """The same voxels at the same places in the patient, stored in another order."""
    geometry = volume.geometry
    affine = geometry.index_to_patient_mm
    last = affine @ np.asarray([geometry.shape[0] - 1, 0, 0, 1.0])
    direction = np.reshape(geometry.direction, (3, 3)) * np.asarray([-1.0, 1.0, 1.0])
    z, y, x = geometry.shape
    spacing = geometry.spacing_mm
    return Volume(
        volume.voxels[::-1].transpose(1, 2, 0),
        replace(
            geometry,
            shape=(y, x, z),
            spacing_mm=(spacing[1], spacing[2], spacing[0]),
            origin_mm=(float(last[0]), float(last[1]), float(last[2])),
            direction=tuple(direction[:, [1, 2, 0]].ravel().tolist()),
        ),
        volume.modality,
    )


def ignore(progress: Progress) -> None:
    """Nobody watches."""


def write_meshnet(folder: Path, kernel: np.ndarray, bias: np.ndarray) -> Path:
    layers = [
        {"class_name": "InputLayer", "name": "in", "config": {"batch_input_shape": [None, 16, 16, 16, 1]}},
        {
            "class_name": "Conv3D",
            "name": "out",
            "inbound_nodes": [[["in", 0, 0, {}]]],
            "config": {
                "name": "out", "filters": 2, "kernel_size": [3, 3, 3], "strides": [1, 1, 1],
                "dilation_rate": [2, 2, 2], "padding": "same", "data_format": "channels_last",
                "activation": "linear", "use_bias": True,
            },
        },
    ]  # fmt: skip
    weights = [
        {"name": "out/kernel", "shape": list(kernel.shape), "dtype": "float32"},
        {"name": "out/bias", "shape": [2], "dtype": "float32"},
    ]
    content = {
        "format": "layers-model",
        "modelTopology": {"model_config": {"config": {"layers": layers}}},
        "weightsManifest": [{"paths": ["w.bin"], "weights": weights}],
    }
    folder.mkdir()
    (folder / "model.json").write_text(json.dumps(content))
    (folder / "w.bin").write_bytes(kernel.astype("<f4").tobytes() + bias.astype("<f4").tobytes())
    return folder


def test_meshnet_reads_channels_last_weights(tmp_path: Path) -> None:
    kernel = np.zeros((3, 3, 3, 1, 2), np.float32)
    kernel[0, 1, 1, 0, 1] = 1.0  # the second score is the value two voxels back along the first axis
    model: ImportedModel = read_model(write_meshnet(tmp_path / "mesh", kernel, np.asarray([0.5, 0.0])), Naming())
    network = model.spec.network
    assert network is not None
    tensors = torch.load(io.BytesIO(model.files["weights.pt"]), weights_only=True)
    image = torch.zeros(1, 1, 16, 16, 16)
    image[0, 0, 4, 5, 6] = 1.0
    scores = torch.nn.functional.conv3d(
        image, tensors["convolutions.0.weight"], tensors["convolutions.0.bias"], padding=2, dilation=2
    )
    assert torch.nonzero(scores[0, 1]).tolist() == [[6, 5, 6]]
    assert network.arguments["dilations"] == (2,)
