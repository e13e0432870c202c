"""A small MONAI bundle, written as its makers would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from inference.pipeline.networks import build_network

NETWORK = {"channels": [4, 8], "strides": [2], "num_res_units": 1, "norm": "batch"}
METADATA: dict[str, Any] = {
    "version": "0.1.0",
    "monai_version": "1.6.1",
    "name": "Tiny spleen",
    "task": "Spleen segmentation",
    "description": "Marks the spleen in CT.",
    "intended_use": "Tests.",
    "license": "Apache-2.0",
    "authors": "Somebody",
    "network_data_format": {
        "inputs": {"image": {"type": "image", "modality": "CT", "num_channels": 1, "channel_def": {"0": "image"}}},
        "outputs": {"pred": {"num_channels": 2, "channel_def": {"0": "background", "1": "Spleen"}}},
    },
}


def make_inference() -> dict[str, Any]:
    """Return a configuration in the form of MONAI's model zoo."""
    return {
        "imports": ["$import glob"],
        "image_key": "image",
        "patch": [32, 32, 32],
        "network_def": {"_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 2, **NETWORK},
        "network": "$@network_def.to(@device)",
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "@image_key"},
                {"_target_": "EnsureChannelFirstd", "keys": "@image_key"},
                {"_target_": "Orientationd", "keys": "@image_key", "axcodes": "RAS"},
                {"_target_": "Spacingd", "keys": "@image_key", "pixdim": [1.5, 1.5, 2.0], "mode": "bilinear"},
                {
                    "_target_": "ScaleIntensityRanged",
                    "keys": "@image_key",
                    "a_min": -57, "a_max": 164, "b_min": 0, "b_max": 1, "clip": True,
                },
                {"_target_": "EnsureTyped", "keys": "@image_key"},
            ],
        },
        "dataset": {"_target_": "Dataset", "data": "$@datalist", "transform": "@preprocessing"},
        "inferer": {
            "_target_": "SlidingWindowInferer",
            "roi_size": "@patch", "sw_batch_size": 4, "overlap": 0.5, "mode": "gaussian",
        },
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "Activationsd", "keys": "pred", "softmax": True},
                {
                    "_target_": "Invertd",
                    "keys": "pred",
                    "transform": "@preprocessing",
                    "orig_keys": "@image_key",
                    "nearest_interp": False,
                    "to_tensor": True,
                },
                {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
                {"_target_": "SaveImaged", "keys": "pred", "output_dir": "$@output_dir"},
            ],
        },
    }  # fmt: skip


def write_bundle(folder: Path, inference: dict[str, Any] | None = None, metadata: dict[str, Any] | None = None) -> Path:
    """Write a bundle with random weights and return its folder."""
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata or METADATA))
    (folder / "configs" / "inference.json").write_text(json.dumps(inference or make_inference()))
    torch.manual_seed(3)
    arguments = {name: tuple(value) if isinstance(value, list) else value for name, value in NETWORK.items()}
    torch.save(build_network("monai.UNet", arguments, 2).state_dict(), folder / "models" / "model.pt")
    return folder
