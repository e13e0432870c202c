"""A network run by OpenVINO on the CPU."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inference.pipeline.device import count_threads

# OpenVINO reports its use to its makers when this package is there. Patient data lies on this machine: it stays silent.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]


class OpenVinoForward:
    """Windows in, scores out, one at a time; compiled for one window shape.

    Parameters
    ----------
    source
        A torch network, or the path of an ONNX file.
    window_shape
        (channel, slice, row, column) of a window.
    precision
        "f32" or "bf16", as OpenVINO names them.
    """

    together = 1

    def __init__(self, source: nn.Module | Path, window_shape: tuple[int, ...], *, precision: str = "f32") -> None:
        import openvino

        core = openvino.Core()
        shape = [1, *window_shape]
        if isinstance(source, Path):
            model = core.read_model(source)
        else:
            with torch.no_grad():
                model = openvino.convert_model(source.eval().cpu(), example_input=torch.zeros(shape))
        model.reshape(shape)
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": count_threads(),
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        }
        compiled = core.compile_model(model, "CPU", options)
        self._request = compiled.create_infer_request()
        self.classes = int(compiled.output(0).shape[1])

    def __call__(self, windows: Tensor) -> Tensor:
        """Return float32 scores (window, class, slice, row, column); they are overwritten by the next call."""
        if len(windows) != 1:
            return torch.cat([self(window[None]).clone() for window in windows])
        self._request.infer([np.ascontiguousarray(windows.numpy())], share_inputs=True)
        return torch.from_numpy(self._request.get_output_tensor(0).data)
