"""The worker's part of the bench: the real claim, recorder and engine, with a clock."""

from __future__ import annotations

import statistics
import time
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from inference.job_states import JobState
from inference.model_spec import Method, ModelSpec, Progress
from inference.models import SegmentationJob
from inference.registry import list_models, validate_parameters
from inference.services.endings import end_job
from inference.services.lease import Lease, name_worker
from inference.services.recorder import Recorder
from inference.services.runs import claim_job, set_synchronous
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume

SLICE_SHAPE = (512, 512)
ENGINE_SHAPE = (64, 192, 192)
ENGINE_MIDDLE = (32, 96, 96)
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
ROUNDS = 3


def play_worker(task: dict[str, Any]) -> dict[str, Any]:
    """Claim the job and stream it: paced slabs, or an engine's run."""
    job = claim_job(UUID(task["job_id"]), worker=name_worker())
    if job is None:
        raise SystemExit("Somebody else took the bench's job.")
    set_synchronous("NORMAL")
    with Lease(job) as lease:
        recorder = Recorder(job, lease)
        figures = _stream_paced(recorder, task) if task["kind"] == "paced" else _stream_engine(recorder)
    job.refresh_from_db(fields=["attempt"])
    end_job(job, JobState.CANCELLED)
    return figures


def _stream_paced(recorder: Recorder, task: dict[str, Any]) -> dict[str, Any]:
    """Make one slab final at a time; tell when, and how long telling took."""
    emitted_at, took_ms = [], []
    for place in range(task["bricks"]):
        slab = _lesion(place)
        began = time.monotonic()
        recorder(Progress("segmenting", place + 1, task["bricks"], slab, (place, 0, 0)))
        took_ms.append((time.monotonic() - began) * 1000)
        emitted_at.append(began)
        time.sleep(max(0.0, task["every_ms"] / 1000 - (time.monotonic() - began)))
    took_ms.sort()
    return {
        "emitted_at": emitted_at,
        "slab_written_p50_ms": round(statistics.median(took_ms), 2),
        "slab_written_p99_ms": round(took_ms[int(0.99 * (len(took_ms) - 1))], 2),
    }


def _stream_engine(recorder: Recorder) -> dict[str, Any]:
    """Run the engine without and with streaming in turn: A B A B."""
    from inference.pipeline.segment import segment

    volume = _head()
    spec = _network() or next(spec for spec in list_models() if spec.method is Method.OTSU)
    parameters = validate_parameters(spec, {}, volume.geometry.shape)
    silent_s, streamed_s, began_at = [], [], 0.0
    segment(volume, spec, lambda progress: None, parameters=parameters)  # what is loaded once is not counted
    for number in range(ROUNDS):
        began = time.perf_counter()
        segment(volume, spec, lambda progress: None, parameters=parameters)
        silent_s.append(time.perf_counter() - began)
        began_at = time.monotonic()
        began = time.perf_counter()
        fresh = recorder if number == 0 else _again(recorder.job)
        segment(volume, spec, fresh, parameters=parameters, focus=ENGINE_MIDDLE)
        streamed_s.append(time.perf_counter() - began)
        recorder = fresh
    silent, streamed = statistics.median(silent_s), statistics.median(streamed_s)
    return {
        "model": f"{spec.name} {spec.version}",
        "shape": ENGINE_SHAPE,
        "began_at": began_at,
        "rounds": ROUNDS,
        "run_without_streaming_s": round(silent, 3),
        "run_with_streaming_s": round(streamed, 3),
        "streaming_share_of_run": round(recorder.timings_s["streaming"] / streamed_s[-1], 4),
    }


def _again(job: SegmentationJob) -> Recorder:
    """Begin another attempt of the job, so that the same slices may be streamed again."""
    SegmentationJob.objects.filter(pk=job.pk).update(state=JobState.QUEUED)
    claimed = claim_job(job.pk, worker=name_worker())
    if claimed is None:
        raise SystemExit("Somebody else took the bench's job.")
    return Recorder(claimed, Lease(claimed))


def _network() -> ModelSpec | None:
    """Return the first network that takes a plain grey-value volume."""
    return next((spec for spec in list_models() if spec.method is Method.NETWORK), None)


def _lesion(place: int) -> npt.NDArray[np.uint8]:
    """A slice with three blobs that differ from slice to slice."""
    rows, columns = np.ogrid[: SLICE_SHAPE[0], : SLICE_SHAPE[1]]
    slab = np.zeros((1, *SLICE_SHAPE), np.uint8)
    for number, (row, column, radius) in enumerate(((150, 200, 40), (300, 320, 25), (380, 150, 12)), start=1):
        slab[0][(rows - row - place % 7) ** 2 + (columns - column) ** 2 <= (radius + place % 5) ** 2] = number
    return slab


def _head() -> Volume:
    """A noisy head with a bright lesion, in MR-like values."""
    slices, rows, columns = np.meshgrid(*(np.linspace(-1, 1, n) for n in ENGINE_SHAPE), indexing="ij")
    head = slices**2 + rows**2 + columns**2 < 0.8
    lesion = (slices - 0.1) ** 2 + (rows + 0.2) ** 2 + (columns - 0.2) ** 2 < 0.04
    noise = np.random.default_rng(3).normal(0, 20, ENGINE_SHAPE)
    voxels = (head * 300 + lesion * 300 + noise).astype(np.int16)
    return Volume(voxels, VolumeGeometry(ENGINE_SHAPE, (2.0, 1.0, 1.0), (0.0, 0.0, 0.0), IDENTITY), "MR")
