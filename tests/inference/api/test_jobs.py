"""Jobs and models over HTTP."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from inference.api.jobs import JobSerializer
from inference.events import JobStatus
from inference.models import SegmentationJob
from inference.pipeline.segment import segment
from inference.services.runs import run_job
from studies.models import Role, Series, User
from tests.factories import TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def ask(client: Client, series: Series, **options: object) -> object:
    wish = {"series_id": str(series.pk), "model_name": "threshold", "parameters": {"lower": 0, "upper": 500}}
    return client.post("/api/jobs", {**wish, **options}, content_type="application/json")


def test_a_job_from_request_to_label_map(ball: Series, reader: User) -> None:
    client = signed_in(reader)
    made = ask(client, ball, focus=[4, 2, 3])
    assert made.status_code == 201
    job = made.json()
    assert (job["state"], job["queue_position"], job["focus"]) == ("queued", 1, [4, 2, 3])
    assert ask(client, ball).status_code == 200, "the same question again"
    run_job(SegmentationJob.objects.get().pk, segment=segment)
    done = client.get(f"/api/jobs/{job['id']}").json()
    assert (done["state"], done["windows_done"], done["seconds_left"]) == ("succeeded", done["windows_total"], None)
    listed = client.get(f"/api/series/{ball.pk}/segmentations").json()["results"]
    assert listed[0]["id"] == done["segmentation_id"]
    assert listed[0]["revisions"][0]["id"] == done["revision_id"]


def test_jobs_are_listed_by_study_series_and_activity(ball: Series, reader: User) -> None:
    client = signed_in(reader)
    job = ask(client, ball).json()
    for query in ("", f"?study={ball.study_id}", f"?series={ball.pk}&active=true"):
        assert [found["id"] for found in client.get(f"/api/jobs{query}").json()["results"]] == [job["id"]]
    for query in ("?active=false", f"?series={uuid4()}"):
        assert client.get(f"/api/jobs{query}").json()["results"] == []
    assert client.get("/api/jobs?study=x").status_code == 400


def test_cancel_and_retry(ball: Series, reader: User) -> None:
    client = signed_in(reader)
    job = ask(client, ball).json()
    assert client.post(f"/api/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    problem = client.post(f"/api/jobs/{job['id']}/cancel")
    assert (problem.status_code, problem.json()["code"]) == (409, "job.finished")
    assert client.post(f"/api/jobs/{job['id']}/retry").json()["state"] == "queued"


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"model_name": "oracle"}, 404, "model.unknown"),
        ({"parameters": {"lower": 5, "upper": 1}}, 422, "parameters.invalid"),
        ({"parameters": "x"}, 400, "input.invalid"),
        ({"series_id": "x"}, 400, "input.invalid"),
        ({"focus": [-1, 0, 0]}, 400, "input.invalid"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    ball: Series, reader: User, options: dict[str, object], status: int, code: str
) -> None:
    answer = ask(signed_in(reader), ball, **options)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_strangers_other_teams_and_viewers_are_refused(ball: Series, reader: User) -> None:
    job = ask(signed_in(reader), ball).json()
    other, viewer = UserFactory(teams=[TeamFactory()]), UserFactory(role=Role.VIEWER, teams=list(reader.teams.all()))
    paths = [("get", f"/api/jobs/{job['id']}"), ("post", f"/api/jobs/{job['id']}/cancel")]
    for method, path in [*paths, ("get", f"/api/models?series={ball.pk}"), ("get", "/api/jobs")]:
        assert getattr(Client(), method)(path).status_code == 401
    for method, path in [*paths, ("get", f"/api/models?series={ball.pk}")]:
        answer = getattr(signed_in(other), method)(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "record.not_found")
    assert ask(signed_in(other), ball).status_code == 404
    assert signed_in(viewer).get(f"/api/jobs/{job['id']}").status_code == 200
    assert ask(signed_in(viewer), ball).status_code == 403


def test_models_say_whether_they_can_run_on_a_series(ball: Series, reader: User) -> None:
    client = signed_in(reader)
    models = {model["name"]: model for model in client.get(f"/api/models?series={ball.pk}").json()["results"]}
    assert models["otsu"]["is_applicable"]
    assert models["otsu"]["reason"] is None
    seed = next(p for p in models["region_growing"]["parameters"] if p["kind"] == "point")
    assert seed["default"] is None
    for model in models.values():
        assert bool(model["reason"]) is not model["is_applicable"]
        assert model["limits"]


def test_the_socket_and_the_api_tell_of_a_job_in_the_same_words() -> None:
    assert list(JobSerializer().fields) == list(JobStatus.__dataclass_fields__)
