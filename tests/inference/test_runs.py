"""A worker's side of a job, with the real engine seam on a phantom whose answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from inference.job_states import JobState
from inference.model_spec import Focus, Progress
from inference.models import JobBrick, SegmentationJob
from inference.pipeline.segment import segment
from inference.registry import get_model, validate_parameters
from inference.services import recorder as recorder_module
from inference.services.jobs import cancel_job, request_job, retry_job
from inference.services.runs import claim_job, run_job
from studies.label_maps.codec import decode_brick
from studies.label_maps.label_map import digest_voxels
from studies.models import AlgorithmType, AuditEntry, SegmentationState, Series, User
from studies.services.segmentations import load_label_map
from studies.services.volumes import load_stack
from tests.inference.conftest import BALL, BALL_RADIUS_MM
from tests.phantoms import sphere

pytestmark = pytest.mark.django_db


def ask(series: Series, person: User, model: str = "threshold", **options: Any) -> SegmentationJob:
    defaults = {"parameters": {"lower": 0.0, "upper": 500.0}} if model == "threshold" else {"parameters": {}}
    return request_job(series, requested_by=person, model_name=model, **{**defaults, **options})[0]


def streamed(job: SegmentationJob) -> np.ndarray:
    """Return what the job's bricks add up to, in the order of their numbers."""
    voxels = np.full(BALL.shape, 255, np.uint8)
    rows = JobBrick.objects.filter(job=job, attempt=job.attempt).order_by("sequence")
    assert [row.sequence for row in rows] == list(range(1, job.brick_count + 1))
    for row in rows:
        brick = decode_brick(bytes(row.payload))
        assert (brick.sequence, brick.job_id) == (row.sequence, job.pk)
        voxels[brick.box] = brick.voxels
    return voxels


def test_a_run_finds_the_ball_and_stores_what_it_streamed(ball: Series, reader: User) -> None:
    job = ask(ball, reader, focus=(6, 0, 0))
    run_job(job.pk, segment=segment)
    job.refresh_from_db()
    truth = sphere(BALL, BALL_RADIUS_MM).astype(np.uint8)
    assert (job.state, job.failure) == (JobState.SUCCEEDED, "")
    assert job.revision is not None
    stored = load_label_map(job.revision)
    np.testing.assert_array_equal(stored.voxels, truth)
    np.testing.assert_array_equal(streamed(job), truth)
    assert job.revision.digest == digest_voxels(truth)
    found = job.revision.segments.get()
    assert found.voxel_count == int(truth.sum())
    assert found.volume_ml == pytest.approx(truth.sum() * 2.0 * 1.0 * 1.0 / 1000)
    assert job.revision.algorithm_type == AlgorithmType.SEMIAUTOMATIC, "a person chose the bounds"
    assert job.revision.provenance["parameters"] == {"lower": 0.0, "upper": 500.0}


def test_the_stored_map_is_that_of_a_run_without_streaming_and_from_any_slice(ball: Series, reader: User) -> None:
    spec = get_model("otsu")
    volume = load_stack(ball)
    parameters = validate_parameters(spec, {}, volume.geometry.shape)
    batch = segment(volume, spec, lambda progress: None, parameters=parameters)
    digests = set()
    for focus_slice in (0, 6, 11):
        job = ask(ball, reader, "otsu", focus=(focus_slice, 0, 0))
        run_job(job.pk, segment=segment)
        job.refresh_from_db()
        assert job.revision is not None
        assert digest_voxels(streamed(job)) == job.revision.digest
        digests.add(job.revision.digest)
    assert digests == {batch.digest}


def test_a_run_tells_how_long_its_stages_took_and_how_much_memory_it_needed(ball: Series, reader: User) -> None:
    job = ask(ball, reader)
    run_job(job.pk, segment=segment)
    job.refresh_from_db()
    assert {"queued", "loading", "preparing", "segmenting", "storing", "streaming", "total"} <= job.timings_s.keys()
    parts = sum(job.timings_s[stage] for stage in ("loading", "preparing", "segmenting", "storing"))
    assert parts <= job.timings_s["total"] + 0.05
    assert job.peak_memory_bytes is not None
    assert 10 * 1024**2 < job.peak_memory_bytes < 64 * 1024**3
    assert job.windows_done == job.windows_total > 0


def test_peak_memory_is_of_the_run_not_of_the_process(ball: Series, reader: User) -> None:
    def hungry(*args: Any, **options: Any) -> Any:
        ballast = np.ones(200 * 1024**2, np.uint8)
        result = segment(*args, **options)
        return result if ballast.any() else None

    peaks = []
    for engine, focus in ((hungry, 0), (segment, 1)):
        job = ask(ball, reader, focus=(focus, 0, 0))
        run_job(job.pk, segment=engine)
        job.refresh_from_db()
        peaks.append(job.peak_memory_bytes)
    assert peaks[0] - peaks[1] > 150 * 1024**2


def test_the_run_is_on_the_record(ball: Series, reader: User) -> None:
    run_job(ask(ball, reader).pk, segment=segment)
    ball.study.refresh_from_db()
    assert ball.study.segmentation_state == SegmentationState.SEGMENTED
    acts = list(AuditEntry.objects.order_by("sequence").values_list("act", flat=True))
    assert acts == ["job.requested", "revision.saved", "job.succeeded"]


def test_a_job_is_run_once_however_often_its_message_comes(ball: Series, reader: User) -> None:
    job = ask(ball, reader)
    run_job(job.pk, segment=segment)
    run_job(job.pk, segment=segment)
    job.refresh_from_db()
    assert job.attempt == 1
    assert ball.segmentations.count() == 1


def test_a_wish_to_cancel_stops_between_windows(ball: Series, reader: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "LOOK_S", 0.0)
    job = ask(ball, reader)
    windows = []

    def cancelled_after_three(volume: Any, spec: Any, on_progress: Any, **options: Any) -> Any:
        def report(progress: Progress) -> Focus | None:
            if progress.slab is not None:
                windows.append(progress.windows_done)
                if len(windows) == 4:
                    cancel_job(job, cancelled_by=reader)
            return on_progress(progress)

        return segment(volume, spec, report, **options)

    run_job(job.pk, segment=cancelled_after_three)
    job.refresh_from_db()
    assert (job.state, job.revision, windows) == (JobState.CANCELLED, None, [1, 2, 3, 4])
    assert ball.segmentations.count() == 0
    run_job(retry_job(job, retried_by=reader).pk, segment=segment)
    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 2)
    assert not JobBrick.objects.filter(job=job, attempt=1).exists()


def test_the_slice_on_screen_reaches_the_engine_while_it_runs(
    ball: Series, reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "LOOK_S", 0.0)
    job = ask(ball, reader, focus=(0, 0, 0))
    first_slices = []

    def reader_scrolls(volume: Any, spec: Any, on_progress: Any, **options: Any) -> Any:
        def report(progress: Progress) -> Focus | None:
            if progress.slab is not None:
                first_slices.append(progress.slab_origin[0])
                SegmentationJob.objects.filter(pk=job.pk).update(focus_slice=11)
            return on_progress(progress)

        return segment(volume, spec, report, **options)

    run_job(job.pk, segment=reader_scrolls)
    assert first_slices == [0, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]


def test_slices_that_were_never_called_final_are_streamed_at_the_end(ball: Series, reader: User) -> None:
    def silent(volume: Any, spec: Any, on_progress: Any, **options: Any) -> Any:
        def report(progress: Progress) -> Focus | None:
            is_told = progress.slab is not None and progress.slab_origin[0] in (2, 3, 7)
            return on_progress(progress) if is_told else None

        return segment(volume, spec, report, **options)

    job = ask(ball, reader)
    run_job(job.pk, segment=silent)
    job.refresh_from_db()
    assert job.state == JobState.SUCCEEDED
    np.testing.assert_array_equal(streamed(job), sphere(BALL, BALL_RADIUS_MM))


def test_a_slab_that_changes_after_it_was_called_final_fails_the_job_loudly(ball: Series, reader: User) -> None:
    def fickle(*args: Any, **options: Any) -> Any:
        result = segment(*args, **options)
        result.voxels[6, 0, 0] ^= 1
        return result

    job = ask(ball, reader)
    run_job(job.pk, segment=fickle)
    job.refresh_from_db()
    assert (job.state, job.failure_code) == (JobState.FAILED, "job.stream_mismatch")
    assert "Slices 7 to 7" in job.failure
    assert ball.segmentations.count() == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), "job.out_of_memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "job.out_of_memory"),
        (ZeroDivisionError("secret words"), "job.failed"),
    ],
)
def test_what_goes_wrong_ends_the_job_in_words_for_a_person(
    ball: Series, reader: User, error: Exception, code: str
) -> None:
    def broken(*args: Any, **options: Any) -> Any:
        raise error

    job = ask(ball, reader)
    run_job(job.pk, segment=broken)
    job.refresh_from_db()
    ball.study.refresh_from_db()
    assert (job.state, job.failure_code) == (JobState.FAILED, code)
    assert "secret words" not in job.failure
    assert job.finished_at is not None
    assert ball.study.segmentation_state == SegmentationState.FAILED


def test_a_worker_that_was_taken_over_writes_nothing_more(ball: Series, reader: User) -> None:
    job = ask(ball, reader)

    def overtaken(volume: Any, spec: Any, on_progress: Any, **options: Any) -> Any:
        SegmentationJob.objects.filter(pk=job.pk).update(state=JobState.QUEUED)
        assert claim_job(job.pk, worker="the other") is not None
        return segment(volume, spec, on_progress, **options)

    run_job(job.pk, segment=overtaken)
    job.refresh_from_db()
    assert (job.attempt, job.state, job.worker, job.revision) == (2, JobState.RUNNING, "the other", None)
    assert not JobBrick.objects.filter(job=job).exists()
    assert ball.segmentations.count() == 0


def test_a_worker_that_is_taken_over_at_the_very_end_stores_nothing(ball: Series, reader: User) -> None:
    job = ask(ball, reader)

    def late(*args: Any, **options: Any) -> Any:
        result = segment(*args, **options)
        SegmentationJob.objects.filter(pk=job.pk).update(attempt=2)
        return result

    run_job(job.pk, segment=late)
    assert ball.segmentations.count() == 0


def test_a_worker_with_another_version_of_the_model_refuses(ball: Series, reader: User) -> None:
    job = ask(ball, reader)
    SegmentationJob.objects.filter(pk=job.pk).update(model_version="0-old")
    run_job(job.pk, segment=segment)
    job.refresh_from_db()
    assert job.failure_code == "model.version_changed"


def test_large_slabs_are_cut_into_bricks_of_bounded_size(
    ball: Series, reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "BRICK_VOXELS", 32 * 40 * 5)

    def in_one_slab(volume: Any, spec: Any, on_progress: Any, **options: Any) -> Any:
        result = segment(volume, spec, lambda progress: None, **options)
        on_progress(Progress("segmenting", 1, 1, result.voxels, (0, 0, 0)))
        return result

    job = ask(ball, reader)
    run_job(job.pk, segment=in_one_slab)
    job.refresh_from_db()
    assert (job.state, job.brick_count) == (JobState.SUCCEEDED, 3)
    np.testing.assert_array_equal(streamed(job), sphere(BALL, BALL_RADIUS_MM))
