"""How much may wait or run at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from inference.models import SegmentationJob, UsageLimit
from inference.services.jobs import cancel_job, request_job, retry_job
from inference.services.limits import LimitInvalidError, LimitReachedError, read_limit, set_limit
from inference.services.runs import claim_job
from studies.models import AuditEntry, Role, Series, Team, User
from studies.permissions import RoleForbiddenError
from tests.factories import PatientFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(reader: User) -> Team:
    return reader.teams.get()


def ask(series: Series, person: User, lower: float = 0.0) -> SegmentationJob:
    parameters = {"lower": lower, "upper": 500.0}
    return request_job(series, requested_by=person, model_name="threshold", parameters=parameters)[0]


def test_a_person_may_have_so_many_waiting_or_running_and_is_told_what_to_do(
    ball: Series, reader: User, settings: Any
) -> None:
    settings.SEGWEB_MOST_JOBS_PER_PERSON = 2
    first, _ = ask(ball, reader, 0.0), ask(ball, reader, 1.0)
    assert claim_job(first.pk, worker="w") is not None
    with pytest.raises(LimitReachedError, match=f"2 segmentations that {reader} asked for.*Wait until one") as refusal:
        ask(ball, reader, 2.0)
    assert (refusal.value.code, refusal.value.status) == ("job.limit_reached", 429)
    assert ask(ball, reader, 1.0).pk != first.pk, "the same again is no further job"
    colleague = UserFactory(teams=list(reader.teams.all()))
    assert ask(ball, colleague, 2.0).requested_by == colleague


def test_room_appears_when_a_job_ends_and_a_retry_takes_it(ball: Series, reader: User, settings: Any) -> None:
    settings.SEGWEB_MOST_JOBS_PER_PERSON = 1
    ended = cancel_job(ask(ball, reader, 0.0), cancelled_by=reader)
    ask(ball, reader, 1.0)
    with pytest.raises(LimitReachedError):
        retry_job(ended, retried_by=reader)
    cancel_job(SegmentationJob.objects.exclude(pk=ended.pk).get(), cancelled_by=reader)
    assert retry_job(ended, retried_by=reader).pk == ended.pk


def test_a_team_may_have_so_many_whoever_asked_and_another_team_is_not_held_up(
    ball: Series, reader: User, team: Team, ball_of: Callable[..., Series]
) -> None:
    UsageLimit.objects.create(team=team, most_per_person=5, most_per_team=1)
    colleague, stranger = UserFactory(teams=[team]), UserFactory(teams=[TeamFactory()])
    ask(ball, colleague)
    with pytest.raises(LimitReachedError, match=f"1 segmentations already wait or run for {team.name}"):
        ask(ball, reader, 1.0)
    ask(ball_of(stranger), stranger)
    assert [(read_limit(each).active_jobs, read_limit(each).room) for each in (team, stranger.teams.get())] == [
        (1, 0), (1, 199),
    ]  # fmt: skip


def test_a_persons_jobs_are_counted_for_each_team_apart(
    reader: User, ball: Series, ball_of: Any, settings: Any
) -> None:
    settings.SEGWEB_MOST_JOBS_PER_PERSON = 1
    ask(ball, reader)
    second = TeamFactory()
    other = ball_of(UserFactory(teams=[second]))
    PatientFactory._meta.model.objects.get(pk=other.study.patient_id).teams.add(*reader.teams.all())
    assert ask(other, reader).series == other


def test_an_administrator_gives_their_team_limits_of_its_own(team: Team) -> None:
    chief = UserFactory(role=Role.ADMINISTRATOR, teams=[team])
    assert read_limit(team).is_default
    limit = set_limit(team.pk, most_per_person=3, most_per_team=9, set_by=chief)
    assert (limit.most_per_person, limit.most_per_team, limit.is_default) == (3, 9, False)
    entry = AuditEntry.objects.get(act="usage_limit.set")
    assert (entry.actor, entry.details["team"], entry.details["most_per_team"]) == (chief.username, team.name, 9)
    with pytest.raises(LimitInvalidError, match=r"more \(10\) than the whole team \(9\)"):
        set_limit(team.pk, most_per_person=10, most_per_team=9, set_by=chief)
    with pytest.raises(LimitInvalidError, match="not in that team"):
        set_limit(TeamFactory().pk, most_per_person=1, most_per_team=9, set_by=chief)
    with pytest.raises(RoleForbiddenError):
        set_limit(team.pk, most_per_person=1, most_per_team=1, set_by=UserFactory(teams=[team]))


@pytest.mark.django_db(transaction=True)
def test_requests_at_once_do_not_pass_a_persons_limit_together(
    reader: User, ball_of: Callable[..., Series], settings: Any
) -> None:
    settings.SEGWEB_MOST_JOBS_PER_PERSON = 2
    balls = [ball_of(reader) for _ in range(4)]
    gate, outcomes = threading.Barrier(len(balls)), []

    def request(series: Series) -> None:
        gate.wait()
        try:
            outcomes.append(ask(series, reader).state)
        except LimitReachedError as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=request, args=(each,)) for each in balls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["job.limit_reached", "job.limit_reached", "queued", "queued"]
