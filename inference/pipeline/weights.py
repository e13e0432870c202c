"""Network weights as files: tensors only, and exactly those the registry names."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from inference.network_spec import WeightsFile
from studies.errors import DomainError

MOST_BYTES = 2 * 1024**3


class WeightsMissingError(DomainError):
    """The file that the registry names is not there."""

    code: ClassVar[str] = "weights.missing"
    status: ClassVar[int] = 503


class WeightsCorruptError(DomainError):
    """The file is not the one that the registry names, or does not fit the network."""

    code: ClassVar[str] = "weights.corrupt"
    status: ClassVar[int] = 503


def encode_weights(network: nn.Module) -> bytes:
    """Return a network's tensors as bytes, floating point ones in half precision: equal networks give equal bytes."""
    return encode_tensors(
        {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in network.state_dict().items()}
    )


def encode_tensors(stored: Mapping[str, Tensor]) -> bytes:
    """Return tensors as bytes, each as it is."""
    tensors = {name: tensor.detach().cpu() for name, tensor in stored.items()}
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    return buffer.getvalue()


def load_weights(network: nn.Module, path: Path, *, sha256: str) -> None:
    """Fill a network with the weights of a file whose digest is known.

    The bytes that were checked are the bytes that are read, and nothing but tensors is unpickled.

    Raises
    ------
    WeightsMissingError
        Where there is no such file.
    WeightsCorruptError
        Where the digest differs, the file holds anything but tensors, or they do not fit.
    """
    data = read_checked(path, sha256=sha256)
    try:
        tensors = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:
        raise _corrupt(path, "holds something other than tensors") from error
    _fill(network, tensors, path)


def read_checked(path: Path, *, sha256: str) -> bytes:
    """Return the bytes of a file whose digest is known; raises as `load_weights` does."""
    if not path.is_file():
        raise WeightsMissingError(f"The weights {path.name} are missing. Install the release or the model again.")
    if path.stat().st_size > MOST_BYTES:
        raise _corrupt(path, "is far larger than any weights file")
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise _corrupt(path, f"has the digest {found[:12]}… where {sha256[:12]}… belongs")
    return data


def count_weights_bytes(files: Iterable[WeightsFile], folder: Path) -> int:
    """Return what weights take as files; what they take in memory is no less."""
    return sum((folder / file.path).stat().st_size for file in files if (folder / file.path).is_file())


def _fill(network: nn.Module, tensors: object, path: Path) -> None:
    if not isinstance(tensors, Mapping) or not all(isinstance(value, Tensor) for value in tensors.values()):
        raise _corrupt(path, "holds something other than tensors")
    if not all(torch.isfinite(value).all() for value in tensors.values()):
        raise _corrupt(path, "holds values that are not numbers")
    try:
        network.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise _corrupt(path, "does not fit the network") from error


def _corrupt(path: Path, problem: str) -> WeightsCorruptError:
    return WeightsCorruptError(f"The weights {path.name} cannot be used: the file {problem}. Install them again.")
