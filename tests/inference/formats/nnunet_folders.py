"""Result folders in nnU-Net's own file forms, of networks whose answer is known from their weights.

Each network copies its normalised input through every layer and calls a voxel foreground where it is above a level:
no training, and the right label map is a comparison of grey values. `nnunetv2` itself reads these folders.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inference.pipeline.nnunet_networks import NnunetNetwork
from inference.pipeline.nnunet_plan import read_plan

PLAIN = "dynamic_network_architectures.architectures.unet.PlainConvUNet"
RESIDUAL = "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet"
LABELS = {"background": 0, "lesion": 1}


@dataclass(frozen=True)
class FolderSpec:
    """What a result folder shall hold.

    `levels` are the normalised values above which each score exceeds that of the background (or, for regions, zero);
    `copied` is the input channel that is compared. Random weights where `levels` is empty.
    """

    configuration: str = "3d_fullres"
    patch: tuple[int, ...] = (8, 24, 24)
    spacing: tuple[float, ...] = (2.0, 1.0, 1.0)
    labels: Mapping[str, Any] = field(default_factory=lambda: dict(LABELS))
    order: tuple[int, ...] | None = None
    channels: tuple[str, ...] = ("MR",)
    schemes: tuple[str, ...] = ("ZScoreNormalization",)
    masked: tuple[bool, ...] = (False,)
    levels: tuple[float, ...] = (0.0,)
    copied: int = 0
    network: str = PLAIN
    transpose: tuple[int, int, int] = (0, 1, 2)
    previous: str | None = None
    folds: int = 1
    mirror: tuple[int, ...] | None = None
    reader: str = "SimpleITKIO"
    is_old: bool = False
    has_norm: bool = False
    changed: Mapping[str, Any] = field(default_factory=dict)
    """Set on the configuration last."""

    @property
    def folder_name(self) -> str:
        return f"nnUNetTrainer__nnUNetPlans__{self.configuration}"


def write_folder(root: Path, *specs: FolderSpec) -> Path:
    """Write one folder per spec, all with the plans of all, and return the last one."""
    plans = _plans(specs)
    folder = root
    for number, spec in enumerate(specs):
        dataset = _dataset(spec)
        folder = root / spec.folder_name
        folder.mkdir(parents=True)
        (folder / "plans.json").write_text(json.dumps(plans))
        (folder / "dataset.json").write_text(json.dumps(dataset))
        for fold in range(spec.folds):
            (folder / f"fold_{fold}").mkdir()
            checkpoint = make_checkpoint(spec, plans, dataset, seed=10 * number + fold)
            torch.save(checkpoint, folder / f"fold_{fold}" / "checkpoint_final.pth")
    return folder


def make_checkpoint(spec: FolderSpec, plans: dict[str, Any], dataset: dict[str, Any], *, seed: int) -> dict[str, Any]:
    """Return what nnU-Net's trainer saves."""
    plan = read_plan(plans, dataset, spec.configuration)
    torch.manual_seed(seed)
    network = NnunetNetwork(plan.layers, plan.channels_in, plan.heads.count)
    if spec.levels:
        _copy_input(network, spec)
    tensors = dict(network.state_dict())
    optimised = [tensor.clone() for tensor in tensors.values()]
    return {
        "network_weights": _with_further_names(tensors, spec),
        "optimizer_state": {"state": {0: {"momentum_buffer": optimised[0]}}, "param_groups": [{"lr": 0.01}]},
        "grad_scaler_state": None,
        "logging": {"ema_fg_dice": [np.float64(0.75), np.float32(0.5)], "train_losses": [np.float32(-0.25)]},
        "_best_ema": np.float64(0.75),
        "current_epoch": 1000,
        "init_args": {
            "plans": plans,
            "configuration": spec.configuration,
            "fold": 0,
            "dataset_json": dataset,
            "device": torch.device("cpu"),
        },
        "trainer_name": "nnUNetTrainer",
        "inference_allowed_mirroring_axes": spec.mirror,
    }


def _copy_input(network: NnunetNetwork, spec: FolderSpec) -> None:
    """Let the first feature map of every layer at full resolution be the input, and compare it at the end."""
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            tensor.zero_()
            is_detour = ".blocks." in name and ".skip." not in name
            if tensor.ndim < 3 or "transpconvs" in name or is_detour:
                continue
            middle = tuple(size // 2 for size in tensor.shape[2:])
            is_first = name.startswith(("encoder.stages.0.0.convs.0.", "encoder.stem."))
            source = spec.copied if is_first else 0
            if name.startswith("decoder.stages"):
                source = tensor.shape[1] // 2  # behind the features that come up from below
            tensor[(0, source, *middle)] = 1.0
        head = network.decoder.seg_layers[-1]
        head.weight.zero_()
        is_region = spec.order is not None
        for number, level in enumerate(spec.levels):
            score = number if is_region else number + 1
            # of plain labels the later one must win above its own level: a steeper line through it
            slope = 1.0 if is_region else 2.0**number
            head.weight[(score, 0, *([0] * (head.weight.ndim - 2)))] = slope
            head.bias[score] = -slope * level if is_region else _find_constant(spec.levels, number)


def _find_constant(levels: Sequence[float], number: int) -> float:
    constant = -levels[0]
    for later in range(1, number + 1):
        constant -= (2.0**later - 2.0 ** (later - 1)) * levels[later]
    return constant


def _with_further_names(tensors: Mapping[str, torch.Tensor], spec: FolderSpec) -> dict[str, torch.Tensor]:
    """Add the names under which nnU-Net lists the same tensors again, and the heads of deep supervision."""
    listed: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        listed[name] = tensor
        for part, place in ((".conv.", ".all_modules.0."), (".norm.", ".all_modules.1.")):
            if part in name:
                listed[name.replace(part, place)] = tensor
    listed |= {f"decoder.{name}": tensor for name, tensor in list(listed.items()) if name.startswith("encoder.")}
    last = max(int(name.split(".")[2]) for name in tensors if name.startswith("decoder.seg_layers."))
    final = tensors[f"decoder.seg_layers.{last}.weight"]
    for level in range(last):
        features = tensors[f"decoder.transpconvs.{level}.weight"].shape[1]
        listed[f"decoder.seg_layers.{level}.weight"] = torch.zeros(final.shape[0], features, *final.shape[2:])
        listed[f"decoder.seg_layers.{level}.bias"] = torch.zeros(final.shape[0])
    return listed


def _dataset(spec: FolderSpec) -> dict[str, Any]:
    dataset: dict[str, Any] = {
        "channel_names": {str(number): name for number, name in enumerate(spec.channels)},
        "labels": dict(spec.labels),
        "numTraining": 5,
        "file_ending": ".nii.gz",
    }
    if spec.order is not None:
        dataset["regions_class_order"] = list(spec.order)
    return dataset


def _plans(specs: Sequence[FolderSpec]) -> dict[str, Any]:
    first = specs[0]
    intensities = {"percentile_00_5": -100.0, "percentile_99_5": 300.0, "mean": 100.0, "std": 50.0}
    return {
        "dataset_name": "Dataset777_Tiny",
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [1.0, 1.0, 1.0],
        "original_median_shape_after_transp": [32, 32, 32],
        "image_reader_writer": first.reader,
        "transpose_forward": list(first.transpose),
        "transpose_backward": [int(axis) for axis in np.argsort(first.transpose)],
        "configurations": {spec.configuration: _configuration(spec) for spec in specs},
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {
            str(number): intensities for number in range(len(first.channels))
        },
    }


def _configuration(spec: FolderSpec) -> dict[str, Any]:
    name = "resample_data_or_seg_to_shape"
    content: dict[str, Any] = {
        "data_identifier": f"nnUNetPlans_{spec.configuration}",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": list(spec.patch),
        "median_image_size_in_voxels": [32.0] * len(spec.patch),
        "spacing": list(spec.spacing),
        "normalization_schemes": list(spec.schemes),
        "use_mask_for_norm": list(spec.masked),
        "batch_dice": False,
    }
    for key, is_labels, order in (("data", False, 3), ("seg", True, 1), ("probabilities", False, 1)):
        content[f"resampling_fn_{key}"] = name
        content[f"resampling_fn_{key}_kwargs"] = {
            "is_seg": is_labels,
            "order": order,
            "order_z": 0,
            "force_separate_z": None,
        }
    content |= _old_architecture(spec) if spec.is_old else {"architecture": _architecture(spec)}
    if spec.previous:
        content["previous_stage"] = spec.previous
    return content | dict(spec.changed)


def _architecture(spec: FolderSpec) -> dict[str, Any]:
    dimensions = len(spec.patch)
    stages = "n_blocks_per_stage" if spec.network == RESIDUAL else "n_conv_per_stage"
    return {
        "network_class_name": spec.network,
        "arch_kwargs": {
            "n_stages": 3,
            "features_per_stage": [4, 6, 8],
            "conv_op": f"torch.nn.modules.conv.Conv{dimensions}d",
            "kernel_sizes": [[3] * dimensions] * 3,
            "strides": [[1] * dimensions, [2] * dimensions, [1] * (dimensions - 2) + [2, 2]],
            stages: [1, 2, 2],
            "n_conv_per_stage_decoder": [1, 1],
            "conv_bias": True,
            "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dimensions}d" if spec.has_norm else None,
            "norm_op_kwargs": {"eps": 1e-5, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }


def _old_architecture(spec: FolderSpec) -> dict[str, Any]:
    dimensions = len(spec.patch)
    return {
        "UNet_class_name": spec.network.rpartition(".")[2],
        "UNet_base_num_features": 4,
        "unet_max_num_features": 8,
        "n_conv_per_stage_encoder": [1, 2, 2],
        "n_conv_per_stage_decoder": [1, 1],
        "num_pool_per_axis": [2] * dimensions,
        "pool_op_kernel_sizes": [[1] * dimensions, [2] * dimensions, [2] * dimensions],
        "conv_kernel_sizes": [[3] * dimensions] * 3,
    }
