"""From a path to a model of the catalogue: read, tried on this machine, then stored; whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from inference.formats.archive import is_archive
from inference.formats.imported import ImportedModel
from inference.formats.readers import read_model
from inference.formats.refusals import BrokenModelError
from inference.formats.single_file import read_single_file
from inference.formats.store import store_model
from inference.formats.wish import Wish
from inference.model_spec import ModelSpec
from inference.pipeline.network_run import check_network
from studies.errors import DomainError


def take_model(path: Path, folder: Path, wish: Wish, *, taken: Iterable[str]) -> ModelSpec:
    """Import a folder, zip file or described single file into the models' folder; return the entry as stored.

    Raises
    ------
    studies.errors.DomainError
        Its code and sentence say why the model is not taken; then nothing is left behind.
    """
    model = _read(path, wish)
    if not wish.is_mirrored and model.spec.network is not None:
        network = replace(model.spec.network, mirror_axes=())
        model = replace(model, spec=replace(model.spec, network=network))
    model = replace(model, provenance={**model.provenance, "imported": dict(wish.origin)})
    target = store_model(model, folder, taken=taken, check=try_network if wish.is_checked else None)
    return replace(model.spec, folder=target)


def try_network(spec: ModelSpec) -> None:
    """Run a network on a sample by every backend; `BrokenModelError` says why it does not run at all."""
    try:
        check_network(spec)
    except DomainError:
        raise
    except MemoryError as error:
        raise BrokenModelError(_too_large(spec)) from error
    except Exception as error:
        if "out of memory" in str(error).lower():
            raise BrokenModelError(_too_large(spec)) from error
        raise BrokenModelError(
            f"The network was tried on a sample of one window and does not run: {_reason(error)}. "
            "Check the window, the channels, the segments and the export."
        ) from error


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ["no reason given"]
    kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
    return f"{kind}{lines[-1][:300].rstrip('.')}"


def _read(path: Path, wish: Wish) -> ImportedModel:
    if wish.description is not None and path.is_file() and not is_archive(path):
        return read_single_file(path, wish.naming, wish.description)
    return read_model(path, wish.naming)


def _too_large(spec: ModelSpec) -> str:
    window = " x ".join(map(str, spec.network.window)) if spec.network else ""
    return f"A window of {window} voxels needs more memory than this worker has. Use a larger worker."
