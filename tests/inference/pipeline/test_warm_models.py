"""Networks stay loaded as long as what they were measured to need fits: real networks, real memory."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inference.formats.imported import digest_file
from inference.model_spec import Method, ModelSpec
from inference.network_spec import InputChannel, NetworkSpec, Normalisation, WeightsFile
from inference.pipeline import network_run
from inference.pipeline.network_run import segment_with_network
from inference.pipeline.networks import build_spec_network
from inference.pipeline.warm_models import WARM_MODELS, CudaMeter, ResidentMeter, WarmModels, is_out_of_memory
from inference.pipeline.weights import encode_weights
from studies.label_maps.label_map import SegmentDescription
from tests.inference.volumes import make_volume

MIB = 2**20
WIDTH = 4096
LAYER_MIB = WIDTH * WIDTH * 4 / MIB
"""64 MiB of single-precision weights."""


def build(calls: list[str], name: str) -> Callable[[], nn.Linear]:
    def load() -> nn.Linear:
        calls.append(name)
        return nn.Linear(WIDTH, WIDTH, bias=False)

    return load


def test_what_a_network_occupies_is_measured() -> None:
    warm = WarmModels(ResidentMeter(2**40), share=1.0)
    with warm.use("a", build([], "a")):
        pass
    assert warm.held_bytes("a") / MIB == pytest.approx(LAYER_MIB, rel=0.2)


def test_memory_that_was_taken_before_does_not_hide_a_network() -> None:
    warm = WarmModels(ResidentMeter(2**40), share=1.0)
    tensor = torch.zeros(8)
    with warm.use("a", lambda: tensor, least_bytes=5 * MIB):
        pass
    assert warm.held_bytes("a") == 5 * MIB


def test_the_one_not_used_for_the_longest_time_goes_when_the_budget_is_spent() -> None:
    calls: list[str] = []
    warm = WarmModels(ResidentMeter(int(5 * LAYER_MIB * MIB)), share=0.5)  # room for two and a half
    least = int(LAYER_MIB * MIB)
    for name in ("a", "b", "a", "c", "a", "b"):
        with warm.use(name, build(calls, name), least_bytes=least):
            pass
    assert calls == ["a", "b", "c", "b"]
    assert warm.keys == ["a", "b"]


def test_what_a_run_needs_beside_is_taken_off_the_budget() -> None:
    warm = WarmModels(ResidentMeter(int(4.5 * LAYER_MIB * MIB)), share=1.0)
    least, kept = int(LAYER_MIB * MIB), []
    for name in ("a", "b"):
        with warm.use(name, build([], name), least_bytes=least):
            pass
    assert warm.keys == ["a", "b"]
    with warm.use("b", build([], "b")):
        kept.append(np.ones(int(3 * LAYER_MIB * MIB), np.uint8))
    assert warm.keys == ["b"], "three more layers were held at the end of the run"


def test_a_network_larger_than_the_budget_is_kept_for_its_run_alone() -> None:
    warm = WarmModels(ResidentMeter(MIB), share=0.5)
    for name in ("a", "b"):
        with warm.use(name, build([], name)) as network:
            assert isinstance(network, nn.Linear)
    assert warm.keys == ["b"]


def test_what_goes_cold_is_given_back() -> None:
    warm, meter = WarmModels(ResidentMeter(MIB), share=0.5), ResidentMeter()
    with warm.use("a", build([], "a")) as network:
        held = weakref.ref(network)
    del network
    before = meter.held_bytes()
    warm.clear()
    assert held() is None
    assert (before - meter.held_bytes()) / MIB == pytest.approx(LAYER_MIB, rel=0.2)


def test_when_memory_runs_out_while_loading_the_others_go_and_it_is_tried_once_more() -> None:
    warm = WarmModels(ResidentMeter(2**40), share=1.0)
    with warm.use("a", build([], "a")) as network:
        first = weakref.ref(network)
    del network

    def load_if_alone() -> Tensor:
        gc.collect()
        return torch.empty(2**55 if first() is not None else 8, dtype=torch.uint8)  # 32 PiB: torch refuses for real

    with warm.use("b", load_if_alone) as tensor:
        assert len(tensor) == 8
    assert warm.keys == ["b"]


def test_what_never_fits_fails_and_another_error_drops_nobody() -> None:
    warm = WarmModels(ResidentMeter(2**40), share=1.0)
    with pytest.raises(RuntimeError), warm.use("huge", lambda: torch.empty(2**55, dtype=torch.uint8)):
        pass
    with warm.use("a", build([], "a")):
        pass

    def broken() -> nn.Module:
        raise ValueError("This is not a network.")

    with pytest.raises(ValueError, match="not a network"), warm.use("b", broken):
        pass
    assert warm.keys == ["a"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("x"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("Failed to allocate memory for requested buffer of size 1"), True),  # ONNX Runtime
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_errors_are_told_apart(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


def test_the_share_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    warm = WarmModels(ResidentMeter(int(10 * LAYER_MIB * MIB)))
    monkeypatch.setenv("SEGWEB_WARM_MEMORY_SHARE", "0.25")
    for name in ("a", "b", "c"):
        with warm.use(name, build([], name), least_bytes=int(LAYER_MIB * MIB)):
            pass
    assert warm.keys == ["b", "c"]


@pytest.fixture
def tiny(tmp_path: Path) -> ModelSpec:
    """A real network with weights on disk, as the catalogue has it."""
    network = NetworkSpec(
        "unet", {"channels": [4, 8]}, (WeightsFile("tiny.pt", ""),), (16, 16, 16),
        channels=(InputChannel("CT", Normalisation()),),
    )  # fmt: skip
    torch.manual_seed(1)
    data = encode_weights(build_spec_network(network, 2))
    (tmp_path / "tiny.pt").write_bytes(data)
    network = replace(network, weights=(digest_file("tiny.pt", data),))
    return ModelSpec(
        name="tiny", version="1", title="Tiny", summary="", limits="", method=Method.NETWORK, modalities=frozenset(),
        segments=(SegmentDescription(1, "Thing"),), network=network, folder=tmp_path,
    )  # fmt: skip


def test_a_worker_loads_a_network_once_for_several_runs(tiny: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[Path] = []
    read = network_run.load_weights
    monkeypatch.setattr(
        network_run, "load_weights", lambda module, path, **stated: (loads.append(path), read(module, path, **stated))
    )
    volume = make_volume(np.random.default_rng(1).normal(size=(16, 20, 24)).astype(np.float32))
    WARM_MODELS.clear()
    first, second = (segment_with_network(volume, tiny, lambda _: None, focus=(0, 0, 0)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert len(loads) == 1
    WARM_MODELS.clear()
    segment_with_network(volume, tiny, lambda _: None, focus=(0, 0, 0))
    assert len(loads) == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is at hand")
def test_on_a_gpu_weights_passes_and_departures_are_seen() -> None:
    device = torch.device("cuda")
    meter = CudaMeter(device)
    warm = WarmModels(meter, share=0.5)
    with warm.use("a", lambda: nn.Linear(WIDTH, WIDTH, bias=False).to(device)) as network, torch.inference_mode():
        network(torch.zeros(WIDTH, WIDTH, device=device))
    assert warm.held_bytes("a") / MIB >= LAYER_MIB * 0.99
    assert warm._warm["a"].run_bytes / MIB >= 2 * LAYER_MIB * 0.99, "its input and its output"
    with warm.use("a", lambda: nn.Linear(1, 1)) as network:
        network.cpu()
    assert warm.keys == [], "it left the device and is loaded anew next time"
