"""Which backend and precision runs a network on this machine: the fastest of those that give the same answer."""

from __future__ import annotations

import logging
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from inference.pipeline.backends.blocks_backend import BlocksForward
from inference.pipeline.backends.onnx_backend import OnnxForward
from inference.pipeline.backends.openvino_backend import OpenVinoForward, has_half_precision
from inference.pipeline.backends.records import Backend, BackendCheck, Candidate, pick_backend, read_record
from inference.pipeline.backends.torch_backend import TorchForward, measure_room
from inference.pipeline.device import count_threads
from inference.pipeline.engine import Forward
from inference.pipeline.meshnet import MeshNet

logger = logging.getLogger(__name__)

_ROUNDS = 3
_MESHNET_SAMPLE = 64


@dataclass(frozen=True, slots=True)
class NetworkSource:
    """A network that can be built for any backend.

    Attributes
    ----------
    module
        As torch module, or None.
    onnx
        As ONNX file, or None.
    window_shape
        (channel, slice, row, column) of a window.
    classes
        Scores per voxel.
    """

    module: nn.Module | None
    onnx: Path | None
    window_shape: tuple[int, int, int, int]
    classes: int

    def __post_init__(self) -> None:
        if (self.module is None) == (self.onnx is None):
            raise ValueError("A network is either a torch module or an ONNX file.")


def list_candidates(source: NetworkSource, device: torch.device) -> tuple[Candidate, ...]:
    """Return what can be tried on a device; the first is the reference."""
    reference = Candidate(Backend.TORCH if source.module is not None else Backend.ONNX_RUNTIME, "f32")
    if device.type == "cuda":
        return (reference, Candidate(Backend.TORCH, "f16")) if source.module is not None else (reference,)
    if device.type != "cpu":
        return (reference,)
    if isinstance(source.module, MeshNet):  # OpenVINO holds all feature maps of a whole head and needs many minutes
        return reference, Candidate(Backend.BLOCKS, "f32")
    single = Candidate(Backend.OPENVINO, "f32")
    return (reference, single, Candidate(Backend.OPENVINO, "bf16")) if has_half_precision() else (reference, single)


def build_forward(source: NetworkSource, candidate: Candidate, device: torch.device) -> Forward:
    """Build a network for a backend."""
    if candidate.backend is Backend.OPENVINO:
        return OpenVinoForward(source.module or _path(source), source.window_shape, precision=candidate.precision)
    if candidate.backend is Backend.BLOCKS and isinstance(source.module, MeshNet):
        return BlocksForward(source.module, classes=source.classes)
    if source.module is None:
        return OnnxForward(_path(source), device, classes=source.classes)
    return TorchForward(
        source.module,
        device,
        classes=source.classes,
        is_half=candidate.precision == "f16",
        together=measure_room(source.module, device, source.window_shape),
    )


def check_backends(source: NetworkSource, device: torch.device, sample: Tensor) -> tuple[BackendCheck, ...]:
    """Run all candidates over sample windows (window, channel, slice, row, column) and compare them.

    A candidate that cannot be built or run is one that does not pass; it never ends the check.
    """
    reference, *others = list_candidates(source, device)
    forward = build_forward(source, reference, device)
    expected = forward(sample).float().cpu().clone()
    _require_answer(expected, (len(sample), source.classes, *sample.shape[2:]))
    checks = [BackendCheck(reference, _time(lambda: forward(sample[:1])), 1.0, 0.0)]
    for candidate in others:
        try:
            checks.append(_check(build_forward(source, candidate, device), candidate, sample, expected))
        except Exception as error:  # noqa: BLE001 - backends raise what they like
            checks.append(BackendCheck(candidate, problem=f"{type(error).__name__}: {str(error)[:200]}"))
    return tuple(checks)


def build_chosen(source: NetworkSource, weights_sha256: str, device: torch.device) -> Forward:
    """Build a network for the backend that its check picked on this machine; as reference where none was made."""
    checks = read_record(weights_sha256, describe_machine(device))
    reference = list_candidates(source, device)[0]
    candidate = pick_backend(checks) if checks else reference
    try:
        return build_forward(source, candidate, device)
    except Exception:
        if candidate == reference:
            raise
        logger.warning("%s passed its check and cannot be built now: going on with %s.", candidate, reference)
        return build_forward(source, reference, device)


def find_sample_shape(source: NetworkSource) -> tuple[int, int, int, int]:
    """Return (channel, slice, row, column) of the windows to check with: the network's own where they are not huge.

    A MeshNet takes any size and costs the same for each voxel.
    """
    channels, *window = source.window_shape
    planes, rows, columns = (min(n, _MESHNET_SAMPLE) if isinstance(source.module, MeshNet) else n for n in window)
    return channels, planes, rows, columns


def make_sample(window_shape: tuple[int, int, int, int], count: int = 2, seed: int = 1) -> Tensor:
    """Return windows of smooth structures at several scales, normalised to mean 0 and spread 1."""
    random = np.random.default_rng(seed)
    windows = np.zeros((count, *window_shape), np.float32)
    for channel in windows.reshape(-1, *window_shape[1:]):
        for width in (1.0, 3.0, 8.0):
            layer = gaussian_filter(random.normal(size=channel.shape).astype(np.float32), width)
            channel += layer / max(float(layer.std()), 1e-6)
        channel /= max(float(channel.std()), 1e-6)
    return torch.from_numpy(windows)


def describe_machine(device: torch.device) -> str:
    """Return all that a check's outcome depends on, in one line."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    versions = " ".join(f"{package} {metadata.version(package)}" for package in ("torch", "openvino", "onnxruntime"))
    return f"{name}, {os.cpu_count()} CPUs, {count_threads()} threads, {versions}"


def _require_answer(scores: Tensor, shape: tuple[int, ...]) -> None:
    if tuple(scores.shape) != shape:
        raise ValueError(f"it answers {tuple(scores.shape)} where (window, class, slice, row, column) is {shape}")
    if not bool(torch.isfinite(scores).all()):
        raise ValueError("it answers with infinite values or none at all (NaN)")


def _check(forward: Forward, candidate: Candidate, sample: Tensor, expected: Tensor) -> BackendCheck:
    found = forward(sample).float().cpu().clone()
    if found.shape != expected.shape:
        return BackendCheck(candidate, problem=f"answers {tuple(found.shape)} instead of {tuple(expected.shape)}")
    error = float((found - expected).abs().max()) / max(float(expected.std()), 1e-12)
    return BackendCheck(candidate, _time(lambda: forward(sample[:1])), _lowest_dice(found, expected), error)


def _lowest_dice(found: Tensor, expected: Tensor) -> float:
    if found.shape[1] == 1:
        ours, theirs = found[:, 0] > 0, expected[:, 0] > 0
    else:
        ours, theirs = found.argmax(1), expected.argmax(1)
    return min(_dice((ours == label).numpy(), (theirs == label).numpy()) for label in np.unique(theirs.numpy()))


def _dice(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> float:
    return 2.0 * float((first & second).sum()) / float(first.sum() + second.sum())


def _time(call: Callable[[], Tensor]) -> float:
    seconds = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        call()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def _path(source: NetworkSource) -> Path:
    if source.onnx is None:
        raise ValueError("This network is not an ONNX file.")
    return source.onnx
