"""Dilated convolutions in blocks give the scores of torch's own, whatever the sizes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from inference.pipeline import dilated_blocks
from inference.pipeline.backends.choice import NetworkSource, check_backends, find_sample_shape, list_candidates
from inference.pipeline.backends.records import Backend
from inference.pipeline.dilated_blocks import run_in_blocks
from inference.pipeline.meshnet import MeshNet


def make_meshnet(
    filters: tuple[int, ...],
    kernels: tuple[int, ...],
    dilations: tuple[int, ...],
    activation: str,
    *,
    is_normalised: bool,
) -> MeshNet:
    torch.manual_seed(5)
    inner = len(filters) - 1
    network = MeshNet(
        2,
        filters[-1],
        filters=filters,
        kernels=kernels,
        dilations=dilations,
        activations=(*(activation,) * inner, "linear"),
        is_normalised=(*(is_normalised,) * inner, False),
        has_bias=(*(not is_normalised,) * inner, True),
    )
    return network.eval()


@pytest.mark.parametrize("block_voxels", [200, 2**17])
@pytest.mark.parametrize(
    ("filters", "kernels", "dilations", "activation", "is_normalised"),
    [
        ((15, 15, 15, 2), (3, 3, 3, 1), (8, 2, 1, 1), "gelu", True),
        ((5, 5, 9, 3), (3, 3, 3, 1), (1, 3, 16, 1), "relu", False),
        ((4, 6, 2), (5, 1, 3), (2, 1, 1), "elu", True),
        ((8, 8, 2), (3, 3, 1), (40, 2, 1), "gelu", False),
    ],
)
@pytest.mark.parametrize("shape", [(32, 16, 24), (17, 22, 29), (3, 33, 5), (1, 9, 10)])
def test_blocks_give_torchs_scores(
    monkeypatch: pytest.MonkeyPatch,
    block_voxels: int,
    filters: tuple[int, ...],
    kernels: tuple[int, ...],
    dilations: tuple[int, ...],
    activation: str,
    is_normalised: bool,
    shape: tuple[int, int, int],
) -> None:
    monkeypatch.setattr(dilated_blocks, "_BLOCK_VOXELS", block_voxels)
    network = make_meshnet(filters, kernels, dilations, activation, is_normalised=is_normalised)
    image = torch.randn(2, *shape)
    before = image.clone()
    with torch.inference_mode():
        expected = network(image[None])[0]
    torch.testing.assert_close(run_in_blocks(network, image), expected, atol=2e-5, rtol=1e-4)
    assert torch.equal(image, before), "the caller's image was written to"


def test_blocks_compute_convolutions_of_whole_numbers_exactly() -> None:
    network = make_meshnet((8, 2), (3, 3), (4, 2), "relu", is_normalised=False)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randint(-3, 4, parameter.shape).float())
    image = torch.randint(-5, 6, (2, 21, 18, 30)).float()
    with torch.inference_mode():
        assert torch.equal(run_in_blocks(network, image), network(image[None])[0])


def test_a_flat_image_is_not_stretched_into_structure() -> None:
    network = make_meshnet((8, 8, 2), (3, 3, 1), (1, 1, 1), "gelu", is_normalised=True)
    image = torch.full((2, 12, 12, 12), 3.0)
    with torch.inference_mode():
        expected = network(image[None])[0]
    torch.testing.assert_close(run_in_blocks(network, image), expected, atol=2e-5, rtol=1e-4)


def test_a_meshnet_is_checked_in_blocks_on_a_part_of_its_window() -> None:
    network = make_meshnet((8, 8, 3), (3, 3, 1), (2, 1, 1), "gelu", is_normalised=True)
    nn.init.normal_(next(iter(network.convolutions[-1].parameters())), std=3.0)
    source = NetworkSource(network, None, (2, 256, 20, 256), 3)
    assert find_sample_shape(source) == (2, 64, 20, 64)
    checks = check_backends(source, torch.device("cpu"), torch.randn(1, 2, 16, 20, 24))
    assert [check.candidate for check in checks] == list(list_candidates(source, torch.device("cpu")))
    assert checks[1].candidate.backend is Backend.BLOCKS
    assert checks[1].has_passed
