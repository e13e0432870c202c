"""Models that are wrong or meant to harm: each gets a stable code and a sentence, and nothing is run or left behind."""

from __future__ import annotations

import copy
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.formats.archive import is_archive
from inference.formats.imported import ImportedModel, Naming
from inference.formats.onnx import check_onnx
from inference.formats.readers import read_model
from inference.formats.refusals import BrokenModelError, UnsafeModelError
from inference.formats.torchscript import check_torchscript
from inference.pipeline.manifest import write_manifest
from studies.errors import DomainError
from tests.inference.formats.bundles import make_inference, write_bundle
from tests.torchscript import encode_script

Change = Callable[[dict[str, Any]], None]


class Bomb:
    """Pickles to a call of os.mkdir."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


def read(path: Path) -> ImportedModel:
    return read_model(path, Naming())


def refuse(path: Path) -> DomainError:
    with pytest.raises(DomainError) as caught:
        read(path)
    assert caught.value.message.endswith((".", "/lib")), caught.value.message
    return caught.value


def transform(inference: dict[str, Any], number: int) -> dict[str, Any]:
    step: dict[str, Any] = inference["preprocessing"]["transforms"][number]
    return step


CHANGES: dict[str, tuple[Change, str, str]] = {
    "a network that is a command": (
        lambda c: c["network_def"].update(_target_="os.system"), "model.not_understood", "os.system",
    ),
    "a transform that is a command": (
        lambda c: transform(c, 2).update(_target_="os.system"), "model.not_understood", "os.system",
    ),
    "an expression in a transform": (
        lambda c: transform(c, 3).update(pixdim="$__import__('os').mkdir('owned')"), "model.unsafe", "__import__",
    ),
    "an expression in the network": (
        lambda c: c["network_def"].update(channels="$[4, __import__('os').getpid()]"), "model.unsafe", "__import__",
    ),
    "an expression behind a reference": (lambda c: c.update(patch="$exit()"), "model.unsafe", "exit"),
    "a macro": (lambda c: c["inferer"].update(roi_size="%/etc/passwd::a"), "model.not_understood", "macro"),
    "a reference to nothing": (lambda c: c["inferer"].update(roi_size="@nowhere"), "model.broken", "nowhere"),
    "references in a circle": (lambda c: c.update(patch="@patch"), "model.broken", "without end"),
    "an unknown transform": (
        lambda c: transform(c, 5).update(_target_="CropForegroundd"), "model.not_understood", "CropForeground",
    ),
    "an unknown argument": (lambda c: transform(c, 3).update(diagonal=True), "model.not_understood", "diagonal"),
    "an unknown network": (
        lambda c: c["network_def"].update(_target_="HighResNet"), "model.not_understood", "HighResNet",
    ),
    "a network as large as a data centre": (
        lambda c: c["network_def"].update(channels=[10**9, 10**9]), "model.broken", "size",
    ),
    "a network that the weights do not fit": (
        lambda c: c["network_def"].update(channels=[4, 16]), "model.broken", "in the weights",
    ),
    "no windows": (lambda c: c["inferer"].update(_target_="SimpleInferer"), "model.not_understood", "SimpleInferer"),
    "intensities changed twice": (
        lambda c: c["preprocessing"]["transforms"].append({"_target_": "NormalizeIntensityd", "keys": "image"}),
        "model.not_understood", "twice",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_a_bundle_that_is_not_understood_is_refused_by_name(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    change, code, words = CHANGES[what]
    inference = copy.deepcopy(make_inference())
    change(inference)
    error = refuse(write_bundle(tmp_path / "bundle", inference))
    assert error.code == code
    assert words in error.message
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_weights_that_call_a_function_are_refused_and_call_nothing(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    torch.save({"weight": Bomb(tmp_path / "owned")}, bundle / "models" / "model.pt")
    assert refuse(bundle).code == "model.unsafe"
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("size", [0, 100, -40])
def test_truncated_weights_are_refused(tmp_path: Path, size: int) -> None:
    weights = write_bundle(tmp_path / "bundle") / "models" / "model.pt"
    weights.write_bytes(weights.read_bytes()[:size])
    assert refuse(tmp_path / "bundle").code == "model.broken"


def test_missing_files_are_named(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    (bundle / "models" / "model.pt").unlink()
    assert "models/model.pt" in refuse(bundle).message
    (bundle / "configs" / "inference.json").unlink()
    assert "inference" in refuse(bundle).message


def test_weights_behind_a_link_are_refused(tmp_path: Path) -> None:
    weights = write_bundle(tmp_path / "bundle") / "models" / "model.pt"
    weights.rename(tmp_path / "elsewhere.pt")
    weights.symlink_to(tmp_path / "elsewhere.pt")
    assert refuse(tmp_path / "bundle").code == "model.unsafe"


def test_yaml_that_builds_objects_or_grows_is_refused(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    (bundle / "configs" / "inference.json").unlink()
    for text in ("a: !!python/object/apply:os.mkdir [owned]\n", "a: &x [1, 1]\nb: [*x, *x]\n"):
        (bundle / "configs" / "inference.yaml").write_text(text)
        assert refuse(bundle).code == "model.unsafe"


def zip_folder(folder: Path, target: Path, more: dict[str, bytes] | None = None) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, Path("wrapped") / path.relative_to(folder))
        for name, data in (more or {}).items():
            archive.writestr(name, data)
    return target


def test_a_zip_file_gives_what_its_folder_gives(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    archive = zip_folder(bundle, tmp_path / "bundle.zip")
    assert is_archive(archive)
    assert not is_archive(bundle / "models" / "model.pt")
    assert read(archive).spec == read(bundle).spec


@pytest.mark.parametrize("name", ["../owned.txt", "/tmp/owned.txt", "a/../../owned.txt", "..\\owned.txt"])
def test_a_zip_file_that_reaches_outside_writes_nothing(tmp_path: Path, name: str) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    archive = zip_folder(bundle, tmp_path / "bundle.zip", {name: b"owned"})
    assert refuse(archive).code == "model.unsafe"
    assert not list(tmp_path.rglob("owned*"))


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    archive = zip_folder(bundle, tmp_path / "bundle.zip", {"zeros": bytes(64 * 1024**2)})
    assert "far more" in refuse(archive).message


def test_a_truncated_zip_file_or_anything_else_is_told(tmp_path: Path) -> None:
    archive = zip_folder(write_bundle(tmp_path / "bundle"), tmp_path / "bundle.zip")
    archive.write_bytes(archive.read_bytes()[:2000])
    assert refuse(archive).code == "model.format_unknown"
    (tmp_path / "empty").mkdir()
    assert refuse(tmp_path / "empty").code == "model.format_unknown"
    assert refuse(tmp_path / "nothing").code == "model.format_unknown"


def test_a_manifest_with_another_digest_is_refused(tmp_path: Path) -> None:
    model = read(write_bundle(tmp_path / "bundle"))
    folder = tmp_path / "export"
    folder.mkdir()
    for name, data in model.files.items():
        (folder / name).write_bytes(data)
    write_manifest(folder / "manifest.json", model.spec, provenance={})
    assert read(folder).spec.network == model.spec.network
    content = json.loads((folder / "manifest.json").read_text())
    content["network"]["weights"][0]["sha256"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(content))
    assert "digest" in refuse(folder).message


class Reads(torch.nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image + torch.from_file("/etc/hostname", False, 1)


class Adds(torch.nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat((image, 1 - image), 1)


def test_torchscript_that_reaches_files_is_refused_before_it_is_loaded() -> None:
    check_torchscript("good.ts", encode_script(Adds()))
    with pytest.raises(UnsafeModelError, match="from_file"):
        check_torchscript("bad.ts", encode_script(Reads()))
    with pytest.raises(BrokenModelError):
        check_torchscript("cut.ts", encode_script(Adds())[:500])


def field(number: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def make_onnx(domain: bytes = b"", tensor: bytes = b"") -> bytes:
    node = field(4, b"Relu") + (field(7, domain) if domain else b"")
    return b"\x08\x08" + field(7, field(1, node) + (field(5, tensor) if tensor else b""))


def test_onnx_with_operators_of_its_own_or_weights_elsewhere_is_refused() -> None:
    check_onnx("good.onnx", make_onnx())
    with pytest.raises(UnsafeModelError, match=r"evil::Relu"):
        check_onnx("bad.onnx", make_onnx(b"evil"))
    with pytest.raises(UnsafeModelError, match="other files"):
        check_onnx("bad.onnx", make_onnx(tensor=field(13, b"x")))
    for data in (b"", b"hello", make_onnx()[:-1]):
        with pytest.raises(BrokenModelError):
            check_onnx("cut.onnx", data)
