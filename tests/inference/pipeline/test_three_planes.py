"""A network of slices over volumes: each voxel gets the mean of what three planes say, however the volume lies."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from inference.calibration import Calibration
from inference.model_spec import Method, ModelSpec
from inference.network_spec import InputChannel, NetworkSpec, Normalisation, Scheme, VolumeReading, WeightsFile
from inference.pipeline.job_maps import MapKind, gather_maps
from inference.pipeline.manifest import read_manifest, write_manifest
from inference.pipeline.network_run import segment_with_network
from inference.pipeline.networks import build_spec_network
from inference.pipeline.segment import segment
from inference.pipeline.three_planes import InThreePlanes, weigh_planes
from inference.pipeline.weights import encode_weights
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume
from studies.label_maps.label_map import SegmentDescription

SIDE = 16


class Counting:
    """A network of slices whose second score says what is told by `answer`; it counts the slices it is given."""

    together = 5
    classes = 2

    def __init__(self, answer) -> None:
        self._answer = answer
        self.count = 0

    def __call__(self, windows: Tensor) -> Tensor:
        self.count += len(windows)
        second = self._answer(windows[:, 0])
        return torch.stack([torch.zeros_like(second), second], dim=1)


def make_cube() -> Tensor:
    return torch.from_numpy(np.random.default_rng(1).normal(size=(1, 1, SIDE, SIDE, SIDE)).astype(np.float32))


def test_every_voxel_is_read_three_times_and_stays_where_it_is() -> None:
    cube = make_cube()
    scores = InThreePlanes(Counting(lambda slices: 3 * slices))(cube)
    torch.testing.assert_close(scores[0, 1], 3 * cube[0, 0])


def test_rows_and_columns_of_each_plane_run_as_the_volume_has_them() -> None:
    """A network that answers with the row of its slice: rows are axis 1, 0 and 0 of the volume for the three planes."""
    rows = torch.arange(SIDE, dtype=torch.float32)[None, :, None].expand(1, SIDE, SIDE)
    forward = Counting(lambda slices: rows[:, None].expand(len(slices), 1, SIDE, SIDE) + 0 * slices)
    scores = InThreePlanes(forward)(make_cube())[0, 1]
    planes, lines, _ = torch.meshgrid(*[torch.arange(SIDE, dtype=torch.float32)] * 3, indexing="ij")
    torch.testing.assert_close(scores, (lines + planes + planes) / 3)


def test_planes_of_strips_count_less() -> None:
    assert weigh_planes((200.0, 200.0, 200.0)) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    # a slab of 100 mm: seen from above whole slices, from front and side strips of half the height
    assert weigh_planes((100.0, 200.0, 200.0)) == pytest.approx((4 / 6, 1 / 6, 1 / 6))
    cube = make_cube()
    # the network says 1 where a slice's second row is and 0 else: the second plane of axis 0 for two of the planes
    row = torch.zeros(1, 1, SIDE, SIDE)
    row[:, :, 1] = 1.0
    scores = InThreePlanes(Counting(lambda slices: row.expand(len(slices), 1, SIDE, SIDE)), (0.5, 0.3, 0.2))(cube)[0, 1]
    assert scores[5, 1, 5] == pytest.approx(0.5)
    assert scores[1, 5, 5] == pytest.approx(0.5)
    assert scores[1, 1, 5] == pytest.approx(1.0)
    assert scores[5, 5, 5] == 0.0


def test_slices_of_one_value_are_asked_once() -> None:
    cube = torch.zeros(1, 1, SIDE, SIDE, SIDE)
    cube[0, 0, 4:8, 5:9, 6:10] = make_cube()[0, 0, :4, :4, :4]
    forward = Counting(lambda slices: slices + 1)
    scores = InThreePlanes(forward)(cube)
    torch.testing.assert_close(scores[0, 1], cube[0, 0] + 1)
    assert forward.count == 3 * (4 + 1)


def make_spec(folder: Path) -> ModelSpec:
    """Return a network of slices that marks what is bright: one 1 x 1 convolution does, set by hand."""
    network = NetworkSpec(
        "unet", {"channels": (4, 4)}, (WeightsFile("slices.pt", ""),), (1, 32, 32), flat_axis=0, longest_side=32,
        channels=(InputChannel("image", Normalisation(Scheme.RANGE)),), volumes=VolumeReading(1.5, 2.5, "IPL"),
    )  # fmt: skip
    module = build_spec_network(network, 2)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.fill_(1.0 if ".1.weight" in name else 0.0)
        first, second = (each for each in module.network.stem.modules() if isinstance(each, torch.nn.Conv2d))
        first.weight[0, 0, 1, 1] = second.weight[0, 0, 1, 1] = 1.0
        merge = [each for each in module.network.merge.modules() if isinstance(each, torch.nn.Conv2d)]
        merge[0].weight[0, 0, 1, 1] = merge[1].weight[0, 0, 1, 1] = 1.0
        module.network.head.weight[1, 0] = 10.0
        module.network.head.bias[1] = -5.0
    data = encode_weights(module)
    (folder / "slices.pt").write_bytes(data)
    network = replace(network, weights=(WeightsFile("slices.pt", hashlib.sha256(data).hexdigest()),))
    return ModelSpec(
        "slices", "1", "Slices", "", "", Method.NETWORK, frozenset({"MR"}), (SegmentDescription(1, "Bright"),),
        network=network, folder=folder,
    )  # fmt: skip


def make_box(shape: tuple[int, int, int], spacing: tuple[float, float, float], axes: tuple[float, ...]) -> Volume:
    """Return a box that fills the middle half of each axis."""
    voxels = np.zeros(shape, np.float32)
    voxels[tuple(slice(n // 4, n - n // 4) for n in shape)] = 1.0
    return Volume(voxels, VolumeGeometry(shape, spacing, (0.0, 0.0, 0.0), axes), "MR")


AXIAL = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)


@pytest.mark.parametrize("spacing", [(2.0, 2.0, 2.0), (5.0, 1.0, 1.0), (1.0, 3.0, 3.0)])
def test_a_box_in_a_volume_is_found_at_any_spacing(tmp_path: Path, spacing: tuple[float, float, float]) -> None:
    shape = tuple(max(8, round(64 / s)) for s in spacing)
    volume = make_box(shape, spacing, AXIAL)
    found = segment_with_network(volume, make_spec(tmp_path), lambda progress: None, focus=(0, 0, 0))
    overlap = 2 * (found & (volume.voxels > 0)).sum() / (found.sum() + (volume.voxels > 0).sum())
    assert overlap > 0.9


def test_pictures_and_few_slices_are_read_slice_by_slice(tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    picture = make_box((1, 60, 60), (1.0, 1.0, 1.0), AXIAL)
    picture = replace(picture, voxels=picture.voxels * 0 + np.pad(np.ones((30, 30), np.float32), 15)[None])
    found = segment_with_network(picture, spec, lambda progress: None, focus=(0, 0, 0))
    overlap = 2 * (found & (picture.voxels > 0)).sum() / (found.sum() + (picture.voxels > 0).sum())
    assert overlap > 0.95


def test_the_manifest_keeps_how_volumes_are_read(tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    write_manifest(tmp_path / "slices.json", spec, provenance={})
    assert read_manifest(tmp_path / "slices.json").network == spec.network


def test_only_square_slices_make_cubes(tmp_path: Path) -> None:
    network = make_spec(tmp_path).network
    assert network is not None
    with pytest.raises(ValueError, match="square"):
        replace(network, window=(1, 32, 16))


@pytest.mark.parametrize(("longest", "spacing"), [(64.0, 2.03), (20.0, 1.5), (300.0, 2.5)])
def test_a_volume_fills_the_window_within_bounds(tmp_path: Path, longest: float, spacing: float) -> None:
    network = make_spec(tmp_path).network
    assert network is not None
    cubes = network.place_in_volume(longest)
    assert cubes.window == (32, 32, 32)
    assert cubes.spacing_mm == pytest.approx((spacing,) * 3, abs=0.01)
    assert longest > 64 or round(longest / cubes.spacing_mm[0]) <= 32


def test_a_temperature_of_single_slices_is_not_laid_on_a_volume(tmp_path: Path) -> None:
    plain = make_spec(tmp_path)
    fitted = replace(plain, calibration=Calibration(3.0, 40, is_of_single_images=True))

    def doubt(spec: ModelSpec, volume: Volume) -> np.ndarray:
        with gather_maps() as maps:
            segment(volume, spec, lambda _: None, parameters={})
        return maps[MapKind.UNCERTAINTY].voxels

    slices, volume = make_box((1, 64, 64), (2.0, 2.0, 2.0), AXIAL), make_box((32, 32, 32), (2.0, 2.0, 2.0), AXIAL)
    assert doubt(fitted, slices).mean() > 2 * doubt(plain, slices).mean()
    np.testing.assert_array_equal(doubt(fitted, volume), doubt(plain, volume))
