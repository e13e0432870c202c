"""Plans of both generations, labels and the numbers that checkpoints log."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from inference.formats.nnunet_checkpoint import read_checkpoint
from inference.pipeline.nnunet_layers import read_layers
from inference.pipeline.nnunet_networks import NnunetNetwork, pick_parameters
from inference.pipeline.nnunet_plan import PlanError, read_heads, resolve_configuration
from tests.inference.formats.nnunet_folders import PLAIN, RESIDUAL, FolderSpec, write_folder


def old_plans(network: str) -> dict[str, object]:
    return {
        "UNet_class_name": network,
        "UNet_base_num_features": 4,
        "unet_max_num_features": 10,
        "n_conv_per_stage_encoder": [1, 2, 2],
        "n_conv_per_stage_decoder": [1, 1],
        "num_pool_per_axis": [1, 2, 2],
        "pool_op_kernel_sizes": [[1, 1, 1], [2, 2, 2], [1, 2, 2]],
        "conv_kernel_sizes": [[1, 3, 3], [3, 3, 3], [3, 3, 3]],
    }


def new_plans(network: str) -> dict[str, object]:
    convolutions = "n_blocks_per_stage" if network.endswith("ResidualEncoderUNet") else "n_conv_per_stage"
    return {
        "architecture": {
            "network_class_name": network,
            "arch_kwargs": {
                "n_stages": 3,
                "features_per_stage": [4, 8, 10],
                "conv_op": "torch.nn.modules.conv.Conv3d",
                "kernel_sizes": [[1, 3, 3], [3, 3, 3], [3, 3, 3]],
                "strides": [[1, 1, 1], [2, 2, 2], [1, 2, 2]],
                convolutions: [1, 2, 2],
                "n_conv_per_stage_decoder": [1, 1],
                "conv_bias": True,
                "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
                "norm_op_kwargs": {"eps": 1e-5, "affine": True},
                "dropout_op": None,
                "dropout_op_kwargs": None,
                "nonlin": "torch.nn.LeakyReLU",
                "nonlin_kwargs": {"inplace": True},
            },
        }
    }


@pytest.mark.parametrize("network", [PLAIN, RESIDUAL])
def test_old_plans_describe_the_same_network_as_new_ones(network: str) -> None:
    assert read_layers(old_plans(network.rpartition(".")[2]), 3) == read_layers(new_plans(network), 3)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"bottleneck_channels": [2, 3, 4], "stem_channels": 6},
        {"norm_op": "torch.nn.BatchNorm3d", "norm_op_kwargs": {}},
        {"nonlin": "torch.nn.ReLU", "nonlin_kwargs": {}},
        {"n_stages": 2, "features_per_stage": 5, "kernel_sizes": 3, "strides": [1, 2], "n_blocks_per_stage": 1,
         "n_conv_per_stage_decoder": 2},
    ],
)  # fmt: skip
def test_a_residual_network_answers_on_the_grid_of_its_window(changed: dict[str, object]) -> None:
    plans = new_plans(RESIDUAL)
    plans["architecture"]["arch_kwargs"].update(changed)  # type: ignore[index]
    network = NnunetNetwork(read_layers(plans, 3), 2, 4).eval()
    assert network(torch.zeros(1, 2, 8, 16, 16)).shape == (1, 4, 8, 16, 16)
    assert set(pick_parameters(network, network.state_dict())) == set(network.state_dict())


def test_a_configuration_inherits_from_another() -> None:
    plans = {"configurations": {"a": {"x": 1, "y": 2}, "b": {"inherits_from": "a", "y": 3}}}
    assert resolve_configuration(plans, "b") == {"x": 1, "y": 3, "inherits_from": "a"}
    plans["configurations"]["a"]["inherits_from"] = "b"  # type: ignore[assignment]
    with pytest.raises(PlanError):
        resolve_configuration(plans, "b")


def test_a_region_that_is_painted_over_is_named_for_what_remains() -> None:
    labels = {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "enhancing": 3, "ignore": 4}
    heads = read_heads({"labels": labels, "regions_class_order": [1, 2, 3]})
    assert heads.labels == ((1, "whole without core"), (2, "core without enhancing"), (3, "enhancing"))
    assert (heads.values, heads.regions, heads.count) == ((1, 2, 3), (1, 2, 3), 3)


def test_what_a_checkpoint_logs_is_read_as_numbers_without_numpy(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, FolderSpec(mirror=(0, 2)))
    checkpoint = read_checkpoint(folder / "fold_0" / "checkpoint_final.pth")
    assert (checkpoint.configuration, checkpoint.trainer) == ("3d_fullres", "nnUNetTrainer")
    assert (checkpoint.epochs, checkpoint.pseudo_dice, checkpoint.mirror_axes) == (1000, 0.75, (0, 2))


@pytest.mark.parametrize("value", [np.float32(0.5), np.float64(0.5), 0.5])
def test_the_best_dice_may_be_any_kind_of_float(tmp_path: Path, value: float) -> None:
    folder = write_folder(tmp_path, FolderSpec())
    path = folder / "fold_0" / "checkpoint_final.pth"
    torch.save(torch.load(path, weights_only=False) | {"_best_ema": value}, path)
    assert read_checkpoint(path).pseudo_dice == 0.5
