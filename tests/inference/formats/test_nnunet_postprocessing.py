"""Only the largest part of a structure stays where an nnU-Net folder says so; expected label maps by geometry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.formats.imported import Naming
from inference.formats.nnunet import read_nnunet
from inference.formats.refusals import BrokenModelError
from inference.model_spec import Progress
from inference.pipeline.largest_component import HoldBack, keep_largest
from inference.pipeline.network_run import segment_channels
from studies.imaging.geometry import VolumeGeometry
from tests.inference.formats.nnunet_folders import FolderSpec, write_folder
from tests.inference.formats.test_nnunet import SHAPE, SPACING, install, one_thread, run
from tests.inference.volumes import AXIAL, Recorder, ball

__all__ = ["one_thread"]
"""A fixture that every test uses."""

REMOVE = "remove_all_but_largest_component_from_segmentation"
TWO = FolderSpec(
    labels={"background": 0, "oedema": 1, "tumour": 2}, schemes=("NoNormalization",), levels=(150.0, 250.0)
)
LARGE = ball(SHAPE, (6.0, 14.0, 12.0), 8.0, SPACING)
SMALL = ball(SHAPE, (9.0, 33.0, 30.0), 3.0, SPACING)
CORE = ball(SHAPE, (6.0, 14.0, 12.0), 3.0, SPACING)
FAR_CORE = ball(SHAPE, (9.0, 33.0, 30.0), 1.5, SPACING)
IMAGE = (100.0 + 100.0 * (LARGE | SMALL) + 100.0 * (CORE | FAR_CORE)).astype(np.float32)


def write_steps(folder: Path, *groups: Any, name: str = REMOVE) -> None:
    folder.mkdir(exist_ok=True)
    content = {
        "postprocessing_fns": [name] * len(groups),
        "postprocessing_kwargs": [{"labels_or_regions": group} for group in groups],
    }
    (folder / "postprocessing.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("groups", "kept", "kept_core"),
    [
        ([[1, 2]], LARGE, CORE),
        ([1], LARGE | FAR_CORE, CORE | FAR_CORE),
        ([2], LARGE | (SMALL & ~FAR_CORE), CORE),
        ([[[1, 2]], 2], LARGE, CORE),
    ],
    ids=["all labels", "one label", "the other", "one after the other"],
)
def test_smaller_parts_are_taken_away_and_nothing_streamed_is_taken_back(
    tmp_path: Path, groups: list[Any], kept: np.ndarray, kept_core: np.ndarray
) -> None:
    folder = write_folder(tmp_path / "in", TWO)
    write_steps(folder / "crossval_results_folds_0_1_2_3_4", *groups)
    spec = install(folder, tmp_path / "out")
    assert "largest connected part" in spec.card or "largest connected part" in read_nnunet(folder, Naming()).spec.card
    labels = run(spec, IMAGE)  # the recorder there refuses a box that comes twice and compares what it got
    np.testing.assert_array_equal(labels, np.where(kept_core, 2, np.where(kept, 1, 0)))


def test_boxes_without_the_structure_stream_before_the_end(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "in", TWO)
    write_steps(folder, [1, 2])
    spec = install(folder, tmp_path / "out")
    done_at: list[tuple[bool, int, int]] = []
    recorder = Recorder(SHAPE)

    def watch(progress: Progress) -> None:
        recorder(progress)
        if progress.slab is not None:
            done_at.append((bool(progress.slab.any()), progress.windows_done, progress.windows_total))

    geometry = VolumeGeometry(SHAPE, SPACING, (0.0, 0.0, 0.0), AXIAL)  # type: ignore[arg-type]
    segment_channels([IMAGE], geometry, spec, watch, focus=(0, 0, 0))
    assert any(done < total for has_labels, done, total in done_at if not has_labels)
    assert all(done == total for has_labels, done, total in done_at if has_labels)
    assert any(has_labels for has_labels, _, _ in done_at)


def test_equally_large_parts_all_stay_and_corners_connect() -> None:
    labels = np.zeros((4, 6, 6), np.uint8)
    labels[0, 0, 0] = labels[1, 1, 1] = 1  # one part of two voxels, by a corner
    labels[3, 4, 4] = labels[3, 4, 5] = 1
    labels[0, 5, 5] = 1
    expected = labels.copy()
    expected[0, 5, 5] = 0
    np.testing.assert_array_equal(keep_largest(labels, ((1,),)), expected)
    np.testing.assert_array_equal(keep_largest(np.zeros_like(labels), ((1,),)), 0)


def test_what_may_change_waits_and_what_may_not_does_not() -> None:
    recorder = Recorder((2, 3, 3))
    holding = HoldBack(recorder, ((1,),))
    labels = np.zeros((2, 3, 3), np.uint8)
    labels[0, 0, 0] = labels[0, 2, 2] = 1
    labels[0, 2, 1] = 1
    labels[1] = 2
    for plane in (0, 1):
        holding(Progress("segmenting", plane + 1, 2, labels[plane : plane + 1], (plane, 0, 0)))
    assert recorder.slabs == [(1, 2)]
    kept = holding.finish(labels)
    assert recorder.slabs == [(1, 2), (0, 1)]
    np.testing.assert_array_equal(recorder.voxels, kept)
    assert (kept[0, 0, 0], kept[0, 2, 2], kept[1, 1, 1]) == (0, 1, 2)


def test_a_pickle_alone_is_not_opened_and_the_import_says_so(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "in", TWO)
    (folder / "postprocessing.pkl").write_bytes(f"cposix\nmkdir\n(V{tmp_path / 'ran'}\ntR.".encode())
    spec = read_nnunet(folder, Naming()).spec
    assert not (tmp_path / "ran").exists()
    assert spec.network is not None
    assert spec.network.keep_largest == ()
    assert "postprocessing.pkl is not applied" in spec.limits
    assert "postprocessing.json" in spec.limits


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"postprocessing_fns": ["x"], "postprocessing_kwargs": []}', "damaged"),
        ('{"postprocessing_fns": ["erase"], "postprocessing_kwargs": [{"labels_or_regions": 1}]}', "asks for erase"),
        (f'{{"postprocessing_fns": ["{REMOVE}"], "postprocessing_kwargs": [{{"labels_or_regions": 7}}]}}', "labels"),
        (f'{{"postprocessing_fns": ["{REMOVE}"], "postprocessing_kwargs": [{{"labels_or_regions": "x"}}]}}', "damaged"),
    ],
)
def test_a_file_that_is_not_understood_is_refused(tmp_path: Path, content: str, words: str) -> None:
    folder = write_folder(tmp_path / "in", TWO)
    (folder / "postprocessing.json").write_text(content)
    with pytest.raises(BrokenModelError, match=words):
        read_nnunet(folder, Naming())


@pytest.mark.parametrize("group", [1, 2, [1, 2], [(1, 2)], [1, (2,)]])
def test_the_same_as_nnunets_own(group: Any) -> None:
    removing = pytest.importorskip(
        "nnunetv2.postprocessing.remove_connected_components",
        reason="nnU-Net is a peer to compare with, installed apart",
    )
    labels = np.random.default_rng(4).choice(3, (12, 20, 20), p=(0.8, 0.12, 0.08)).astype(np.uint8)
    theirs = removing.apply_postprocessing(
        labels, [removing.remove_all_but_largest_component_from_segmentation], [{"labels_or_regions": group}]
    )
    flat = (group,) if isinstance(group, int) else tuple(np.unique(np.hstack(group)).tolist())
    np.testing.assert_array_equal(keep_largest(labels, (flat,)), theirs)
