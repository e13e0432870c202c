"""Whole result folders: read, described, stored, run; the right labels follow from grey values alone."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from django.core.management import call_command

from inference import registry
from inference.formats.archive import open_folder
from inference.formats.imported import Naming
from inference.formats.nnunet import FORMAT, is_nnunet, read_nnunet
from inference.formats.refusals import BrokenModelError, UnsafeModelError
from inference.input_images import ChannelsMissingError
from inference.model_card import render_card
from inference.model_spec import Focus, ModelSpec
from inference.network_spec import DecisionRule
from inference.pipeline.manifest import read_manifest, write_manifest
from inference.pipeline.network_run import segment_channels
from inference.pipeline.nnunet_layers import NotSupportedError
from inference.pipeline.nnunet_plan import PlanError
from studies.imaging.geometry import VolumeGeometry
from tests.inference.formats.nnunet_folders import RESIDUAL, FolderSpec, write_folder
from tests.inference.volumes import AXIAL, Recorder, ball, make_volume

SHAPE = (14, 40, 36)
SPACING = (2.0, 1.0, 1.0)
Voxels = npt.NDArray[np.float32]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGWEB_TORCH_THREADS", "1")  # these networks are too small to be shared among several


def install(folder: Path, target: Path) -> ModelSpec:
    """Read a result folder, store it as an import does and return what the catalogue reads back."""
    imported = read_nnunet(folder, Naming())
    target.mkdir()
    write_manifest(target / "model.json", imported.spec, provenance=imported.provenance)
    for name, data in imported.files.items():
        (target / name).write_bytes(data)
    return replace(read_manifest(target / "model.json"), folder=target)


def run(
    spec: ModelSpec,
    *channels: Voxels,
    spacing_mm: tuple[float, float, float] = SPACING,
    direction: tuple[float, ...] = AXIAL,
    looks: list[Focus | None] | None = None,
) -> npt.NDArray[np.uint8]:
    geometry = VolumeGeometry(channels[0].shape, spacing_mm, (0.0, 0.0, 0.0), direction)  # type: ignore[arg-type]
    recorder = Recorder(channels[0].shape, looks)
    labels = segment_channels(channels, geometry, spec, recorder, focus=(1, 2, 3))
    assert np.array_equal(recorder.voxels, labels)
    return labels


def lesion(shape: tuple[int, int, int] = SHAPE, spacing_mm: tuple[float, float, float] = SPACING) -> npt.NDArray:
    return ball(shape, (shape[0] * 0.4, shape[1] * 0.5, shape[2] * 0.6), 9.0, spacing_mm)


def bright(inside: npt.NDArray) -> Voxels:
    return np.where(inside, 200.0, 100.0).astype(np.float32)


@pytest.mark.parametrize(
    "wanted",
    [
        FolderSpec(),
        FolderSpec(folds=3),
        FolderSpec(network=RESIDUAL),
        FolderSpec(mirror=(0, 1, 2)),
        FolderSpec(configuration="2d", patch=(16, 24), spacing=(1.0, 1.0), mirror=(0, 1)),
        FolderSpec(transpose=(2, 0, 1), spacing=(1.0, 2.0, 1.0)),
        FolderSpec(patch=(32, 48, 48)),
        FolderSpec(schemes=("CTNormalization",), channels=("CT",), levels=(0.5,)),
        FolderSpec(schemes=("RescaleTo01Normalization",), levels=(0.5,)),
        FolderSpec(schemes=("NoNormalization",), levels=(150.0,)),
    ],
    ids=lambda spec: f"{spec.configuration}-{spec.schemes[0]}-{spec.folds}-{spec.network[-12:]}-{spec.transpose}",
)
def test_a_network_that_compares_grey_values_marks_what_is_bright(tmp_path: Path, wanted: FolderSpec) -> None:
    spec = install(write_folder(tmp_path / "in", wanted), tmp_path / "out")
    inside = lesion()
    labels = run(spec, bright(inside), looks=[None, (13, 0, 0), (0, 39, 35)])
    assert np.array_equal(labels, inside)


def test_only_what_is_not_zero_is_normalised_and_segmented(tmp_path: Path) -> None:
    spec = install(write_folder(tmp_path / "in", FolderSpec(masked=(True,), levels=(0.5,))), tmp_path / "out")
    body = ball(SHAPE, (7, 20, 18), 14.0, SPACING)
    inside = lesion() & body
    voxels = np.where(body, bright(inside), 0.0).astype(np.float32)
    voxels[7, 18, 16] = 0.0  # a hole belongs to the body
    inner = voxels[body]
    expected = body & ((voxels - inner.mean()) / inner.std() > 0.5)
    labels = run(spec, voxels)
    assert np.array_equal(labels, expected)
    assert labels.any()


def test_regions_paint_over_each_other_in_their_order(tmp_path: Path) -> None:
    wanted = FolderSpec(
        labels={"background": 0, "whole": [1, 2], "core": [2]},
        order=(1, 2),
        schemes=("NoNormalization",),
        levels=(150.0, 250.0),
    )
    spec = install(write_folder(tmp_path / "in", wanted), tmp_path / "out")
    assert spec.network is not None
    assert spec.network.decision.rule is DecisionRule.REGIONS
    assert [s.segment_label for s in spec.segments] == ["whole without core", "core"]
    whole, core = lesion(), ball(SHAPE, (5.6, 20, 21.6), 4.0, SPACING)
    labels = run(spec, bright(whole) + np.where(core, 100, 0).astype(np.float32))
    assert np.array_equal(labels, np.where(core, 2, np.where(whole, 1, 0)))


def test_of_plain_labels_the_highest_score_wins(tmp_path: Path) -> None:
    wanted = FolderSpec(
        labels={"background": 0, "oedema": 1, "tumour": 2}, schemes=("NoNormalization",), levels=(150.0, 250.0)
    )
    spec = install(write_folder(tmp_path / "in", wanted), tmp_path / "out")
    whole, core = lesion(), ball(SHAPE, (5.6, 20, 21.6), 4.0, SPACING)
    labels = run(spec, bright(whole) + np.where(core, 100, 0).astype(np.float32))
    assert np.array_equal(labels, np.where(core, 2, np.where(whole, 1, 0)))


def test_the_second_stage_of_a_cascade_sees_the_labels_of_the_first(tmp_path: Path) -> None:
    first = FolderSpec(configuration="3d_lowres", schemes=("NoNormalization",), levels=(150.0,))
    second = replace(first, configuration="3d_cascade_fullres", previous="3d_lowres", copied=1, levels=(0.5,))
    write_folder(tmp_path / "in", first, second)
    spec = install(tmp_path / "in", tmp_path / "out")  # of the two, the one that builds on the other
    assert spec.network is not None
    assert [file.path for file in spec.network.weights] == ["3d_lowres_fold_0.pt", "3d_cascade_fullres_fold_0.pt"]
    inside = lesion()
    assert np.array_equal(run(spec, bright(inside)), inside)


def test_channels_go_in_by_their_order_and_a_missing_one_is_said(tmp_path: Path) -> None:
    wanted = FolderSpec(
        channels=("T1", "FLAIR"), schemes=("NoNormalization",) * 2, masked=(False, False), copied=1, levels=(150.0,)
    )
    spec = install(write_folder(tmp_path / "in", wanted), tmp_path / "out")
    inside = lesion()
    assert np.array_equal(run(spec, bright(~inside), bright(inside)), inside)
    with pytest.raises(ChannelsMissingError, match="T1, FLAIR"):
        run(spec, bright(inside))


def test_images_that_were_turned_for_training_are_turned_for_the_network(tmp_path: Path) -> None:
    spec = install(write_folder(tmp_path / "in", FolderSpec(reader="NibabelIOWithReorient")), tmp_path / "out")
    assert spec.network is not None
    assert spec.network.orientation == "SAR"
    sagittal = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0)
    inside = lesion((36, 14, 40), (1.0, 2.0, 1.0))
    assert np.array_equal(run(spec, bright(inside), spacing_mm=(1.0, 2.0, 1.0), direction=sagittal), inside)


def test_an_empty_image_holds_nothing(tmp_path: Path) -> None:
    spec = install(write_folder(tmp_path / "in", FolderSpec(masked=(True,))), tmp_path / "out")
    assert not run(spec, np.zeros(SHAPE, np.float32)).any()


def test_the_entry_says_what_the_folder_says(tmp_path: Path) -> None:
    wanted = FolderSpec(folds=2, mirror=(0, 1, 2), channels=("CT",), schemes=("CTNormalization",), levels=(0.5,))
    spec = install(write_folder(tmp_path / "in", wanted), tmp_path / "out")
    assert (spec.name, spec.format) == ("dataset777_tiny_3d_fullres", FORMAT)
    assert spec.modalities == {"CT"}
    assert [(s.segment_number, s.segment_label) for s in spec.segments] == [(1, "lesion")]
    network = spec.network
    assert network is not None
    assert (network.spacing_mm, network.window, network.overlap) == (SPACING, (8, 24, 24), 0.5)
    assert (network.mirror_axes, len(network.weights)) == ((0, 1, 2), 2)
    provenance = json.loads((tmp_path / "out" / "model.json").read_text())["provenance"]
    assert [source["path"] for source in provenance["source"]][-2:] == ["3d_fullres/fold_0", "3d_fullres/fold_1"]
    card = render_card(read_nnunet(tmp_path / "in" / wanted.folder_name, Naming(title="Tiny")).spec)
    assert "| 3d_fullres | 1 | `nnUNetTrainer` | 1000 | 0.750 |" in card


def test_a_zip_file_is_read_like_its_folder(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "in" / "Dataset777_Tiny", FolderSpec())
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        for path in folder.parent.rglob("*.*"):
            archive.write(path, path.relative_to(tmp_path / "in"))
    with open_folder(tmp_path / "model.zip") as root:
        assert is_nnunet(root)
        zipped = read_nnunet(root, Naming())
    assert zipped.spec == read_nnunet(folder, Naming()).spec


@pytest.mark.parametrize(("options", "mirrored"), [((), (0, 1, 2)), (("--no-mirroring",), ())])
def test_it_is_listed_like_any_other_model_and_mirrored_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], mirrored: tuple[int, ...]
) -> None:
    monkeypatch.setitem(registry._state, "folder", tmp_path / "models")
    folder = write_folder(tmp_path / "in", FolderSpec(mirror=(0, 1, 2)))
    call_command("import_model", str(folder), "--no-check", *options, stdout=io.StringIO())
    spec = registry.get_model("dataset777_tiny_3d_fullres")
    assert spec.network is not None
    assert spec.network.mirror_axes == mirrored
    inside = lesion()
    assert np.array_equal(run(spec, bright(inside)), inside)


def test_an_unknown_network_class_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, FolderSpec())
    plans = json.loads((folder / "plans.json").read_text())
    plans["configurations"]["3d_fullres"]["architecture"]["network_class_name"] = "somewhere.else.Primus"
    (folder / "plans.json").write_text(json.dumps(plans))
    with pytest.raises(NotSupportedError, match=r"somewhere\.else\.Primus"):
        read_nnunet(folder, Naming())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("preprocessor_name", "MyPreprocessor"),
        ("normalization_schemes", ["MyNormalization"]),
        ("resampling_fn_data", "my_resampling"),
        ("resampling_fn_probabilities_kwargs", {"order": 3, "order_z": 0, "force_separate_z": None}),
    ],
)
def test_what_the_plans_ask_for_and_nobody_knows_is_refused(tmp_path: Path, key: str, value: object) -> None:
    folder = write_folder(tmp_path, FolderSpec())
    plans = json.loads((folder / "plans.json").read_text())
    plans["configurations"]["3d_fullres"][key] = value
    (folder / "plans.json").write_text(json.dumps(plans))
    with pytest.raises(NotSupportedError):
        read_nnunet(folder, Naming())


@pytest.mark.parametrize("key", ["patch_size", "spacing", "architecture", "normalization_schemes"])
@pytest.mark.parametrize("value", [None, [], [0, 0, 0], "x", {}, [1e9] * 3])
def test_plans_that_make_no_sense_are_refused(tmp_path: Path, key: str, value: object) -> None:
    folder = write_folder(tmp_path, FolderSpec())
    plans = json.loads((folder / "plans.json").read_text())
    plans["configurations"]["3d_fullres"][key] = value
    (folder / "plans.json").write_text(json.dumps(plans))
    with pytest.raises((PlanError, NotSupportedError)):
        read_nnunet(folder, Naming())


class Bomb:
    """Writes a file where it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.target,)


def test_a_checkpoint_with_code_in_it_runs_nothing(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, FolderSpec())
    path = folder / "fold_0" / "checkpoint_final.pth"
    checkpoint = torch.load(path, weights_only=False)
    checkpoint["logging"] = Bomb(tmp_path / "was_run")
    torch.save(checkpoint, path)
    with pytest.raises(UnsafeModelError):
        read_nnunet(folder, Naming())
    assert not (tmp_path / "was_run").exists()


def test_a_truncated_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, FolderSpec())
    path = folder / "fold_0" / "checkpoint_final.pth"
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(BrokenModelError, match="checkpoint_final"):
        read_nnunet(folder, Naming())


def test_tensors_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, FolderSpec())
    path = folder / "fold_0" / "checkpoint_final.pth"
    whole = torch.load(path, weights_only=False)
    name = "encoder.stages.1.0.convs.0.conv.weight"
    wrong = [
        {key: value for key, value in whole["network_weights"].items() if key != name},
        whole["network_weights"] | {name: torch.zeros(2, 2, 3, 3, 3)},
        whole["network_weights"] | {"encoder.attention": torch.zeros(2)},
        whole["network_weights"] | {name: torch.full_like(whole["network_weights"][name], torch.nan)},
    ]
    for tensors in wrong:
        torch.save(whole | {"network_weights": tensors}, path)
        with pytest.raises(BrokenModelError, match="fold_0"):
            read_nnunet(folder, Naming())


def test_several_models_and_a_cascade_without_its_first_stage_are_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "two", FolderSpec(configuration="2d", patch=(16, 16), spacing=(1.0, 1.0)), FolderSpec())
    with pytest.raises(BrokenModelError, match="several"):
        read_nnunet(tmp_path / "two", Naming())
    first = FolderSpec(configuration="3d_lowres")
    folder = write_folder(
        tmp_path / "cascade", first, replace(first, configuration="3d_cascade_fullres", previous="3d_lowres")
    )
    (folder.parent / first.folder_name).rename(tmp_path / "away")
    with pytest.raises(BrokenModelError, match="3d_lowres"):
        read_nnunet(folder, Naming())
    assert not is_nnunet(tmp_path / "nothing")


def test_a_label_gap_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="without a gap"):
        write_folder(tmp_path, FolderSpec(labels={"background": 0, "lesion": 3}))


def test_the_volume_itself_is_left_alone(tmp_path: Path) -> None:
    spec = install(write_folder(tmp_path / "in", FolderSpec()), tmp_path / "out")
    volume = make_volume(bright(lesion()), SPACING)
    before = volume.voxels.copy()
    run(spec, volume.voxels)
    assert np.array_equal(volume.voxels, before)
