"""A network run by OpenVINO on the CPU."""

from __future__ import annotations

import sys
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from inference.pipeline.device import count_threads
from inference.pipeline.engine import NOT_FINITE, NetworkOutputError
from inference.pipeline.tiles import LARGEST_SCORE, UNITS_PER_SCORE

# OpenVINO reports its use to its makers when this package is there. Patient data lies on this machine: it stays silent.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]


@cache
def has_half_precision() -> bool:
    """Tell whether this processor computes in bf16; where it does not, asking for it gives single precision."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@torch.no_grad()
def _convert(module: nn.Module, sample: torch.Tensor) -> Any:
    """Return OpenVINO's form of a network for inputs of the sample's shape."""
    import openvino

    if _partitions_windows(module):
        return openvino.convert_model(torch.export.export(module, (sample,)))
    return openvino.convert_model(module, example_input=sample)


def _partitions_windows(module: nn.Module) -> bool:
    """Tell whether a network shifts windows: it works out their sizes in Python.

    Tracing, OpenVINO's own way of reading a network, makes those sizes part of the graph, wrong ones in places;
    exported for one shape they are plain numbers. Exporting takes longer: it is kept for networks that need it.
    """
    return any(type(each).__name__ == "SwinTransformer" for each in module.modules())


class OpenVinoForward:
    """Windows in, scores out, one at a time; compiled for one window shape when first asked.

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
    has_own_threads = True

    def __init__(self, source: nn.Module | Path, window_shape: tuple[int, ...], *, precision: str = "f32") -> None:
        import openvino

        self._core = openvino.Core()
        shape = [1, *window_shape]
        if isinstance(source, Path):
            self._model = self._core.read_model(source)
        else:
            self._model = _convert(source.eval().cpu(), torch.zeros(shape))
        self._model.reshape(shape)
        self._precision = precision
        self._threads = count_threads()  # now: torch has fewer while windows run
        self.can_weigh = precision == "f32"
        self.classes = int(self._model.output(0).shape[1])

    def __call__(self, windows: Tensor) -> Tensor:
        """Return float32 scores (window, class, slice, row, column); they are overwritten by the next call."""
        if len(windows) != 1:
            return torch.cat([self(window[None]).clone() for window in windows])
        self._request.infer([np.ascontiguousarray(windows.numpy())], share_inputs=True)
        return torch.from_numpy(self._request.get_output_tensor(0).data)

    @cached_property
    def _request(self) -> Any:
        return self._compile(self._model)

    def _compile(self, model: Any) -> Any:
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": self._precision,
            "INFERENCE_NUM_THREADS": self._threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        }
        return self._core.compile_model(model, "CPU", options).create_infer_request()

    def weigh(self, windows: Tensor, share: npt.NDArray[np.float32]) -> Tensor:
        """Return the units of a window; see `inference.pipeline.engine.Weighing`.

        It spares three passes over all scores.
        """
        inputs = [np.ascontiguousarray(windows.numpy()), np.ascontiguousarray(share)]
        self._weighing_request.infer(inputs, share_inputs=True)
        if not np.isfinite(self._weighing_request.get_output_tensor(1).data):
            raise NetworkOutputError(NOT_FINITE)
        return torch.from_numpy(self._weighing_request.get_output_tensor(0).data)

    @cached_property
    def _weighing_request(self) -> Any:
        import openvino
        from openvino import opset13 as operations

        model = self._model.clone()
        scores = model.outputs[0].get_node().input_value(0)
        share = operations.parameter(list(scores.shape)[2:], np.float32)
        bounded = operations.clamp(scores, -LARGEST_SCORE, LARGEST_SCORE)
        weighed = operations.multiply(bounded, operations.multiply(share, np.float32(UNITS_PER_SCORE)))
        # what is cut off is a fraction of a unit; the sum is a number where all scores are
        outputs = [operations.convert(weighed, "i32"), operations.reduce_sum(scores, np.arange(len(scores.shape)))]
        return self._compile(openvino.Model(outputs, [*model.get_parameters(), share]))
