"""Lost workers, lost messages, old bricks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from datetime import timedelta

import psutil
import pytest
from django.utils import timezone

from inference.job_states import JobState
from inference.models import JobBrick, SegmentationJob
from inference.services.endings import end_job
from inference.services.jobs import cancel_job, request_job
from inference.services.lease import LEASE, is_worker_gone, name_worker
from inference.services.reaper import FIRST_REMINDER, KEEP_BRICKS, LAST_REMINDER, reap
from inference.services.runs import claim_job
from studies.models import Series, User
from tests.stack import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object) -> list[str]:
    """What was sent to the broker, which these tests stand in for."""
    from celery import current_app

    messages: list[str] = []
    monkeypatch.setattr(
        type(current_app.signature("x")),
        "apply_async",
        lambda signature, queue, retry: messages.append(f"{signature.task} {queue} {signature.kwargs['job_queue']}"),
    )
    return messages


def running(series: Series, person: User, *, worker: str = "elsewhere:1:0") -> SegmentationJob:
    job, _ = request_job(series, requested_by=person, model_name="otsu", parameters={})
    claimed = claim_job(job.pk, worker=worker)
    assert claimed is not None
    return claimed


def let_lapse(job: SegmentationJob) -> None:
    SegmentationJob.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - LEASE - timedelta(seconds=1))


def test_a_job_whose_worker_beats_is_left_alone(ball: Series, reader: User) -> None:
    job = running(ball, reader)
    reap()
    job.refresh_from_db()
    assert job.state == JobState.RUNNING


def test_a_job_whose_lease_lapsed_is_queued_again(ball: Series, reader: User) -> None:
    job = running(ball, reader)
    let_lapse(job)
    reap()
    job.refresh_from_db()
    assert (job.state, job.attempt, job.lost_attempts, job.worker) == (JobState.QUEUED, 1, 1, "")


def test_a_dead_process_of_this_machine_is_noticed_at_once(ball: Series, reader: User) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = f"{socket.gethostname()}:{child.pid}:{psutil.Process(child.pid).create_time():.2f}"
    job = running(ball, reader, worker=name)
    reap()
    job.refresh_from_db()
    assert job.state == JobState.RUNNING
    child.kill()
    wait_until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE, within_s=5, what="it is dead")
    reap()
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    child.wait()
    assert is_worker_gone(name)


def test_workers_are_told_apart() -> None:
    mine = name_worker()
    reborn = f"{socket.gethostname()}:{os.getpid()}:1.00"
    assert not is_worker_gone(mine)
    assert is_worker_gone(reborn), "the number has been given to another process"
    assert not is_worker_gone("another-machine:1:1.00"), "nobody here can know"
    assert not is_worker_gone("")


def test_after_three_losses_the_job_fails_and_says_why(ball: Series, reader: User) -> None:
    job = running(ball, reader)
    for _ in range(2):
        let_lapse(job)
        reap()
        assert claim_job(job.pk, worker="elsewhere:1:0") is not None
    let_lapse(job)
    reap()
    job.refresh_from_db()
    assert (job.state, job.failure_code, job.attempt) == (JobState.FAILED, "job.worker_lost", 3)
    assert "3 times" in job.failure


def test_a_lost_job_that_was_to_be_cancelled_is(ball: Series, reader: User) -> None:
    job = cancel_job(running(ball, reader), cancelled_by=reader)
    let_lapse(job)
    reap()
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_the_old_worker_of_a_lost_job_can_end_nothing(ball: Series, reader: User) -> None:
    old = running(ball, reader)
    let_lapse(old)
    reap()
    end_job(old, JobState.FAILED, code="x", words="y")
    old.refresh_from_db()
    assert old.state == JobState.QUEUED


@pytest.mark.django_db(transaction=True)
def test_a_waiting_jobs_message_is_sent_again_each_time_later(ball: Series, reader: User, sent: list[str]) -> None:
    job, _ = request_job(ball, requested_by=reader, model_name="otsu", parameters={})
    message = "inference.run_next_job cpu cpu"
    reap()
    assert sent == [message], "the first is young"
    now = timezone.now()

    def wait(since_queued: timedelta, since_sent: timedelta) -> int:
        SegmentationJob.objects.filter(pk=job.pk).update(queued_at=now - since_queued, enqueued_at=now - since_sent)
        before = len(sent)
        reap()
        return len(sent) - before

    second = timedelta(seconds=1)
    assert wait(FIRST_REMINDER + second, FIRST_REMINDER + second) == 1
    assert wait(60 * second, 20 * second) == 0, "sent after 40 s: due again after another 40"
    assert wait(90 * second, 50 * second) == 1
    assert wait(timedelta(hours=3), LAST_REMINDER + second) == 1
    assert set(sent) == {message}


def test_bricks_stay_for_browsers_that_were_away_and_then_go(ball: Series, reader: User) -> None:
    job = running(ball, reader)
    JobBrick.objects.create(job=job, attempt=1, sequence=1, payload=b"brick")
    reap()
    assert JobBrick.objects.count() == 1
    end_job(job, JobState.CANCELLED)
    reap()
    assert JobBrick.objects.count() == 1
    SegmentationJob.objects.filter(pk=job.pk).update(finished_at=timezone.now() - KEEP_BRICKS - timedelta(seconds=1))
    reap()
    assert JobBrick.objects.count() == 0


STUCK = """
import django, time
django.setup()
from inference.models import SegmentationJob
from inference.services import lease
lease.STALL_LIMIT_S = 0.5
with lease.Lease(SegmentationJob(attempt=1)):
    time.sleep(30)
"""


def test_a_worker_that_reports_nothing_ends_itself() -> None:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "segweb.settings"}
    done = subprocess.run(
        [sys.executable, "-c", STUCK], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert "ends itself" in done.stderr
