"""Workers take what is due next in the database; messages only wake them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from inference.job_states import JobState
from inference.models import SegmentationJob
from inference.pipeline.segment import segment
from inference.queue_order import PATIENCE
from inference.selectors import describe_job, describe_jobs, waiting_in_order
from inference.services.jobs import await_job, cancel_job, request_job, retry_job
from inference.services.reaper import reap
from inference.services.runs import claim_job, run_next_job
from studies.models import Series, Team, User
from tests.factories import PatientFactory, SeriesFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


def queue_up(person: User | None, team: Team, *, ago_s: float, awaited: bool = True) -> SegmentationJob:
    """Record a waiting job without images: it is for the order only."""
    series = SeriesFactory(study__patient=PatientFactory(home_team=team))
    return SegmentationJob.objects.create(
        series=series,
        requested_by=person,
        model_name="otsu",
        model_version="1",
        parameters_digest="x",
        is_awaited=awaited,
        queued_at=timezone.now() - timedelta(seconds=ago_s),
        enqueued_at=timezone.now(),
    )


def ask(series: Series, person: User, lower: float) -> SegmentationJob:
    parameters = {"lower": lower, "upper": 500.0}
    return request_job(series, requested_by=person, model_name="threshold", parameters=parameters)[0]


def positions(*jobs: SegmentationJob) -> list[int | None]:
    return [status.queue_position for status in describe_jobs(SegmentationJob.objects.get(pk=job.pk) for job in jobs)]


def test_a_worker_takes_the_job_that_is_due_and_not_the_one_that_asked_first(
    ball_of: Callable[..., Series], reader: User
) -> None:
    colleague = UserFactory(teams=list(reader.teams.all()))
    first, second, third = (ask(ball_of(reader), reader, 0.0) for _ in range(3))
    other = ask(ball_of(colleague), colleague, 0.0)
    assert positions(first, other, second, third) == [1, 2, 3, 4]
    ended: list[object] = []
    while run_next_job("cpu", segment=segment):
        ended = list(SegmentationJob.objects.filter(finished_at__isnull=False).order_by("finished_at"))
    assert ended[1] == other, "the colleague had used no worker time"
    assert [job.state for job in SegmentationJob.objects.all()] == [JobState.SUCCEEDED] * 4
    assert run_next_job("cpu", segment=segment) is False, "one message too many is harmless"


def test_a_worker_of_one_queue_leaves_the_other_alone(ball: Series, reader: User) -> None:
    job = ask(ball, reader, 0.0)
    assert run_next_job("gpu", segment=segment) is False
    job.refresh_from_db()
    assert job.state == JobState.QUEUED


def test_positions_follow_the_order_of_claims(reader: User) -> None:
    team = reader.teams.get()
    batch = [queue_up(reader, team, ago_s=100 - place) for place in range(5)]
    other = queue_up(UserFactory(), TeamFactory(), ago_s=1)
    ahead = queue_up(None, team, ago_s=300, awaited=False)
    assert positions(batch[0], other, batch[1], *batch[2:], ahead) == [1, 2, 3, 4, 5, 6, 7]
    claimed = []
    while order := waiting_in_order("cpu"):
        told = describe_job(SegmentationJob.objects.get(pk=order[0]))
        assert told.queue_position == 1
        assert claim_job(order[0], worker="w") is not None
        claimed.append(order[0])
    assert claimed == [job.pk for job in (batch[0], other, *batch[1:], ahead)]


def test_a_job_in_advance_does_not_starve(reader: User) -> None:
    team = reader.teams.get()
    ahead = queue_up(None, team, ago_s=10, awaited=False)
    asked = [queue_up(reader, team, ago_s=5) for _ in range(3)]
    assert positions(ahead) == [4]
    SegmentationJob.objects.filter(pk=ahead.pk).update(queued_at=timezone.now() - PATIENCE - timedelta(seconds=1))
    assert positions(ahead, asked[0]) == [1, 2]


def test_whoever_looks_or_asks_makes_a_job_awaited(ball: Series, reader: User) -> None:
    ahead = ask(ball, reader, 0.0)
    SegmentationJob.objects.filter(pk=ahead.pk).update(is_awaited=False)
    asked = queue_up(UserFactory(), TeamFactory(), ago_s=-1)
    assert positions(asked, ahead) == [1, 2]
    await_job(ahead.pk)
    assert positions(ahead, asked) == [1, 2]
    SegmentationJob.objects.filter(pk=ahead.pk).update(is_awaited=False)
    again, is_new = request_job(
        ball, requested_by=reader, model_name="threshold", parameters={"lower": 0.0, "upper": 500.0}
    )
    assert (again.pk, is_new, again.is_awaited) == (ahead.pk, False, True)
    assert positions(ahead, asked) == [1, 2]


def test_a_job_run_again_by_a_person_is_awaited_and_a_finished_one_is_left_alone(ball: Series, reader: User) -> None:
    job = cancel_job(ask(ball, reader, 0.0), cancelled_by=reader)
    SegmentationJob.objects.filter(pk=job.pk).update(is_awaited=False)
    await_job(job.pk)
    job.refresh_from_db()
    assert not job.is_awaited
    assert retry_job(job, retried_by=reader).is_awaited


def test_one_reminder_wakes_a_queue_however_many_wait(reader: User, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr("inference.services.reaper.wake_worker", sent.append)
    for place in range(5):
        queue_up(reader, reader.teams.get(), ago_s=60 + place)
    SegmentationJob.objects.update(enqueued_at=None)
    assert reap() == 5
    assert sent == ["cpu"]
    assert reap() == 0


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_takes_a_job_wakes_another_for_the_rest(
    ball: Series, reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr("inference.services.runs.wake_worker", sent.append)
    for lower in (0.0, 1.0):
        ask(ball, reader, lower)
    assert run_next_job("cpu", segment=segment)
    assert sent == ["cpu"]
    assert run_next_job("cpu", segment=segment)
    assert sent == ["cpu"], "nothing was left to wake anybody for"


@pytest.mark.django_db(transaction=True)
def test_workers_that_look_at_once_take_each_job_once(reader: User) -> None:
    jobs = [queue_up(reader, reader.teams.get(), ago_s=10) for _ in range(6)]
    gate, ran = threading.Barrier(3), []

    def claim_all(worker: str) -> None:
        gate.wait()
        try:
            while order := waiting_in_order("cpu"):
                ran.extend(job_id for job_id in order[:1] if claim_job(job_id, worker=worker, is_patient=False))
        finally:
            connection.close()

    threads = [threading.Thread(target=claim_all, args=(f"worker {n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ran) == sorted(job.pk for job in jobs)
    assert set(SegmentationJob.objects.values_list("attempt", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_a_job_that_somebody_has_in_hand_is_passed_over_and_not_waited_for(reader: User) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite locks the database, not a row")
    held, free = (queue_up(reader, reader.teams.get(), ago_s=ago) for ago in (20, 10))
    has_lock, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                SegmentationJob.objects.select_for_update().get(pk=held.pk)
                has_lock.set()
                may_end.wait(20)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert has_lock.wait(20)
    assert claim_job(held.pk, worker="w", is_patient=False) is None
    taken: list[SegmentationJob | None] = [claim_job(free.pk, worker="w", is_patient=False)]
    waiting = threading.Timer(0.5, may_end.set)
    waiting.start()
    taken.append(claim_job(held.pk, worker="w"))
    holder.join()
    assert [job.pk for job in taken if job] == [free.pk, held.pk]
