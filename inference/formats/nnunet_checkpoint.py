"""nnU-Net's checkpoint files, read without running anything that they contain.

Besides tensors they hold a log of training, written with numpy's own pickles. Unpickling numpy's types hands its C code
states of the file's choosing, so those names are bound to classes of this module instead, which know a float and
nothing else.
"""

from __future__ import annotations

import hashlib
import math
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inference.formats.archive import MOST_BYTES
from inference.formats.refusals import BrokenModelError, UnsafeModelError

_MOST_TENSORS = 20_000
_FLOATS = {("f4", 4): "<f", ("f8", 8): "<d"}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One fold as trained.

    Attributes
    ----------
    tensors
        The network's, under nnU-Net's names.
    configuration
        Such as "3d_fullres".
    trainer
        Name of the class that trained it.
    epochs
        Epochs trained; None where unknown.
    pseudo_dice
        Best smoothed pseudo Dice of its validation patches during training; None where unknown.
    mirror_axes
        Axes of the network's window that may be mirrored.
    sha256
        Of the file.
    """

    tensors: Mapping[str, Tensor]
    configuration: str
    trainer: str
    epochs: int | None
    pseudo_dice: float | None
    mirror_axes: tuple[int, ...]
    sha256: str


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises
    ------
    UnsafeModelError
        Where the file is too large or holds anything but tensors and plain values.
    BrokenModelError
        Where it is not what nnU-Net writes.
    """
    _check_container(path)
    sha256 = _digest(path)
    try:
        with torch.serialization.safe_globals(_STAND_INS):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:
        if "weights_only" in str(error) or "Weights only" in str(error):
            raise UnsafeModelError(
                f"{path.name} holds more than tensors and plain values, which could run code. Nothing of it was run."
            ) from error
        raise BrokenModelError(f"{path.name} is no whole checkpoint. Copy it again.") from error
    try:
        return _read(content, sha256)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BrokenModelError(f"{path.name} is no checkpoint of an nnU-Net: {error!r}.") from error


def _check_container(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (OSError, zipfile.BadZipFile) as error:
        raise BrokenModelError(f"{path.name} is not a file that torch has written since version 1.6.") from error
    if max(size, path.stat().st_size) > MOST_BYTES:
        raise UnsafeModelError(f"{path.name} is larger than {MOST_BYTES // 1024**3} GiB.")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(content: Mapping[str, Any], sha256: str) -> Checkpoint:
    tensors = content["network_weights"]
    if not isinstance(tensors, Mapping) or not 0 < len(tensors) <= _MOST_TENSORS:
        raise ValueError("it holds no tensors")
    if not all(isinstance(name, str) and isinstance(value, Tensor) for name, value in tensors.items()):
        raise ValueError("it holds something other than tensors by name")
    epochs, best = content.get("current_epoch"), content.get("_best_ema")
    if isinstance(best, _NumpyScalar):
        best = best.value
    return Checkpoint(
        tensors=dict(tensors),
        configuration=str(content["init_args"]["configuration"]),
        trainer=str(content["trainer_name"]),
        epochs=epochs if isinstance(epochs, int) else None,
        pseudo_dice=float(best) if isinstance(best, float) and math.isfinite(best) else None,
        mirror_axes=tuple(sorted({int(axis) for axis in content.get("inference_allowed_mirroring_axes") or ()})),
        sha256=sha256,
    )


class _NumpyType:
    """Stands for `numpy.dtype`: remembers its name and takes no state."""

    def __init__(self, name: str = "", *unused: object) -> None:
        self.name = name

    def __setstate__(self, state: object) -> None:
        """Ignore byte order and flags: floats are little-endian wherever torch runs."""


class _NumpyScalar:
    """Stands for `numpy.core.multiarray.scalar`: a float, or no value."""

    def __init__(self, kind: object = None, data: object = b"") -> None:
        self.value: float | None = None
        if isinstance(kind, _NumpyType) and isinstance(data, bytes):
            form = _FLOATS.get((kind.name, len(data)))
            self.value = None if form is None else float(struct.unpack(form, data)[0])


_STAND_INS: list[Callable[..., object] | tuple[Callable[..., object], str]] = [
    (_NumpyType, "numpy.dtype"),
    (_NumpyScalar, "numpy.core.multiarray.scalar"),
    (_NumpyScalar, "numpy._core.multiarray.scalar"),
]
