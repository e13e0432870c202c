"""The queues as an administrator sees them: nobody's name who may not be seen, no worker that is gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inference.models import SegmentationJob
from inference.services.jobs import request_job
from inference.services.lease import name_worker
from inference.services.queue_view import list_workers, view_queues
from inference.services.runs import claim_job
from studies.models import Role, Series, User
from tests.factories import TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


def ask(series: Series, person: User) -> SegmentationJob:
    return request_job(series, requested_by=person, model_name="otsu", parameters={})[0]


def test_a_worker_that_has_ended_is_not_called_idle(ball: Series, reader: User) -> None:
    here = name_worker()
    host, process, _ = here.rsplit(":", 2)
    earlier = f"{host}:{process}:1.00"  # an earlier process under the same number
    for worker in (earlier, here):
        job = ask(ball, reader)
        assert claim_job(job.pk, worker=worker, device="CPU") is not None
        SegmentationJob.objects.filter(pk=job.pk).update(state="failed")
    assert [(worker.name, worker.is_running) for worker in list_workers()] == [(here, False)]


def test_another_teams_job_is_a_place_in_the_queue_and_nothing_more(
    reader: User, ball_of: Callable[..., Series]
) -> None:
    stranger = UserFactory(teams=[TeamFactory()], role=Role.ADMINISTRATOR)
    job = ask(ball_of(reader), reader)
    (queued,) = next(queue for queue in view_queues(stranger).queues if queue.queue == "cpu").waiting
    assert (queued.position, queued.job, queued.patient, queued.series_description, queued.team_name) == (
        1, None, None, "", "",
    )  # fmt: skip
    own = next(queue for queue in view_queues(reader).queues if queue.queue == "cpu").waiting[0]
    assert own.job is not None
    assert own.job.id == job.pk
    assert own.patient == job.series.study.patient
