"""Crashes in the middle of a job, on a stack of its own: each ends in a finished or a clearly failed job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from asgiref.sync import sync_to_async

from inference.job_states import JobState
from inference.models import SegmentationJob
from studies.label_maps.codec import decode_brick
from studies.models import Series, User
from tests.factories import TeamFactory, UserFactory
from tests.inference.conftest import BALL, BALL_RADIUS_MM
from tests.inference.live.viewers import Viewer
from tests.phantoms import sphere
from tests.stack import SLOW_WORKER, LiveStack, run_stack, sign_in, slow_worker_spec, wait_until

LONG_BALL = replace(BALL, shape=(40, 32, 40))
SLICE_S = 0.3
ENDS_WITHIN_S = 240.0


@pytest.fixture(scope="module")
def crashing_stack(django_db_setup: None, django_db_blocker: Any) -> Iterator[LiveStack]:
    """A stack without workers: each test brings its own, and may kill what it likes."""
    with run_stack(django_db_blocker, workers=()) as stack:
        yield stack


@pytest.fixture
def slow(crashing_stack: LiveStack, transactional_db: None) -> LiveStack:
    """The stack with one slow worker; a test that killed it leaves the next one to start another."""
    if SLOW_WORKER not in crashing_stack.children:
        crashing_stack.start_child(slow_worker_spec("cpu", SLICE_S))
    return crashing_stack


@pytest.fixture
def person(transactional_db: None) -> User:
    return UserFactory(teams=[TeamFactory()])


@pytest.fixture
def long_ball(person: User, ball_of: Callable[..., Series]) -> Series:
    return ball_of(person, LONG_BALL)


def request(stack: LiveStack, series: Series, person: User) -> SegmentationJob:
    """Ask for a job over HTTP, as the page does."""
    wish = {"series_id": str(series.pk), "model_name": "threshold", "parameters": {"lower": 0, "upper": 500}}
    answer = stack.browser_session(person).post(f"{stack.base_url}/api/jobs", json=wish, timeout=30)
    assert answer.status_code == 201, answer.text
    return SegmentationJob.objects.get(pk=answer.json()["id"])


def is_under_way(job: SegmentationJob, bricks: int = 5) -> bool:
    job.refresh_from_db()
    return job.state == JobState.RUNNING and job.brick_count >= bricks


def is_over(job: SegmentationJob) -> bool:
    job.refresh_from_db()
    return job.state in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


def has_state(job: SegmentationJob, state: JobState) -> bool:
    job.refresh_from_db()
    return job.state == state


def wait_until_under_way(job: SegmentationJob) -> None:
    wait_until(lambda: is_under_way(job), within_s=180, what="the job runs")


def assert_the_ball_is_stored(stack: LiveStack, job: SegmentationJob, person: User) -> None:
    wait_until(lambda: is_over(job), within_s=ENDS_WITHIN_S, what="the job ends")
    assert (job.state, job.failure) == (JobState.SUCCEEDED, "")
    address = f"{stack.base_url}/api/revisions/{job.revision_id}/label-map"
    brick = decode_brick(stack.browser_session(person).get(address, timeout=30).content)
    np.testing.assert_array_equal(brick.voxels, sphere(LONG_BALL, BALL_RADIUS_MM))


async def test_a_worker_killed_in_the_middle_costs_an_attempt_and_the_browser_follows(
    slow: LiveStack, long_ball: Series, person: User
) -> None:
    job = await sync_to_async(request)(slow, long_ball, person)
    viewer = Viewer(slow, await sync_to_async(sign_in)(person), job.pk)
    watching = asyncio.create_task(viewer.watch(within_s=ENDS_WITHIN_S))
    await sync_to_async(wait_until_under_way)(job)
    spec = await sync_to_async(slow.kill)(SLOW_WORKER)
    await sync_to_async(slow.start_child)(spec)
    await watching
    await sync_to_async(assert_the_ball_is_stored)(slow, job, person)
    assert job.attempt == 2
    assert [message["attempt"] for message in viewer.told("attempt.started")] == [1, 2]
    np.testing.assert_array_equal(viewer.label_map(LONG_BALL.shape), sphere(LONG_BALL, BALL_RADIUS_MM))
    ended = viewer.told("stream.ended")[-1]
    assert ended["revision_id"] == str(job.revision_id)


def test_the_job_of_a_killed_worker_goes_to_another_one_before_what_runs_in_advance(
    slow: LiveStack, long_ball: Series, person: User, ball_of: Callable[..., Series]
) -> None:
    lost = request(slow, long_ball, person)
    wait_until_under_way(lost)
    ahead = request(slow, ball_of(person, LONG_BALL), person)
    SegmentationJob.objects.filter(pk=ahead.pk).update(is_awaited=False)
    slow.kill(SLOW_WORKER)
    first_worker = lost.worker
    wait_until(lambda: has_state(lost, JobState.QUEUED), within_s=60, what="the job waits again")
    assert lost.queued_at > SegmentationJob.objects.get(pk=ahead.pk).queued_at
    slow.start_child(slow_worker_spec("cpu", 0.0))  # the first message it finds is that of the job in advance
    for job in (lost, ahead):
        assert_the_ball_is_stored(slow, job, person)
    assert (lost.attempt, ahead.attempt) == (2, 1)
    assert lost.worker == ahead.worker != first_worker
    assert lost.started_at < ahead.started_at
    slow.kill(SLOW_WORKER)


async def test_valkey_restarted_in_the_middle_is_not_noticed_by_the_job_or_the_browser(
    slow: LiveStack, long_ball: Series, person: User
) -> None:
    job = await sync_to_async(request)(slow, long_ball, person)
    viewer = Viewer(slow, await sync_to_async(sign_in)(person), job.pk)
    watching = asyncio.create_task(viewer.watch(within_s=ENDS_WITHIN_S))
    await sync_to_async(wait_until_under_way)(job)
    await sync_to_async(slow.kill)("valkey")
    await asyncio.sleep(1.0)
    await sync_to_async(slow.start_valkey)()
    await watching
    await sync_to_async(assert_the_ball_is_stored)(slow, job, person)
    assert job.attempt == 1
    assert [brick.sequence for brick in viewer.bricks] == list(range(1, job.brick_count + 1))
    np.testing.assert_array_equal(viewer.label_map(LONG_BALL.shape), sphere(LONG_BALL, BALL_RADIUS_MM))


def test_a_job_whose_message_was_lost_with_valkey_runs_all_the_same(
    slow: LiveStack, long_ball: Series, person: User
) -> None:
    slow.kill(SLOW_WORKER)
    job = request(slow, long_ball, person)
    slow.kill("valkey")
    for file in (slow.folder / "appendonlydir").glob("*"):
        file.unlink()
    slow.start_valkey()
    slow.start_child(slow_worker_spec("cpu", 0.0))
    assert_the_ball_is_stored(slow, job, person)
    slow.kill(SLOW_WORKER)


def test_a_request_while_valkey_is_away_is_kept_and_run_later(slow: LiveStack, long_ball: Series, person: User) -> None:
    slow.kill("valkey")
    try:
        job = request(slow, long_ball, person)
    finally:
        slow.start_valkey()
    assert job.state == JobState.QUEUED
    assert_the_ball_is_stored(slow, job, person)


def test_web_restarted_in_the_middle_leaves_the_job_alone(slow: LiveStack, long_ball: Series, person: User) -> None:
    job = request(slow, long_ball, person)
    wait_until_under_way(job)
    spec = slow.kill("web")
    slow.start_child(spec)
    slow.wait_until_up()
    assert_the_ball_is_stored(slow, job, person)
    assert job.attempt == 1


async def test_a_browser_closed_in_the_middle_gets_the_rest_when_it_is_back(
    slow: LiveStack, long_ball: Series, person: User
) -> None:
    job = await sync_to_async(request)(slow, long_ball, person)
    viewer = Viewer(slow, await sync_to_async(sign_in)(person), job.pk)
    await viewer.watch(until_bricks=5, within_s=ENDS_WITHIN_S)
    assert not await sync_to_async(is_over)(job)
    await viewer.watch(until_bricks=15, within_s=ENDS_WITHIN_S)
    await viewer.watch(within_s=ENDS_WITHIN_S)
    await sync_to_async(assert_the_ball_is_stored)(slow, job, person)
    assert [brick.sequence for brick in viewer.bricks] == list(range(1, job.brick_count + 1))
    assert len(viewer.told("attempt.started")) == 1


def test_a_job_cancelled_by_the_page_stops_soon(slow: LiveStack, long_ball: Series, person: User) -> None:
    job = request(slow, long_ball, person)
    wait_until_under_way(job)
    client = slow.browser_session(person)
    assert client.post(f"{slow.base_url}/api/jobs/{job.pk}/cancel", timeout=30).status_code == 200
    wait_until(lambda: is_over(job), within_s=30, what="the job stops")
    assert job.state == JobState.CANCELLED
    assert job.windows_done < job.windows_total
