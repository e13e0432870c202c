"""Every backend gives the same answer or is not used."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inference.pipeline.averaging import Ensemble, Mirrored
from inference.pipeline.backends import choice, records
from inference.pipeline.backends.choice import (
    NetworkSource,
    build_chosen,
    build_forward,
    check_backends,
    describe_machine,
    list_candidates,
    make_sample,
)
from inference.pipeline.backends.openvino_backend import OpenVinoForward
from inference.pipeline.backends.records import (
    Backend,
    BackendCheck,
    Candidate,
    pick_backend,
    read_record,
    use_records_folder,
    write_record,
)
from inference.pipeline.backends.torch_backend import TorchForward
from inference.pipeline.engine import NetworkOutputError, run_windows
from inference.pipeline.labelling import Resampling
from inference.pipeline.networks import build_network
from inference.pipeline.tiles import LARGEST_SCORE, UNITS_PER_SCORE
from inference.pipeline.windows import WindowGrid

CPU = torch.device("cpu")
WINDOW = (1, 8, 16, 16)


def make_source() -> NetworkSource:
    torch.manual_seed(3)
    network = build_network("unet", {"channels": (4, 8, 8)}, 3)
    torch.nn.init.normal_(network.head.weight, std=3.0)
    return NetworkSource(network.eval(), None, WINDOW, 3)


def test_openvino_gives_torchs_scores_and_stays_silent() -> None:
    source = make_source()
    reference, found = (
        build_forward(source, candidate, CPU)
        for candidate in (Candidate(Backend.TORCH, "f32"), Candidate(Backend.OPENVINO, "f32"))
    )
    sample = make_sample(WINDOW)
    np.testing.assert_allclose(found(sample).numpy(), reference(sample).numpy(), atol=1e-3)
    assert found.classes == 3
    assert sys.modules["openvino_telemetry"] is None, "OpenVINO would tell its makers that it is used"


def test_shifted_windows_go_through_openvino() -> None:
    torch.manual_seed(3)
    spec_arguments = {"feature_size": 12, "depths": (1, 1, 1, 1), "num_heads": (1, 2, 3, 4)}
    module = build_network("monai.SwinUNETR", spec_arguments, 2).eval()
    source = NetworkSource(module, None, (1, 32, 64, 64), 2)
    sample = make_sample(source.window_shape, count=1)
    reference, found = (
        build_forward(source, Candidate(backend, "f32"), CPU)(sample).numpy().copy()
        for backend in (Backend.TORCH, Backend.OPENVINO)
    )
    np.testing.assert_allclose(found, reference, atol=1e-3)


def test_half_precision_is_tried_where_the_processor_has_it() -> None:
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    if not flags:
        pytest.skip("only Linux says what its processor can do")
    has_it = "avx512_bf16" in flags or "amx_bf16" in flags
    tried = {candidate.precision for candidate in list_candidates(make_source(), CPU)}
    assert ("bf16" in tried) == has_it


def test_the_fastest_that_passes_is_picked_and_the_reference_always_passes() -> None:
    source = make_source()
    checks = check_backends(source, CPU, make_sample(WINDOW))
    assert [check.candidate for check in checks] == list(list_candidates(source, CPU))
    assert checks[0].has_passed
    assert checks[1].lowest_dice is not None
    assert checks[1].lowest_dice >= 0.999
    fast_but_wrong = BackendCheck(Candidate(Backend.OPENVINO, "bf16"), 0.001, 0.98, 0.001)
    slow = BackendCheck(Candidate(Backend.TORCH, "f32"), 2.0, 1.0, 0.0)
    fast = BackendCheck(Candidate(Backend.OPENVINO, "f32"), 1.0, 0.9995, 0.001)
    assert pick_backend((slow, fast, fast_but_wrong)) == fast.candidate
    assert not BackendCheck(fast.candidate, 0.1, 1.0, 0.2).has_passed, "labels agree by luck where scores do not"


def test_a_backend_that_breaks_is_named_and_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*arguments: object, **options: object) -> None:
        raise RuntimeError("no such operation")

    monkeypatch.setattr(choice, "OpenVinoForward", break_down)
    checks = check_backends(make_source(), CPU, make_sample(WINDOW))
    assert {check.problem for check in checks[1:]} == {"RuntimeError: no such operation"}
    assert pick_backend(checks) == Candidate(Backend.TORCH, "f32")


def test_what_was_found_is_used_on_this_machine_for_these_weights_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(records, "_state", {})
    source, machine = make_source(), describe_machine(CPU)
    checks = check_backends(source, CPU, make_sample(WINDOW))
    write_record("a" * 64, machine, checks)
    assert read_record("a" * 64, machine) == (), "outside the project nothing is kept"
    use_records_folder(tmp_path / "backends")
    write_record("a" * 64, machine, (checks[0], replace(checks[1], seconds=1e-9)))
    assert isinstance(build_chosen(source, "a" * 64, CPU), OpenVinoForward)
    assert isinstance(build_chosen(source, "b" * 64, CPU), TorchForward)
    assert read_record("a" * 64, machine + " and more") == ()
    monkeypatch.setattr(choice, "OpenVinoForward", None)
    assert isinstance(build_chosen(source, "a" * 64, CPU), TorchForward), "what cannot be built is not waited for"
    next((tmp_path / "backends").iterdir()).write_text("{")
    assert read_record("a" * 64, machine) == ()
    assert "check_backends" in caplog.text


def test_of_equally_fast_ones_the_most_exact_is_picked() -> None:
    exact = BackendCheck(Candidate(Backend.OPENVINO, "f32"), 1.05, 1.0, 0.0)
    rounded = BackendCheck(Candidate(Backend.OPENVINO, "bf16"), 1.0, 1.0, 0.001)
    assert pick_backend((exact, rounded)) == exact.candidate
    assert pick_backend((replace(exact, seconds=1.2), rounded)) == rounded.candidate


def test_a_network_has_one_source() -> None:
    with pytest.raises(ValueError, match="either"):
        NetworkSource(None, None, WINDOW, 2)
    with pytest.raises(ValueError, match="either"):
        NetworkSource(nn.Identity(), Path("x.onnx"), WINDOW, 2)


def test_a_check_names_the_machine_it_holds_for() -> None:
    assert f"torch {torch.__version__}" in describe_machine(CPU)


class Shifted(nn.Module):
    """Scores that depend on the place: the value one voxel further along the columns, plus an offset."""

    def __init__(self, offset: float) -> None:
        super().__init__()
        self.offset = offset

    def forward(self, image: Tensor) -> Tensor:
        return torch.cat((image.roll(1, dims=4) + self.offset, image), dim=1)


def test_mirroring_averages_all_turned_answers() -> None:
    forward = TorchForward(Shifted(0.0), CPU, classes=2)
    windows = torch.randn(2, 1, 3, 4, 5)
    expected = torch.stack(
        [torch.flip(forward(torch.flip(windows, axes)), axes) for axes in ([], [2], [4], [2, 4])]
    ).mean(0)
    torch.testing.assert_close(Mirrored(forward, (0, 2))(windows), expected)
    torch.testing.assert_close(Mirrored(forward, ())(windows), forward(windows))


def test_folds_are_averaged() -> None:
    forwards = tuple(TorchForward(Shifted(offset), CPU, classes=2) for offset in (0.0, 3.0, 6.0))
    windows = torch.randn(1, 1, 3, 4, 5)
    torch.testing.assert_close(Ensemble(forwards)(windows), forwards[1](windows))


class TooLarge(nn.Module):
    """Runs out of a device's memory with more than `most` windows."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.seen: list[int] = []

    def forward(self, image: Tensor) -> Tensor:
        self.seen.append(len(image))
        if len(image) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return torch.cat((image, -image), dim=1)


def test_a_device_without_room_gets_fewer_windows_and_then_gives_up_to_the_cpu(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    network = TooLarge(most=1)
    forward = TorchForward(network, CPU, classes=2, together=4)
    monkeypatch.setattr(forward, "device", torch.device("meta"))  # neither the CPU nor a device that is there
    monkeypatch.setattr(network, "to", lambda device: network)
    monkeypatch.setattr(Tensor, "to", lambda self, *arguments, **options: self)
    windows = torch.randn(4, 1, 2, 2, 2)
    torch.testing.assert_close(forward(windows)[:, :1], windows)
    assert network.seen == [4, 2, 1, 1, 1, 1]
    assert "2 windows at once" in caplog.text
    network.most = 0
    with pytest.raises(MemoryError):
        forward(windows)
    assert "going on with the CPU" in caplog.text


class Loud(nn.Module):
    """Scores from the values as they are, so that a test knows them."""

    def forward(self, image: Tensor) -> Tensor:
        return torch.cat((image * 1.5, image * -300.0), dim=1)


def test_openvino_weighs_scores_in_the_pass_that_computes_them() -> None:
    forward = OpenVinoForward(Loud(), WINDOW)
    window, share = make_sample(WINDOW, 1), np.linspace(0.0, 1.0, 8 * 16 * 16, dtype=np.float32).reshape(WINDOW[1:])
    units = forward.weigh(window, share)
    bounded = Loud()(window).double().clamp(-LARGEST_SCORE, LARGEST_SCORE)
    expected = bounded * torch.from_numpy(share).double() * UNITS_PER_SCORE
    assert units.dtype == torch.int32
    assert float((units - expected).abs().max()) <= 2.0**30 * 2.0**-23, "single precision, and a unit that is cut off"
    window[0, 0, 1, 2, 3] = float("nan")
    with pytest.raises(NetworkOutputError):
        forward.weigh(window, share)
    assert not OpenVinoForward(Loud(), WINDOW, precision="bf16").can_weigh


@pytest.mark.parametrize("focus", [(0, 0, 0), (20, 30, 9)])
def test_the_label_map_is_the_same_whoever_weighs_and_wherever_it_begins(focus: tuple[int, int, int]) -> None:
    source = make_source()
    image = np.pad(make_sample((1, 20, 30, 24), 1).numpy()[0], [(0, 0), (0, 0), (20, 0), (20, 0)])  # with still air
    grid = WindowGrid((20, 50, 44), (8, 16, 16), 0.5)
    labels = []
    for forward in (OpenVinoForward(source.module, WINDOW), NotWeighing(OpenVinoForward(source.module, WINDOW))):
        resampling = Resampling((20, 50, 44), (20, 50, 44))
        labels.append(run_windows(image, grid, resampling, forward, lambda progress: None, focus=focus))
    assert len(np.unique(labels[0])) > 1
    assert np.array_equal(*labels)


class NotWeighing:
    """A backend that leaves the weighing to the engine."""

    together = 1

    def __init__(self, forward: OpenVinoForward) -> None:
        self.classes = forward.classes
        self._forward = forward

    def __call__(self, windows: Tensor) -> Tensor:
        return self._forward(windows)
