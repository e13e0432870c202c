"""The same label map as MONAI, from the same bundle: its transforms, its sliding window, its way back to the series.

MONAI's engine, as ``python -m monai.bundle run`` starts it, needs pytorch-ignite, which is no part of SegWeb: that test
runs where it is installed, or where ``SEGWEB_PEER_PYTHON`` names the Python of an environment that has it.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from inference.command_line import read_input
from inference.formats.imported import Naming
from inference.formats.readers import read_model
from inference.formats.refusals import NotUnderstoodError
from inference.formats.store import store_model
from inference.pipeline.network_run import segment_with_network
from tests.inference.formats.bundles import make_inference, write_bundle
from tests.inference.formats.test_nnunet import one_thread

__all__ = ["one_thread"]
"""A fixture that every test uses."""

Config = dict[str, Any]
LPS = np.diag([-1.0, -1.0, 1.0])
SAGITTAL = np.asarray([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
OBLIQUE = Rotation.from_euler("xyz", [12, -7, 20], degrees=True).as_matrix()


def write_image(
    path: Path,
    shape: tuple[int, int, int] = (44, 40, 36),
    spacing_mm: tuple[float, float, float] = (1.1, 1.3, 2.7),
    axes: npt.NDArray[np.float64] | None = None,
) -> Path:
    random = np.random.default_rng(4)
    layers = [gaussian_filter(random.normal(size=shape), width) * width**1.5 * 60 for width in (1, 3, 6)]
    affine = np.diag([*spacing_mm, 1.0])
    if axes is not None:
        affine[:3, :3] = axes @ affine[:3, :3]
    affine[:3, 3] = 3.0, -7.0, 11.0
    nibabel.save(nibabel.Nifti1Image((50 + np.sum(layers, axis=0)).astype(np.float32), affine), path)
    return path


def run_monai(config: Config, bundle: Path, image: Path) -> npt.NDArray[np.float32]:
    """Build the bundle's parts with MONAI's own parser, run them one after the other and return all channels."""
    from monai.bundle import ConfigParser
    from monai.data import MetaTensor

    parser = ConfigParser()
    parts = ("image_key", "patch", "preprocessing", "postprocessing", "inferer", "network_def")
    kept = copy.deepcopy({name: config[name] for name in parts})
    drop(kept, "postprocessing", "SaveImaged")
    parser.read_config(kept)
    prepare, finish, inferer, network = (
        parser.get_parsed_content(name) for name in ("preprocessing", "postprocessing", "inferer", "network_def")
    )
    network.load_state_dict(torch.load(bundle / "models" / "model.pt"))
    data = prepare({"image": str(image)})
    with torch.inference_mode():
        scores = inferer(data["image"][None], network.eval())[0]
    data["pred"] = MetaTensor(scores.as_tensor(), meta=data["image"].meta)
    answer: npt.NDArray[np.float32] = np.asarray(finish(data)["pred"])
    return answer


def run_segweb(bundle: Path, image: Path, out: Path) -> npt.NDArray[np.uint8]:
    out.mkdir()
    model = read_model(bundle, Naming())
    spec = replace(model.spec, folder=store_model(model, out))
    volume = read_input(image, series=None, modality="CT").volume
    return segment_with_network(volume, spec, lambda progress: None, focus=(0, 0, 0)).transpose(2, 1, 0)


def drop(config: Config, part: str, name: str) -> None:
    config[part]["transforms"] = [step for step in config[part]["transforms"] if step["_target_"] != name]


def leave_spacing_out(config: Config) -> None:
    drop(config, "preprocessing", "Spacingd")


def leave_softmax_out(config: Config) -> None:
    drop(config, "postprocessing", "Activationsd")


def leave_orientation_out(config: Config) -> None:
    drop(config, "preprocessing", "Orientationd")


def take_nearest(config: Config) -> None:
    config["postprocessing"]["transforms"][1]["nearest_interp"] = True


def bring_labels_back(config: Config) -> None:
    take_nearest(config)
    steps = config["postprocessing"]["transforms"]
    steps[1], steps[2] = steps[2], steps[1]


def take_sigmoid(config: Config) -> None:
    config["postprocessing"]["transforms"][0] = {"_target_": "Activationsd", "keys": "pred", "sigmoid": True}


def space(*pixdim: float) -> Callable[[Config], None]:
    def change(config: Config) -> None:
        config["preprocessing"]["transforms"][3]["pixdim"] = list(pixdim)

    return change


def leave(_: Config) -> None:
    """As the model zoo writes it: softmax, Invertd that interpolates, argmax."""


@pytest.mark.parametrize(
    ("change", "image"),
    [
        (leave, {}),
        (leave_spacing_out, {}),
        (leave_softmax_out, {}),
        (take_nearest, {}),
        (bring_labels_back, {}),
        (take_sigmoid, {}),
        (space(0.7, 0.8, 0.9), {"shape": (35, 40, 22), "spacing_mm": (1.3, 1.0, 2.0)}),
        (space(1.6, 1.6, 1.6), {"shape": (45, 40, 36), "spacing_mm": (1.0, 1.0, 1.0)}),  # 44 / 1.6 + 1 = 28.5 voxels
        (space(1.01, 1.0, 1.0), {"spacing_mm": (1.0, 1.0, 1.0)}),  # as many voxels, elsewhere
        (space(1.0005, 1.0, 1.0), {"spacing_mm": (1.0, 1.0, 1.0)}),  # so near that MONAI leaves it
        (leave, {"axes": LPS}),
        (leave_orientation_out, {"axes": LPS}),
        (leave, {"axes": OBLIQUE}),
        (leave, {"axes": SAGITTAL}),
        (leave, {"axes": SAGITTAL @ OBLIQUE}),
    ],
)
def test_a_bundle_gives_the_label_map_that_monai_gives(
    tmp_path: Path, change: Callable[[Config], None], image: dict[str, Any]
) -> None:
    config = make_inference()
    change(config)
    bundle = write_bundle(tmp_path / "bundle", config)
    path = write_image(tmp_path / "image.nii", **image)
    expected = run_monai(config, bundle, path)[0]
    assert len(np.unique(expected)) == 2
    differing = int((run_segweb(bundle, path, tmp_path / "models") != expected).sum())
    assert differing <= 2, "more than voxels whose scores tie to the last bits"


def test_regions_are_cut_at_interpolated_probabilities(tmp_path: Path) -> None:
    config = make_inference()
    take_sigmoid(config)
    steps = config["postprocessing"]["transforms"]
    steps[2] = {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5}
    bundle = write_bundle(tmp_path / "bundle", config)
    path = write_image(tmp_path / "image.nii")
    undecided = copy.deepcopy(config)
    drop(undecided, "postprocessing", "AsDiscreted")
    probabilities = run_monai(undecided, bundle, path)
    steps[2]["threshold"] = threshold = round(float(np.median(probabilities)), 3)
    (bundle / "configs" / "inference.json").write_text(json.dumps(config))
    first, second = run_monai(config, bundle, path) > 0
    assert 0 < (first | second).mean() < 1, threshold
    expected = np.where(second, 2, np.where(first, 1, 0))
    assert int((run_segweb(bundle, path, tmp_path / "models") != expected).sum()) <= 2


def test_label_numbers_are_not_mixed(tmp_path: Path) -> None:
    config = make_inference()
    steps = config["postprocessing"]["transforms"]
    steps[1], steps[2] = steps[2], steps[1]
    with pytest.raises(NotUnderstoodError, match="mix the numbers"):
        read_model(write_bundle(tmp_path / "bundle", config), Naming())


def find_peer() -> str | None:
    named = os.environ.get("SEGWEB_PEER_PYTHON")
    return named or (sys.executable if importlib.util.find_spec("ignite") else None)


@pytest.mark.skipif(find_peer() is None, reason="MONAI runs bundles by pytorch-ignite; name SEGWEB_PEER_PYTHON")
def test_a_bundle_gives_the_label_map_that_monai_bundle_run_gives(tmp_path: Path) -> None:
    config = make_inference()
    path = write_image(tmp_path / "image.nii")
    config |= {
        "device": "$torch.device('cpu')",
        "output_dir": str(tmp_path / "out"),
        "dataset": {"_target_": "Dataset", "data": [{"image": str(path)}], "transform": "@preprocessing"},
        "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1, "num_workers": 0},
        "handlers": [
            {"_target_": "CheckpointLoader", "load_path": "$@bundle_root + '/models/model.pt'",
             "load_dict": {"model": "@network"}}
        ],
        "evaluator": {
            "_target_": "SupervisedEvaluator", "device": "@device", "val_data_loader": "@dataloader",
            "network": "@network", "inferer": "@inferer", "postprocessing": "@postprocessing",
            "val_handlers": "@handlers",
        },
        "run": ["$@evaluator.run()"],
    }  # fmt: skip
    config["imports"] = ["$import torch"]
    config["postprocessing"]["transforms"][-1] |= {
        "output_dir": "@output_dir", "output_postfix": "labels", "output_ext": ".nii", "separate_folder": False,
    }  # fmt: skip
    bundle = write_bundle(tmp_path / "bundle", config)
    command = [str(find_peer()), "-m", "monai.bundle", "run", "--bundle_root", str(bundle)]
    command += ["--config_file", str(bundle / "configs" / "inference.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    expected = np.asarray(nibabel.load(tmp_path / "out" / "image_labels.nii").dataobj)
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text())
    assert len(np.unique(expected)) == metadata["network_data_format"]["outputs"]["pred"]["num_channels"]
    assert int((run_segweb(bundle, path, tmp_path / "models") != expected).sum()) <= 2
