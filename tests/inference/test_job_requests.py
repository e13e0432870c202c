"""What a person does with a job: request, cancel, retry."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from inference.job_states import TRANSITIONS, JobState
from inference.models import SegmentationJob
from inference.registry import InvalidParametersError, UnknownModelError
from inference.selectors import describe_job, get_job_for, list_jobs_for, segmentation_state_of
from inference.services.jobs import (
    JobFinishedError,
    JobNotRetryableError,
    ModelNotApplicableError,
    cancel_job,
    digest_parameters,
    request_job,
    retry_job,
)
from inference.services.runs import claim_job
from studies.errors import NotFoundError
from studies.models import AuditEntry, GeometryVerdict, Role, SegmentationState, Series, User
from studies.permissions import RoleForbiddenError
from tests.factories import SeriesFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


def ask(series: Series, person: User, **options: object) -> SegmentationJob:
    return request_job(series, requested_by=person, **{"model_name": "otsu", "parameters": {}, **options})[0]


def test_a_request_waits_in_the_queue_and_shows_on_the_worklist(ball: Series, reader: User) -> None:
    job, is_new = request_job(ball, requested_by=reader, model_name="otsu", parameters={}, focus=(5, 1, 2))
    ball.study.refresh_from_db()
    status = describe_job(job)
    assert is_new
    assert (status.state, status.queue_position, status.focus) == (JobState.QUEUED, 1, (5, 1, 2))
    assert ball.study.segmentation_state == SegmentationState.QUEUED
    entry = AuditEntry.objects.get(act="job.requested")
    assert (entry.actor, entry.patient_id) == (reader.username, str(ball.study.patient_id))


def test_the_same_question_is_asked_once(ball: Series, reader: User) -> None:
    first = ask(ball, reader, model_name="threshold", parameters={"lower": 0, "upper": 500})
    again, is_new = request_job(
        ball, requested_by=reader, model_name="threshold", parameters={"upper": 500.0, "lower": 0.0}
    )
    other = ask(ball, reader, model_name="threshold", parameters={"lower": 1, "upper": 500})
    assert (again.pk, is_new) == (first.pk, False)
    assert other.pk != first.pk
    assert [describe_job(job).queue_position for job in (first, other)] == [1, 2]


def test_the_database_itself_refuses_a_second_active_job_for_a_question(ball: Series, reader: User) -> None:
    job = ask(ball, reader)
    with pytest.raises(IntegrityError), transaction.atomic():
        SegmentationJob.objects.create(
            series=ball,
            model_name=job.model_name,
            model_version=job.model_version,
            parameters_digest=job.parameters_digest,
        )


def test_a_viewer_may_neither_request_nor_cancel_nor_retry(ball: Series, reader: User) -> None:
    viewer = UserFactory(role=Role.VIEWER, teams=list(reader.teams.all()))
    job = ask(ball, reader)
    with pytest.raises(RoleForbiddenError):
        ask(ball, viewer)
    with pytest.raises(RoleForbiddenError):
        cancel_job(job, cancelled_by=viewer)
    with pytest.raises(RoleForbiddenError):
        retry_job(job, retried_by=viewer)


def test_a_model_that_cannot_take_the_series_is_refused_in_words(ball: Series, reader: User) -> None:
    Series.objects.filter(pk=ball.pk).update(geometry_verdict=GeometryVerdict.MIXED_SIZE)
    with pytest.raises(ModelNotApplicableError, match="differ in size"):
        ask(ball, reader)


def test_an_unknown_model_and_bad_parameters_are_refused(ball: Series, reader: User) -> None:
    with pytest.raises(UnknownModelError):
        ask(ball, reader, model_name="oracle")
    with pytest.raises(InvalidParametersError):
        ask(ball, reader, model_name="region_growing", parameters={"seed": [99, 0, 0]})


def test_the_focus_is_kept_inside_the_volume(ball: Series, reader: User) -> None:
    assert ask(ball, reader, focus=(10_000, 0, 0)).focus_slice == 11


def test_a_waiting_job_is_cancelled_at_once(ball: Series, reader: User) -> None:
    job = cancel_job(ask(ball, reader), cancelled_by=reader)
    ball.study.refresh_from_db()
    assert (job.state, job.finished_at is not None) == (JobState.CANCELLED, True)
    assert ball.study.segmentation_state == SegmentationState.NONE
    with pytest.raises(JobFinishedError):
        cancel_job(job, cancelled_by=reader)


def test_a_running_job_is_asked_to_stop(ball: Series, reader: User) -> None:
    running = claim_job(ask(ball, reader).pk, worker="w")
    assert running is not None
    job = cancel_job(running, cancelled_by=reader)
    assert (job.state, job.is_cancel_requested) == (JobState.RUNNING, True)


def test_a_cancelled_job_can_be_run_again_unless_the_same_already_is(ball: Series, reader: User) -> None:
    job = cancel_job(ask(ball, reader), cancelled_by=reader)
    again = retry_job(job, retried_by=reader)
    assert (again.state, again.is_cancel_requested, again.finished_at) == (JobState.QUEUED, False, None)
    with pytest.raises(JobNotRetryableError):
        retry_job(again, retried_by=reader)
    cancelled = cancel_job(again, cancelled_by=reader)
    ask(ball, reader)
    with pytest.raises(JobNotRetryableError, match="already"):
        retry_job(cancelled, retried_by=reader)


def test_another_teams_job_is_not_found(ball: Series, reader: User) -> None:
    job, stranger = ask(ball, reader), UserFactory(teams=[TeamFactory()])
    with pytest.raises(NotFoundError):
        get_job_for(stranger, job.pk)
    assert list_jobs_for(stranger) == []
    assert [found.pk for found in list_jobs_for(reader, is_active=True)] == [job.pk]
    assert list_jobs_for(reader, is_active=False) == []
    assert list_jobs_for(reader, series_id=SeriesFactory().pk) == []


def test_parameters_have_one_digest_however_they_are_written() -> None:
    assert digest_parameters({"a": 1.0, "b": [1, 2, 3]}) == digest_parameters({"b": [1, 2, 3], "a": 1.0})
    assert digest_parameters({"a": 1.0}) != digest_parameters({"a": 2.0})


def test_the_states_table_has_no_way_out_of_success_and_one_into_running() -> None:
    assert TRANSITIONS[JobState.SUCCEEDED] == frozenset()
    assert [state for state in JobState if JobState.RUNNING in TRANSITIONS[state]] == [JobState.QUEUED]


@pytest.mark.django_db(transaction=True)
def test_of_two_claims_of_one_job_one_wins(ball: Series, reader: User) -> None:
    job = ask(ball, reader)
    gate, claimed = threading.Barrier(4), []

    def claim(name: str) -> None:
        gate.wait()
        try:
            if claim_job(job.pk, worker=name) is not None:
                claimed.append(name)
        finally:
            connection.close()

    threads = [threading.Thread(target=claim, args=(f"worker {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    job.refresh_from_db()
    assert len(claimed) == 1
    assert (job.attempt, job.worker, job.state) == (1, claimed[0], JobState.RUNNING)


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_at_once_one_makes_the_job(ball: Series, reader: User) -> None:
    gate, made = threading.Barrier(4), []

    def request() -> None:
        gate.wait()
        try:
            made.append(request_job(ball, requested_by=reader, model_name="otsu", parameters={}))
        finally:
            connection.close()

    threads = [threading.Thread(target=request) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({job.pk for job, _ in made}) == 1
    assert sorted(is_new for _, is_new in made) == [False, False, False, True]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], SegmentationState.NONE),
        ([JobState.QUEUED, JobState.SUCCEEDED], SegmentationState.QUEUED),
        ([JobState.RUNNING, JobState.QUEUED], SegmentationState.RUNNING),
        ([JobState.SUCCEEDED, JobState.CANCELLED], SegmentationState.SEGMENTED),
        ([JobState.SUCCEEDED, JobState.FAILED], SegmentationState.FAILED),
        ([JobState.FAILED, JobState.SUCCEEDED], SegmentationState.SEGMENTED),
        ([JobState.CANCELLED], SegmentationState.NONE),
    ],
)
def test_a_studys_state_follows_its_jobs(states: list[JobState], expected: SegmentationState) -> None:
    series = SeriesFactory()
    for place, state in enumerate(states):
        is_over = state in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)
        SegmentationJob.objects.create(
            series=series,
            model_name="otsu",
            model_version="1",
            parameters_digest=str(place),
            state=state,
            finished_at=timezone.now() if is_over else None,
        )
    assert segmentation_state_of(series.study_id)[0] == expected


def test_requests_by_the_gpu_queue_and_the_cpu_queue_are_counted_apart(
    ball: Series, reader: User, ball_of: Callable[..., Series]
) -> None:
    first = ask(ball, reader)
    SegmentationJob.objects.filter(pk=first.pk).update(queue="gpu")
    second = ask(ball_of(reader), reader)
    assert describe_job(second).queue_position == 1
