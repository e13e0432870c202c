"""Imported models on disk: ``models/<name>/<version>/`` with manifest, card and weights; whole or not there at all."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from inference.formats.imported import ImportedModel
from inference.formats.refusals import ModelExistsError, NotUnderstoodError
from inference.model_spec import ModelSpec
from inference.pipeline.manifest import write_manifest

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,31}")


def store_model(
    model: ImportedModel,
    folder: Path,
    *,
    taken: Iterable[str] = (),
    check: Callable[[ModelSpec], object] | None = None,
) -> Path:
    """Write a model below the models' folder and return where it lies.

    Parameters
    ----------
    taken
        Names that may not be given again: those of the models that ship.
    check
        Is given the model as it will be stored, before it is; what it raises leaves nothing behind.

    Raises
    ------
    ModelExistsError
        Where the same name and version is there already.
    """
    spec = model.spec
    if not _NAME.fullmatch(spec.name) or not _VERSION.fullmatch(spec.version):
        raise NotUnderstoodError(
            f"{spec.name[:64]!r} {spec.version[:32]!r} is no name and version: use small letters, digits, '_', '-' "
            "and '.'. Give it another name and version."
        )
    if spec.name in set(taken):
        raise ModelExistsError(f"SegWeb ships a model called {spec.name!r}. Give this one another name.")
    target = folder / spec.name / spec.version
    if target.exists():
        raise _exists(spec)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".import-", dir=folder))
    try:
        _write(model, unfinished)
        if check is not None:
            check(replace(spec, folder=unfinished))
        target.parent.mkdir(exist_ok=True)
        unfinished.rename(target)
    except OSError as error:
        if target.exists():  # somebody else was faster
            raise _exists(spec) from error
        raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


def _write(model: ImportedModel, folder: Path) -> None:
    for name, data in model.files.items():
        (folder / name).write_bytes(data)
    write_manifest(folder / "manifest.json", model.spec, provenance=model.provenance)
    if model.spec.card:
        (folder / "manifest.md").write_text(model.spec.card, encoding="utf-8")
    folder.chmod(0o755)


def _exists(spec: ModelSpec) -> ModelExistsError:
    return ModelExistsError(
        f"{spec.name} {spec.version} is already imported. Give it another version, or remove the one that is there."
    )


def find_stored(folder: Path, name: str, version: str) -> Path | None:
    """Return where a version of an imported model lies, or None where there is none."""
    if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
        return None
    found = folder / name / version
    return found if (found / "manifest.json").is_file() else None


def remove_stored(found: Path) -> None:
    """Take a stored version away: out of the catalogue at once, then off the disk."""
    folder = found.parent.parent
    leaving = Path(tempfile.mkdtemp(prefix=".removed-", dir=folder))
    found.rename(leaving / found.name)
    shutil.rmtree(leaving, ignore_errors=True)
    with suppress(OSError):  # another version is there
        found.parent.rmdir()
