"""The torch backend on a CUDA device against the same network on the CPU.

Nothing here has been measured yet: these tests were written where no GPU was at hand.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inference.pipeline.backends.choice import NetworkSource, build_forward, check_backends, make_sample
from inference.pipeline.backends.records import LOWEST_DICE, Backend, Candidate
from inference.pipeline.backends.torch_backend import TorchForward, measure_room
from inference.pipeline.engine import run_windows
from inference.pipeline.labelling import Resampling
from inference.pipeline.networks import build_network
from inference.pipeline.run_notes import gather_notes
from inference.pipeline.windows import WindowGrid
from tests.inference.volumes import Recorder, measure_dice

pytestmark = pytest.mark.gpu

CPU = torch.device("cpu")
WINDOW = (1, 16, 32, 32)
SHAPE = (40, 80, 72)


def make_source(classes: int = 3) -> NetworkSource:
    torch.manual_seed(3)
    network = build_network("unet", {"channels": (4, 8, 8)}, classes)
    nn.init.normal_(network.head.weight, std=3.0)
    nn.init.zeros_(network.head.bias)
    return NetworkSource(network.eval(), None, WINDOW, classes)


def make_forward(device: torch.device, *, together: int = 1) -> TorchForward:
    source = make_source()
    assert source.module is not None
    return TorchForward(source.module, device, classes=source.classes, together=together)


def label(forward: TorchForward, focus: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the label map of a volume, and what its stream adds up to."""
    image = np.random.default_rng(5).normal(size=(1, *SHAPE)).astype(np.float32)
    recorder = Recorder(SHAPE)
    grid = WindowGrid(SHAPE, WINDOW[1:], 0.5)
    labels = run_windows(image, grid, Resampling(SHAPE, SHAPE), forward, recorder, focus=focus)
    return labels, recorder.voxels


def test_cuda_gives_the_cpus_labels(gpu: torch.device) -> None:
    expected, _ = label(make_forward(CPU), (0, 0, 0))
    found, _ = label(make_forward(gpu), (0, 0, 0))
    assert len(np.unique(expected)) > 1
    for each in np.unique(expected):
        assert measure_dice(found == each, expected == each) >= LOWEST_DICE


def test_streamed_is_batch_is_any_focus(gpu: torch.device) -> None:
    forward = make_forward(gpu, together=4)
    reference, _ = label(forward, (0, 0, 0))
    for focus in ((0, 0, 0), (20, 40, 36), (39, 79, 71)):
        labels, streamed = label(forward, focus)
        np.testing.assert_array_equal(labels, reference)
        np.testing.assert_array_equal(streamed, reference)


def test_half_precision_is_tried_and_judged_by_the_gate(gpu: torch.device) -> None:
    checks = check_backends(make_source(), gpu, make_sample(WINDOW))
    half = next(check for check in checks if check.candidate == Candidate(Backend.TORCH, "f16"))
    assert half.problem == ""
    assert half.seconds is not None
    assert half.lowest_dice is not None
    assert half.has_passed == (half.lowest_dice >= LOWEST_DICE and (half.largest_error or 0.0) <= 0.01)
    forward = build_forward(make_source(), half.candidate, gpu)
    assert forward(make_sample(WINDOW)).dtype == torch.float32


def test_room_is_measured_on_the_device(gpu: torch.device) -> None:
    source = make_source()
    assert source.module is not None
    assert 1 <= measure_room(source.module, gpu, WINDOW) <= 8


class Tiring(nn.Module):
    """Finds no more room on a device after some windows."""

    def __init__(self, network: nn.Module, windows: int) -> None:
        super().__init__()
        self.network, self.windows = network, windows

    def forward(self, image: Tensor) -> Tensor:
        if image.device.type == "cuda":
            self.windows -= len(image)
            if self.windows < 0:
                raise torch.OutOfMemoryError("CUDA out of memory.")
        scores: Tensor = self.network(image)
        return scores


def test_a_device_that_is_left_in_the_middle_costs_no_label(gpu: torch.device) -> None:
    expected, _ = label(make_forward(CPU), (0, 0, 0))
    source = make_source()
    assert source.module is not None
    forward = TorchForward(Tiring(source.module, windows=9), gpu, classes=source.classes)
    found, streamed = label(forward, (0, 0, 0))
    assert forward.device == CPU
    np.testing.assert_array_equal(streamed, found)
    for each in np.unique(expected):
        assert measure_dice(found == each, expected == each) >= LOWEST_DICE


class Hungry(nn.Module):
    """Takes a known amount of a device's memory for each window."""

    def __init__(self, bytes_per_window: int) -> None:
        super().__init__()
        self.bytes_per_window = bytes_per_window
        self.tried: list[tuple[str, int]] = []

    def forward(self, image: Tensor) -> Tensor:
        self.tried.append((image.device.type, len(image)))
        if image.device.type == "cuda":
            torch.empty(len(image) * self.bytes_per_window, dtype=torch.uint8, device=image.device)
        return torch.cat([-image, image], dim=1)


@pytest.mark.parametrize(
    ("windows_that_fit", "devices", "has_note"), [(2.5, {"cuda"}, False), (0.5, {"cuda", "cpu"}, True)]
)
def test_a_real_limit_halves_the_windows_and_then_leaves_for_the_cpu(
    gpu: torch.device, windows_that_fit: float, devices: set[str], has_note: bool
) -> None:
    total = torch.cuda.get_device_properties(gpu).total_memory
    limit = min(2 * 1024**3, total // 4)
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved(gpu) + limit) / total, gpu)
    network = Hungry(int(limit / windows_that_fit))
    windows = torch.randn(4, 1, 8, 8, 8)
    with gather_notes() as notes:
        forward = TorchForward(network, gpu, classes=2, together=4)
        scores = forward(windows).cpu()
    torch.testing.assert_close(scores[:, 1:], windows)
    assert network.tried[0] == ("cuda", 4)
    assert ("cuda", 2) in network.tried
    assert {device for device, _ in network.tried} == devices
    assert bool(notes) == has_note
