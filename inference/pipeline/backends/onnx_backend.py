"""A network run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import torch
from torch import Tensor

from inference.pipeline.device import count_threads


class OnnxForward:
    """Windows in, scores out, one at a time.

    Parameters
    ----------
    path
        An ONNX file with one input (window, channel, slice, row, column) and the scores as its first output; both
        lack one axis where the network is a 2D one, whose windows are one voxel thick along it.
    device
        Where to run; CUDA needs ONNX Runtime's own build for it, otherwise the CPU is used.
    """

    together = 1
    has_own_threads = True

    def __init__(self, path: Path, device: torch.device, *, classes: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = count_threads()
        options.log_severity_level = 3
        wanted = ["CUDAExecutionProvider"] if device.type == "cuda" else []
        providers = [p for p in [*wanted, "CPUExecutionProvider"] if p in onnxruntime.get_available_providers()]
        self._session = onnxruntime.InferenceSession(str(path), options, providers=providers)
        given = self._session.get_inputs()[0]
        self._input, self._is_flat = given.name, len(given.shape) == 4
        self.classes = classes

    def __call__(self, windows: Tensor) -> Tensor:
        """Return float32 scores (window, class, slice, row, column)."""
        if not self._is_flat:
            return self._run(windows)
        axis = 2 + windows.shape[2:].index(1)
        return self._run(windows.squeeze(axis)).unsqueeze(axis)

    def _run(self, windows: Tensor) -> Tensor:
        scores = [self._session.run(None, {self._input: window[None].numpy()})[0] for window in windows]
        return torch.cat([torch.from_numpy(score) for score in scores])
