"""What goes wrong with an imported network, from the job to the label map: it ends in words, and the next job runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from inference import registry
from inference.formats.imported import Naming, digest_file
from inference.formats.readers import read_model
from inference.formats.store import store_model
from inference.input_images import ChannelsMissingError
from inference.job_states import JobState
from inference.model_spec import Method, ModelSpec, Progress
from inference.models import JobBrick, SegmentationJob
from inference.network_spec import InputChannel, NetworkSpec, Normalisation
from inference.pipeline import network_run
from inference.pipeline.backends.choice import NetworkSource
from inference.pipeline.backends.torch_backend import TorchForward
from inference.pipeline.manifest import write_manifest
from inference.pipeline.segment import segment
from inference.selectors import describe_job
from inference.services import recorder as recorder_module
from inference.services import runs
from inference.services.jobs import ModelNotApplicableError, cancel_job, request_job
from inference.services.runs import run_job
from studies.label_maps.label_map import SegmentDescription
from studies.models import Series, User
from studies.services.segmentations import load_label_map
from studies.storage import StorageFullError, explain_write_failures
from tests.archives import archive_series
from tests.factories import PatientFactory
from tests.inference.conftest import BALL, BALL_RADIUS_MM
from tests.inference.volumes import make_volume
from tests.phantoms import SeriesSpec, sphere, write_series
from tests.torchscript import encode_script

pytestmark = pytest.mark.django_db

WINDOW = (8, 16, 16)
LEVEL = -350.0


class Bright(nn.Module):
    """Marks what is above a level; answers with NaN where a window holds the poisonous value."""

    def forward(self, image: Tensor) -> Tensor:
        score = (image + 350.0) / 100.0
        score = torch.where(image == 666.0, torch.full_like(score, float("nan")), score)
        return torch.cat([-score, score], dim=1)


def describe(channels: tuple[str, ...] = ("CT",)) -> ModelSpec:
    network = NetworkSpec(
        "torchscript",
        {},
        (digest_file("model.ts", b""),),
        WINDOW,
        channels=tuple(InputChannel(name, Normalisation()) for name in channels),
    )
    return ModelSpec(
        name="bright",
        version="1",
        title="Bright",
        summary="Marks what is bright.",
        limits="Tests.",
        method=Method.NETWORK,
        modalities=frozenset({"CT"}),
        segments=(SegmentDescription(1, "Bright"),),
        network=network,
        needs_volume=True,
    )


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Import the network by the path that a hospital's own takes; return the file that the catalogue holds."""
    monkeypatch.setitem(registry._state, "folder", tmp_path / "models")
    (tmp_path / "models").mkdir()
    brought = tmp_path / "brought"
    brought.mkdir()
    (brought / "model.ts").write_bytes(encode_script(Bright()))
    spec = describe()
    assert spec.network is not None
    file = digest_file("model.ts", (brought / "model.ts").read_bytes())
    write_manifest(
        brought / "manifest.json", replace(spec, network=replace(spec.network, weights=(file,))), provenance={}
    )
    return store_model(read_model(brought, Naming()), tmp_path / "models") / "model.ts"


@pytest.fixture
def series_of(reader: User, tmp_path: Path) -> Callable[..., Series]:
    """Archive grey values as one series of a patient of the reader's team."""

    def archive(voxels: npt.NDArray[Any], spec: SeriesSpec = BALL) -> Series:
        patient = PatientFactory(home_team=reader.teams.all()[0])
        written = replace(spec, shape=voxels.shape, voxels=voxels, patient_id=patient.patient_id)
        folder = tmp_path / patient.patient_id
        folder.mkdir()
        return archive_series(write_series(folder, written), study__patient=patient)

    return archive


def run(series: Series, person: User, *, engine: Any = segment) -> SegmentationJob:
    job, _ = request_job(series, requested_by=person, model_name="bright", parameters={})
    run_job(job.pk, segment=engine)
    job.refresh_from_db()
    return job


def assert_nothing_is_left(job: SegmentationJob, code: str) -> None:
    """The job ended with a stable code and a whole sentence, and stored nothing."""
    assert (job.state, job.failure_code) == (JobState.FAILED, code)
    assert len(job.failure.split()) > 5
    assert job.failure.endswith(".")
    assert "Traceback" not in job.failure
    assert job.finished_at is not None
    assert job.revision is None
    assert job.series.segmentations.count() == 0


def assert_the_ball_is_found(series: Series, person: User) -> SegmentationJob:
    job = run(series, person)
    assert (job.state, job.failure) == (JobState.SUCCEEDED, "")
    assert job.revision is not None
    np.testing.assert_array_equal(load_label_map(job.revision).voxels, sphere(BALL, BALL_RADIUS_MM))
    return job


def flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (flip_a_byte, "weights.corrupt"),
        (lambda path: path.write_bytes(path.read_bytes()[:200]), "weights.corrupt"),
        (lambda path: path.write_bytes(b""), "weights.corrupt"),
        (Path.unlink, "weights.missing"),
    ],
    ids=["a changed byte", "cut off", "empty", "gone"],
)
def test_weights_damaged_after_their_import_are_named_and_run_again_once_mended(
    ball: Series, reader: User, weights: Path, damage: Callable[[Path], object], code: str
) -> None:
    whole = weights.read_bytes()
    damage(weights)
    job = run(ball, reader)
    assert_nothing_is_left(job, code)
    assert "model.ts" in job.failure
    assert not JobBrick.objects.filter(job=job).exists()
    weights.write_bytes(whole)
    assert_the_ball_is_found(ball, reader)


class TooSmall(nn.Module):
    """A network on a device that never has room; torch's "meta" stands for it, as it holds shapes but no values."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.seen: list[tuple[str, int]] = []

    def to(self, *arguments: Any, **options: Any) -> TooSmall:
        return self

    def forward(self, image: Tensor) -> Tensor:
        self.seen.append((image.device.type, len(image)))
        if image.device.type != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        scores: Tensor = self.network(image)
        return scores


@pytest.fixture
def too_small(monkeypatch: pytest.MonkeyPatch) -> list[TooSmall]:
    """Have networks built for such a device, four windows at once."""
    built: list[TooSmall] = []

    def build(source: NetworkSource, *_: object) -> TorchForward:
        assert source.module is not None
        built.append(TooSmall(source.module))
        return TorchForward(built[-1], torch.device("meta"), classes=source.classes, together=4)

    monkeypatch.setattr(network_run, "build_chosen", build)
    return built


def test_a_gpu_without_room_is_left_for_the_cpu_and_the_reader_is_told(
    ball: Series, reader: User, weights: Path, too_small: list[TooSmall]
) -> None:
    job = assert_the_ball_is_found(ball, reader)
    network = too_small[0]
    on_device = [count for device, count in network.seen if device == "meta"]
    assert on_device == [4, 2, 1]
    assert {count for device, count in network.seen if device == "cpu"} == {1}
    assert len(job.notes) == 1
    assert "too little memory" in job.notes[0]
    assert "CPU" in job.notes[0]
    assert describe_job(job).notes == tuple(job.notes)
    assert job.revision is not None
    assert job.revision.provenance["notes"] == job.notes


def test_the_next_job_tries_the_gpu_again(
    ball: Series, reader: User, weights: Path, too_small: list[TooSmall], series_of: Callable[..., Series]
) -> None:
    assert_the_ball_is_found(ball, reader)
    tried = len(too_small[0].seen)
    other = series_of(np.where(sphere(BALL, BALL_RADIUS_MM), 100, -800))
    assert assert_the_ball_is_found(other, reader).notes, "a run that used the CPU says so, the second as the first"
    assert len(too_small) == 1, "the network stayed warm"
    assert too_small[0].seen[tried : tried + 3] == [("meta", 4), ("meta", 2), ("meta", 1)]


def test_a_run_as_it_was_meant_has_no_notes(ball: Series, reader: User, weights: Path) -> None:
    assert assert_the_ball_is_found(ball, reader).notes == []


def test_a_computer_without_room_says_so(ball: Series, reader: User, weights: Path) -> None:
    def greedy(*arguments: Any, **options: Any) -> Any:
        return torch.empty(2**52)

    assert_nothing_is_left(run(ball, reader, engine=greedy), "job.out_of_memory")
    assert_the_ball_is_found(ball, reader)


def test_a_network_that_answers_nan_stores_nothing_and_stays_usable(
    ball: Series, reader: User, weights: Path, series_of: Callable[..., Series]
) -> None:
    voxels = np.where(sphere(BALL, BALL_RADIUS_MM), 100, -800)
    voxels[11, 31, 39] = 666
    job = run(series_of(voxels), reader)
    assert_nothing_is_left(job, "network.not_finite")
    assert_the_ball_is_found(ball, reader)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_image_with_values_that_are_no_numbers_is_refused_with_their_place(weights: Path, value: float) -> None:
    voxels = np.zeros(BALL.shape, np.float32)
    voxels[3, 4, 5] = value
    spec = registry.get_model("bright")
    with pytest.raises(Exception, match=r"1 voxels .* slice 4") as caught:
        segment(make_volume(voxels), spec, lambda progress: None, parameters={})
    assert caught.value.code == "volume.not_finite"  # type: ignore[attr-defined]


@pytest.mark.parametrize("shape", [(12, 32, 8), (12, 9, 40), (3, 32, 40), (3, 5, 4)])
def test_images_smaller_than_a_window_along_any_axes_are_labelled_whole(
    reader: User, weights: Path, series_of: Callable[..., Series], shape: tuple[int, int, int]
) -> None:
    voxels = np.random.default_rng(2).choice([-800, 100], shape)
    job = run(series_of(voxels), reader)
    assert (job.state, job.failure) == (JobState.SUCCEEDED, "")
    assert job.revision is not None
    np.testing.assert_array_equal(load_label_map(job.revision).voxels, voxels > LEVEL)


def test_a_single_slice_is_no_volume_and_says_so_when_it_is_asked_for(
    reader: User, weights: Path, series_of: Callable[..., Series]
) -> None:
    voxels = np.random.default_rng(2).choice([-800, 100], (1, 32, 40))
    with pytest.raises(ModelNotApplicableError, match="evenly spaced, parallel slices"):
        run(series_of(voxels), reader)
    assert not SegmentationJob.objects.exists()
    spec = registry.get_model("bright")
    label_map = segment(make_volume(voxels.astype(np.int16)), spec, lambda progress: None, parameters={})
    np.testing.assert_array_equal(label_map.voxels, voxels > LEVEL)


def test_an_image_of_one_value_has_one_label(reader: User, weights: Path, series_of: Callable[..., Series]) -> None:
    for value, label in ((0, 1), (-800, 0)):
        job = run(series_of(np.full(BALL.shape, value)), reader)
        assert job.revision is not None, job.failure
        assert np.unique(load_label_map(job.revision).voxels).tolist() == [label]


def test_four_thousand_slices_stream_from_the_one_that_is_looked_at(weights: Path) -> None:
    shape, spec = (4000, 64, 64), registry.get_model("bright")
    assert spec.network is not None
    spec = replace(spec, network=replace(spec.network, window=(16, 64, 64)))
    voxels = np.full(shape, -800, np.int16)
    voxels[1990:2010, 20:40, 20:40] = 100
    firsts: list[int] = []

    def watch(progress: Progress) -> tuple[int, int, int]:
        if progress.slab is not None:
            firsts.append(progress.slab_origin[0])
        return 2000, 30, 30

    label_map = segment(make_volume(voxels), spec, watch, parameters={}, focus=(2000, 30, 30))
    np.testing.assert_array_equal(label_map.voxels, voxels > LEVEL)
    assert abs(firsts[0] - 2000) <= 2 * 16, "what is looked at comes first"
    assert len(firsts) > 250


def test_a_channel_that_is_missing_is_said(weights: Path) -> None:
    spec = registry.get_model("bright")
    assert spec.network is not None
    channels = tuple(InputChannel(name, Normalisation()) for name in ("T1", "FLAIR"))
    two = replace(spec, network=replace(spec.network, channels=channels))
    with pytest.raises(ChannelsMissingError, match=r"needs 2 images \(T1, FLAIR\), and 1 were given"):
        segment(make_volume(np.zeros(BALL.shape, np.int16)), two, lambda progress: None, parameters={})


def test_a_full_disk_while_storing_keeps_nothing(
    ball: Series, reader: User, weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*arguments: Any) -> Any:
        with explain_write_failures(tmp_path), Path("/dev/full").open("wb", buffering=0) as disk:
            disk.write(b"label map")

    with monkeypatch.context() as patch:
        patch.setattr(runs, "store_label_map", full)
        assert_nothing_is_left(run(ball, reader), StorageFullError.code)
    assert_the_ball_is_found(ball, reader)


def test_a_wish_to_cancel_ends_a_network_between_windows_and_the_next_job_runs(
    ball: Series, reader: User, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "LOOK_S", 0.0)
    windows: list[int] = []

    def cancelled(volume: Any, spec: Any, on_progress: Any, **options: Any) -> Any:
        def report(progress: Progress) -> Any:
            if progress.stage == "segmenting" and progress.slab is None:
                windows.append(progress.windows_done)
                if progress.windows_done == 2:
                    cancel_job(SegmentationJob.objects.get(), cancelled_by=reader)
            return on_progress(progress)

        return segment(volume, spec, report, **options)

    job = run(ball, reader, engine=cancelled)
    assert (job.state, job.revision) == (JobState.CANCELLED, None)
    assert windows[-1] < job.windows_total
    assert max(windows) <= 3
    assert ball.segmentations.count() == 0
    assert_the_ball_is_found(ball, reader)
