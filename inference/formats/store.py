"""Imported models on disk: ``models/<name>/<version>/`` with manifest, card and weights; whole or not there at all."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from inference.formats.imported import ImportedModel
from inference.formats.refusals import ModelExistsError, NotUnderstoodError
from inference.pipeline.manifest import write_manifest

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,31}")


def store_model(model: ImportedModel, folder: Path, *, taken: Iterable[str] = ()) -> Path:
    """Write a model below the models' folder and return where it lies.

    Parameters
    ----------
    taken
        Names that may not be given again: those of the models that ship.

    Raises
    ------
    ModelExistsError
        Where the same name and version is there already.
    """
    spec = model.spec
    if not _NAME.fullmatch(spec.name) or not _VERSION.fullmatch(spec.version):
        raise NotUnderstoodError(
            f"{spec.name[:64]!r} {spec.version[:32]!r} is no name and version: use small letters, digits, '_', '-' "
            "and '.'. Say --name and --version."
        )
    if spec.name in set(taken):
        raise ModelExistsError(f"SegWeb ships a model called {spec.name!r}. Say another --name.")
    target = folder / spec.name / spec.version
    if target.exists():
        raise ModelExistsError(
            f"{spec.name} {spec.version} is already imported. Say another --version, or remove {target} first."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".import-", dir=folder))
    try:
        for name, data in model.files.items():
            (unfinished / name).write_bytes(data)
        write_manifest(unfinished / "manifest.json", spec, provenance=model.provenance)
        if spec.card:
            (unfinished / "manifest.md").write_text(spec.card, encoding="utf-8")
        unfinished.chmod(0o755)
        unfinished.rename(target)
    except OSError as error:
        if target.exists():  # somebody else was faster
            raise ModelExistsError(f"{spec.name} {spec.version} is already imported.") from error
        raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target
