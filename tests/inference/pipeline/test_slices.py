"""Networks that know no millimetres: each slice is brought to a size, read, and its labels brought back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inference.formats.imported import digest_file
from inference.model_spec import Method, ModelSpec, Progress
from inference.network_spec import InputChannel, NetworkSpec, Normalisation
from inference.pipeline.manifest import read_manifest, write_manifest
from inference.pipeline.segment import segment
from inference.pipeline.working_grid import fit_slices
from studies.label_maps.label_map import SegmentDescription
from tests.inference.volumes import make_volume, measure_dice
from tests.torchscript import encode_script


class Bright(torch.nn.Module):
    """Marks what exceeds 100, and refuses windows of another size than it was made for."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        assert list(image.shape[1:]) == [1, 32, 64]
        score = image - 100.0
        return torch.cat([torch.zeros_like(score), score], dim=1)


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    (tmp_path / "model.ts").write_bytes(encode_script(Bright()))
    return ModelSpec(
        name="bright", version="1", title="Bright", summary="Marks what is bright.", limits="Tests.",
        method=Method.NETWORK, modalities=frozenset(), segments=(SegmentDescription(1, "Bright"),), folder=tmp_path,
        network=NetworkSpec(
            "torchscript", {}, (digest_file("model.ts", (tmp_path / "model.ts").read_bytes()),), (1, 32, 64),
            channels=(InputChannel("image", Normalisation()),), longest_side=64, flat_axis=0,
        ),
    )  # fmt: skip


def ignore(progress: Progress) -> None:
    pass


@pytest.mark.parametrize("shape", [(3, 90, 180), (2, 17, 33), (1, 64, 20)])
def test_slices_of_any_size_are_read_at_one_size_and_labelled_at_their_own(spec: ModelSpec, shape) -> None:
    rows, columns = np.mgrid[: shape[1], : shape[2]]
    disc = (rows - shape[1] / 2) ** 2 + (columns - shape[2] / 2) ** 2 <= (min(shape[1:]) / 3) ** 2
    voxels = np.where(np.broadcast_to(disc, shape), 180, 20).astype(np.uint8)
    label_map = segment(make_volume(voxels, modality="US"), spec, ignore, parameters={})
    assert label_map.voxels.shape == shape
    assert measure_dice(label_map.voxels > 0, voxels > 100) > 0.9


def test_proportions_and_slices_stay() -> None:
    assert fit_slices((5, 600, 800), 320).shape == (5, 240, 320)
    assert fit_slices((1, 800, 600), 320).shape == (1, 320, 240)
    assert fit_slices((2, 1, 4000), 64).shape == (2, 1, 64)


def test_the_manifest_keeps_it(spec: ModelSpec, tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.json", spec, provenance={})
    again = read_manifest(tmp_path / "manifest.json")
    assert again.network == spec.network
    assert not again.needs_volume
    with pytest.raises(ValueError, match="not by both"):
        replace(again.network, spacing_mm=(1.0, 1.0, 1.0))
