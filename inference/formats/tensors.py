"""Weights out of files that strangers made: tensors and nothing else, and those that the network has."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from inference.formats.refusals import BrokenModelError, UnsafeModelError
from inference.network_spec import NetworkSpec
from inference.pipeline.networks import build_spec_network

_WRAPPINGS = ("state_dict", "model_state_dict", "model", "network", "net", "network_weights")


def read_tensors(name: str, data: bytes) -> dict[str, Tensor]:
    """Return a file's tensors by name; only tensors and plain containers are unpickled, never code.

    Raises
    ------
    UnsafeModelError
        Where the file asks for anything else to be loaded.
    BrokenModelError
        Where it is damaged, or holds no tensors or values that are not numbers.
    """
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:
        if "weights_only" in str(error) or "Weights only" in str(error):
            raise UnsafeModelError(
                f"{name} holds more than tensors, which could run code. Save the network's state_dict() alone."
            ) from error
        raise BrokenModelError(f"{name} is no whole weights file. Copy or export it again.") from error
    tensors = _unwrap(content)
    if not tensors:
        raise BrokenModelError(f"{name} holds no tensors. Save the network's state_dict().")
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise BrokenModelError(f"{name} holds values that are not numbers in {key[:120]!r}.")
    return tensors


def _unwrap(content: object) -> dict[str, Tensor]:
    for _ in range(3):
        if not isinstance(content, Mapping):
            return {}
        inner = next((content[key] for key in _WRAPPINGS if isinstance(content.get(key), Mapping)), None)
        if inner is None:
            break
        content = inner
    if not isinstance(content, Mapping):
        return {}
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if len(tensors) != len(content):
        return {}
    if all(key.startswith("module.") for key in tensors):  # as torch's data parallel training names them
        return {key.removeprefix("module."): value for key, value in tensors.items()}
    return tensors


class _Sizeless(TorchFunctionMode):
    """Tensors that a network makes room for have a shape and no content; what it computes to build itself is real."""

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        options = dict(kwargs or {})
        if func in (torch.empty, torch.zeros, torch.ones) and options.get("device") is None:
            options["device"] = "meta"
        return func(*args, **options)


def check_fit(network: NetworkSpec, scores: int, tensors: Mapping[str, Tensor]) -> None:
    """Refuse tensors that are not those of the network, before anything of its size is made.

    Raises
    ------
    BrokenModelError
        Names the first tensor that is missing, foreign or of another shape.
    """
    try:
        with _Sizeless():
            wanted = build_spec_network(network, scores).state_dict()
    except ValueError as error:
        raise BrokenModelError(f"The network cannot be built: {error}") from error
    for key, tensor in wanted.items():
        if key not in tensors:
            raise BrokenModelError(f"The weights lack {key!r}, which {network.architecture} has.")
        if tensors[key].shape != tensor.shape:
            raise BrokenModelError(
                f"{key!r} is {tuple(tensors[key].shape)} in the weights, and {tuple(tensor.shape)} in the network."
            )
    for key in tensors:
        if key not in wanted:
            raise BrokenModelError(f"The weights hold {key[:120]!r}, which {network.architecture} does not have.")
