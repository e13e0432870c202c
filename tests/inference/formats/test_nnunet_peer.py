"""The same label map as nnU-Net's own predictor, from the same result folder; runs where `nnunetv2` is installed.

nnU-Net adds up scores in half precision, which decides voxels whose scores nearly tie by rounding. It is made to add
them up in single precision here, so that what remains are differences of method: none.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from tests.inference.formats.nnunet_folders import RESIDUAL, FolderSpec, write_folder
from tests.inference.formats.test_nnunet import install, one_thread, run
from tests.inference.volumes import ball

predicting = pytest.importorskip(
    "nnunetv2.inference.predict_from_raw_data", reason="nnU-Net is a peer to compare with, installed apart"
)

__all__ = ["one_thread"]
"""A fixture that every test uses."""

SHAPE = (11, 45, 38)
SPACING = (3.1, 1.3, 1.1)


def noise(seed: int) -> npt.NDArray[np.float32]:
    random = np.random.default_rng(seed)
    voxels = 100 + 100 * ball(SHAPE, (5, 20, 20), 14.0, SPACING) + random.normal(0, 20, SHAPE)
    body = ball(SHAPE, (5, 22, 19), 19.0, SPACING)
    return np.where(body, voxels, 0.0).astype(np.float32)


def predict(folder: Path, images: npt.NDArray[np.float32], previous: npt.NDArray | None, *, mirrored: bool) -> Any:
    peer = predicting.nnUNetPredictor(
        use_mirroring=mirrored, device=torch.device("cpu"), allow_tqdm=False, perform_everything_on_device=False
    )
    peer.initialize_from_trained_model_folder(str(folder), None)
    # the label map of the stage before comes from a file there, with signed values
    before = None if previous is None else previous[None].astype(np.int8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "half", torch.float32)
        return peer.predict_single_npy_array(images, {"spacing": list(SPACING)}, before)


THREE = {"background": 0, "a": 1, "b": 2}
RANDOM = FolderSpec(levels=(), has_norm=True, labels=THREE, spacing=(3.0, 1.0, 1.0))


@pytest.mark.parametrize(
    "wanted",
    [
        RANDOM,
        replace(RANDOM, spacing=(1.5, 1.6, 1.4), patch=(16, 16, 16), folds=2),
        replace(RANDOM, spacing=(6.0, 1.0, 1.0), patch=(4, 32, 32), mirror=(0, 1, 2)),
        replace(RANDOM, network=RESIDUAL, masked=(True,)),
        replace(RANDOM, configuration="2d", patch=(32, 24), spacing=(1.0, 1.2), mirror=(0, 1)),
        replace(RANDOM, transpose=(2, 0, 1), spacing=(1.0, 3.0, 1.0)),
        replace(RANDOM, schemes=("CTNormalization",), is_old=True),
        replace(RANDOM, labels={"background": 0, "whole": [1, 2], "core": 2}, order=(1, 2)),
        replace(RANDOM, patch=(32, 64, 64)),
    ],
)
def test_a_folder_gives_the_label_map_that_nnunet_gives(tmp_path: Path, wanted: FolderSpec) -> None:
    folder = write_folder(tmp_path / "in", wanted)
    spec = install(folder, tmp_path / "out")
    images = np.stack([noise(seed) for seed, _ in enumerate(wanted.channels)])
    expected = predict(folder, images, None, mirrored=wanted.mirror is not None)
    labels = run(spec, *images, spacing_mm=SPACING)
    assert len(np.unique(expected)) > 1
    assert int((labels != expected).sum()) <= 1e-5 * labels.size


def test_a_cascade_gives_the_label_map_that_nnunet_gives(tmp_path: Path) -> None:
    first = replace(RANDOM, configuration="3d_lowres", spacing=(4.0, 2.0, 2.0), patch=(8, 16, 16))
    second = replace(RANDOM, configuration="3d_cascade_fullres", previous="3d_lowres")
    folder = write_folder(tmp_path / "in", first, second)
    spec = install(tmp_path / "in", tmp_path / "out")
    images = noise(1)[None]
    before = predict(folder.parent / first.folder_name, images, None, mirrored=False)
    expected = predict(folder, images, before, mirrored=False)
    labels = run(spec, *images, spacing_mm=SPACING)
    assert int((labels != expected).sum()) <= 1e-3 * labels.size
