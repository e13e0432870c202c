"""What administrators lay down and see over HTTP: rules, limits, queues."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from inference.models import ModelSetting, RoutingRule, SegmentationJob
from inference.services.jobs import request_job
from inference.services.runs import claim_job
from studies.models import AuditEntry, GeometryVerdict, Role, Series, User
from tests.factories import TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
RULE = {"title": "Balls", "modality": "CT", "model_name": "otsu"}


@pytest.fixture
def chief(reader: User) -> User:
    return UserFactory(role=Role.ADMINISTRATOR, teams=list(reader.teams.all()))


@pytest.fixture
def call(client: Client, chief: User) -> Callable[..., Any]:
    """Call as the administrator; return the status and the body."""
    client.force_login(chief)

    def make(method: str, path: str, body: object = None) -> tuple[int, Any]:
        answer = client.generic(method, f"/api/{path}", _json(body), content_type="application/json")
        return answer.status_code, answer.json() if answer.content else None

    return make


def _json(body: object) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


def test_a_rule_is_laid_down_changed_and_dropped_on_the_record(call: Callable[..., Any], chief: User) -> None:
    team = chief.teams.get()
    status, rule = call("POST", "routing-rules", {**RULE, "team_id": str(team.pk), "has_contrast": True})
    assert (status, rule["team_name"], rule["has_contrast"], rule["created_by"]) == (201, team.name, True, str(chief))
    status, changed = call("PUT", f"routing-rules/{rule['id']}", {**RULE, "title": "All balls", "is_enabled": False})
    assert (status, changed["title"], changed["team_id"], changed["has_contrast"]) == (200, "All balls", None, None)
    assert call("GET", "routing-rules")[1]["results"] == [changed]
    assert call("DELETE", f"routing-rules/{rule['id']}") == (204, None)
    assert not RoutingRule.objects.exists()
    acts = AuditEntry.objects.filter(subject_type="routingrule").order_by("sequence")
    assert [(entry.act, entry.actor, entry.details["title"]) for entry in acts] == [
        ("routing_rule.created", chief.username, "Balls"),
        ("routing_rule.changed", chief.username, "All balls"),
        ("routing_rule.deleted", chief.username, "All balls"),
    ]


@pytest.mark.parametrize(
    ("wish", "status", "code", "words"),
    [
        ({"model_name": "region_growing"}, 422, "rule.invalid", "needs a person to pick"),
        ({"model_name": "threshold"}, 422, "parameters.invalid", "Enter a value"),
        ({"model_name": "oracle"}, 404, "model.unknown", "Choose one of"),
        ({"model_name": "kmeans"}, 409, "model.disabled", "switched off"),
        ({"weighting": "T1"}, 422, "rule.invalid", "Only MR"),
        ({"weighting": "T9"}, 400, "input.invalid", "weighting"),
        ({"modality": "ct"}, 400, "input.invalid", "modality"),
        ({"parameters": {"classes": 3000}}, 422, "parameters.invalid", ""),
        ({"team_id": "8d0f3c1e-0000-4000-8000-000000000000"}, 422, "rule.invalid", "not in that team"),
    ],
)
def test_a_rule_that_could_never_run_is_refused_in_words(
    call: Callable[..., Any], wish: dict[str, Any], status: int, code: str, words: str
) -> None:
    ModelSetting.objects.create(model_name="kmeans", is_enabled=False)
    found, problem = call("POST", "routing-rules", {**RULE, **wish})
    assert (found, problem["code"]) == (status, code)
    assert words in problem["detail"]
    assert not RoutingRule.objects.exists()


def test_a_rule_may_state_the_values_that_a_person_would(call: Callable[..., Any]) -> None:
    bounds = {"lower": 0, "upper": 500}
    status, rule = call("POST", "routing-rules", {**RULE, "model_name": "threshold", "parameters": bounds})
    assert (status, rule["parameters"]) == (201, bounds)


def test_rules_of_another_team_are_not_there(call: Callable[..., Any]) -> None:
    theirs = RoutingRule.objects.create(**RULE, team=TeamFactory())
    everybodys = RoutingRule.objects.create(**RULE)
    assert [rule["id"] for rule in call("GET", "routing-rules")[1]["results"]] == [str(everybodys.pk)]
    for method in ("PUT", "DELETE"):
        assert call(method, f"routing-rules/{theirs.pk}", RULE)[0] == 404
    assert call("PUT", f"routing-rules/{everybodys.pk}", RULE)[0] == 200


def test_a_preview_tells_what_the_rule_would_have_held_for(
    call: Callable[..., Any], ball: Series, reader: User, ball_of: Callable[..., Series]
) -> None:
    second = ball_of(reader)
    Series.objects.filter(pk=second.pk).update(series_description="Liver")
    ball_of(UserFactory(teams=[TeamFactory()]))  # nobody here may see it
    status, preview = call("POST", "routing-rules/preview", {**RULE, "description": "liv"})
    assert (status, preview["considered"], preview["matching"]) == (200, 2, 1)
    (example,) = preview["examples"]
    assert (example["study_id"], example["series_description"]) == (str(second.study_id), "Liver")
    assert example["patient"]["patient_name"] == second.study.patient.patient_name
    assert call("POST", "routing-rules/preview", RULE)[1]["matching"] == 2
    Series.objects.filter(pk=ball.pk).update(geometry_verdict=GeometryVerdict.MIXED_SIZE)
    assert call("POST", "routing-rules/preview", RULE)[1]["matching"] == 1, "the model cannot take the other"
    assert not RoutingRule.objects.exists()
    assert not SegmentationJob.objects.exists()


def test_limits_are_listed_and_set_for_the_administrators_teams(
    call: Callable[..., Any], chief: User, ball: Series, reader: User
) -> None:
    TeamFactory()
    request_job(ball, requested_by=reader, model_name="otsu", parameters={})
    team = chief.teams.get()
    line = {"team_id": str(team.pk), "team_name": team.name, "active_jobs": 1}
    defaults = {"most_per_person": 20, "most_per_team": 200, "is_default": True}
    assert call("GET", "usage-limits") == (200, {"results": [line | defaults]})
    wish = {"most_per_person": 2, "most_per_team": 4}
    assert call("PUT", "usage-limits", {"team_id": str(team.pk), **wish}) == (200, line | wish | {"is_default": False})
    assert call("PUT", "usage-limits", {"team_id": str(team.pk), "most_per_person": 5, "most_per_team": 4})[0] == 422
    assert call("PUT", "usage-limits", {"team_id": str(team.pk), "most_per_person": 0, "most_per_team": 4})[0] == 400


def test_a_person_at_the_limit_is_told_over_http(client: Client, ball: Series, reader: User, settings: Any) -> None:
    settings.SEGWEB_MOST_JOBS_PER_PERSON = 1
    client.force_login(reader)
    wish = {"series_id": str(ball.pk), "model_name": "otsu"}
    assert client.post("/api/jobs", wish, content_type="application/json").status_code == 201
    answer = client.post("/api/jobs", {**wish, "model_name": "kmeans"}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (429, "job.limit_reached")


def test_the_queue_shows_who_works_what_runs_and_what_waits_in_order(
    call: Callable[..., Any], ball: Series, reader: User, ball_of: Callable[..., Series]
) -> None:
    stranger = UserFactory(teams=[TeamFactory()])
    hidden = request_job(ball_of(stranger), requested_by=stranger, model_name="otsu", parameters={})[0]
    running, waiting = (
        request_job(ball, requested_by=reader, model_name=name, parameters={})[0] for name in ("otsu", "kmeans")
    )
    assert claim_job(running.pk, worker="host:7:1.00", device="Tesla") is not None
    rule = RoutingRule.objects.create(**RULE)
    SegmentationJob.objects.filter(pk=waiting.pk).update(is_awaited=False, requested_by=None, rule=rule)
    status, view = call("GET", "queue")
    assert status == 200
    (worker,) = view["workers"]
    assert (worker["name"], worker["queue"], worker["device"], worker["is_running"]) == (
        "host:7:1.00", "cpu", "Tesla", True,
    )  # fmt: skip
    cpu, gpu = view["queues"]
    assert (cpu["queue"], gpu["queue"], gpu["running"], gpu["waiting"]) == ("cpu", "gpu", [], [])
    assert [(job["job"]["id"], job["team_name"]) for job in cpu["running"]] == [
        (str(running.pk), reader.teams.get().name)
    ]
    first, second = cpu["waiting"]
    assert (first["position"], first["is_awaited"], first["job"], first["patient"], first["team_name"]) == (
        1, True, None, None, "",
    )  # fmt: skip
    assert (second["position"], second["is_awaited"], second["job"]["rule_title"]) == (2, False, "Balls")
    assert second["patient"]["patient_name"] == ball.study.patient.patient_name
    assert str(hidden.pk) not in str(view)


def test_the_queue_tells_how_long_models_take_and_forgets_old_workers(
    call: Callable[..., Any], ball: Series, reader: User
) -> None:
    now = timezone.now()
    for place, seconds in enumerate([9.0, *[1.0] * 20, *[3.0] * 30]):
        SegmentationJob.objects.create(
            series=ball, model_name="otsu", model_version="1.0.0", parameters_digest=str(place), state="succeeded",
            worker="old", heartbeat_at=now - timedelta(hours=2), finished_at=now - timedelta(minutes=100 - place),
            timings_s={"total": seconds},
        )  # fmt: skip
    view = call("GET", "queue")[1]
    assert view["workers"] == []
    (otsu,) = view["durations"]
    assert (otsu["model_name"], otsu["median_s"], otsu["run_count"]) == ("otsu", 3.0, 50)
