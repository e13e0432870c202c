"""Denied by default: every address and every socket, found by walking the code, refuses whom it must."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import IntConverter, StringConverter, UUIDConverter
from rest_framework.views import APIView

from studies.models import AuditEntry, Role, User
from studies.permissions import visible_patients, visible_teams
from tests.factories import PatientFactory, TeamFactory, UserFactory
from tests.house.conftest import Records

pytestmark = [pytest.mark.house, pytest.mark.django_db]

OPEN = {("GET", "api/session"), ("POST", "api/session"), ("DELETE", "api/session")}
"""What a stranger may ask of the API: who is signed in, to sign in, and to be signed out already."""
OUTSIDE_THE_API = {"healthz", r"^(?!static/|ws/)"}
"""Open by design: the health check, and the page that shows the sign-in."""

KINDS: dict[type, str] = {IntConverter: "int", StringConverter: "str", UUIDConverter: "uuid"}
EVERYBODYS = {"index", "name", "number", "version"}
"""Values that belong to no team."""
BODIES = {
    "api/evaluations": "application/octet-stream",
    "api/model-imports": "application/octet-stream",
    "api/segmentations/<uuid:segmentation_id>/revisions": "application/octet-stream",
    "api/uploads/<uuid:upload_id>/content": "application/offset+octet-stream",
}
ADMINISTERS = {Role.ADMINISTRATOR}
READS, ACTS = {Role.ADMINISTRATOR, Role.CLINICIAN, Role.VIEWER}, {Role.ADMINISTRATOR, Role.CLINICIAN}
MATRIX: dict[tuple[str, str], set[Role]] = {
    ("GET", "api/session"): READS,
    ("POST", "api/session/password"): READS,
    ("GET", "api/worklist"): READS,
    ("GET", "api/patients/<uuid:patient_id>"): READS,
    ("GET", "api/studies/<uuid:study_id>"): READS,
    ("GET", "api/series/<uuid:series_id>/frames"): READS,
    ("GET", "api/series/<uuid:series_id>/pixels"): READS,
    ("GET", "api/series/<uuid:series_id>/frames/<int:index>/pixels"): READS,
    ("GET", "api/series/<uuid:series_id>/thumbnail"): READS,
    ("GET", "api/series/<uuid:series_id>/crop"): READS,
    ("GET", "api/instances/<uuid:instance_id>/file"): ACTS,
    ("GET", "api/series/<uuid:series_id>/registrations/<uuid:prior_id>"): READS,
    ("POST", "api/series/<uuid:series_id>/registrations/<uuid:prior_id>"): ACTS,
    ("PUT", "api/series/<uuid:series_id>/registrations/<uuid:prior_id>/nudge"): ACTS,
    ("GET", "api/series/<uuid:series_id>/segmentations"): READS,
    ("GET", "api/series/<uuid:series_id>/routing"): READS,
    ("POST", "api/series/<uuid:series_id>/segmentations"): ACTS,
    ("POST", "api/segmentations/<uuid:segmentation_id>/revisions"): ACTS,
    ("POST", "api/segmentations/<uuid:segmentation_id>/accept"): ACTS,
    ("POST", "api/revisions/<uuid:revision_id>/cut"): ACTS,
    ("POST", "api/revisions/<uuid:revision_id>/explanations"): ACTS,
    ("GET", "api/revisions/<uuid:revision_id>/label-map"): READS,
    ("GET", "api/revisions/<uuid:revision_id>/measurements"): READS,
    ("GET", "api/revisions/<uuid:revision_id>/figures"): READS,
    ("GET", "api/revisions/<uuid:revision_id>/segments/<int:number>/course"): READS,
    ("GET", "api/revisions/<uuid:revision_id>/volume-intervals"): READS,
    ("GET", "api/revisions/<uuid:revision_id>/export"): ACTS,
    ("GET", "api/patients/<uuid:patient_id>/tracking"): READS,
    ("GET", "api/patients/<uuid:patient_id>/assessment"): READS,
    ("GET", "api/patients/<uuid:patient_id>/assessment/insight"): READS,
    ("POST", "api/patients/<uuid:patient_id>/assessment/override"): ACTS,
    ("GET", "api/cohort"): READS,
    ("PATCH", "api/patients/<uuid:patient_id>/plan"): ACTS,
    ("PUT", "api/patients/<uuid:patient_id>/targets"): ACTS,
    ("GET", "api/patients/<uuid:patient_id>/targets/check"): READS,
    ("POST", "api/patients/<uuid:patient_id>/therapies"): ACTS,
    ("PUT", "api/studies/<uuid:study_id>/timepoint"): ACTS,
    ("PATCH", "api/timepoints/<uuid:timepoint_id>"): ACTS,
    ("POST", "api/timepoints/<uuid:timepoint_id>/assign"): ACTS,
    ("PATCH", "api/lesions/<uuid:lesion_id>"): ACTS,
    ("PUT", "api/lesions/<uuid:lesion_id>/timepoints/<uuid:timepoint_id>"): ACTS,
    ("POST", "api/observations/<uuid:observation_id>/confirm"): ACTS,
    ("PATCH", "api/therapies/<uuid:therapy_id>"): ACTS,
    ("DELETE", "api/therapies/<uuid:therapy_id>"): ACTS,
    ("GET", "api/uploads"): READS,
    ("POST", "api/uploads"): ACTS,
    ("GET", "api/uploads/<uuid:upload_id>"): READS,
    ("HEAD", "api/uploads/<uuid:upload_id>/content"): READS,
    ("PATCH", "api/uploads/<uuid:upload_id>/content"): ACTS,
    ("DELETE", "api/uploads/<uuid:upload_id>/content"): ACTS,
    ("POST", "api/uploads/<uuid:upload_id>/details"): ACTS,
    ("POST", "api/uploads/<uuid:upload_id>/retry"): ACTS,
    ("GET", "api/models"): READS,
    ("GET", "api/series/<uuid:series_id>/model-inputs"): READS,
    ("GET", "api/models/<str:name>"): READS,
    ("GET", "api/models/<str:name>/cases"): READS,
    ("GET", "api/models/<str:name>/worst-cases/<int:index>"): READS,
    ("PUT", "api/models/<str:name>/setting"): ADMINISTERS,
    ("DELETE", "api/models/<str:name>/versions/<str:version>"): ADMINISTERS,
    ("GET", "api/model-imports"): ADMINISTERS,
    ("POST", "api/model-imports"): ADMINISTERS,
    ("GET", "api/evaluations"): ADMINISTERS,
    ("POST", "api/evaluations"): ADMINISTERS,
    ("GET", "api/evaluations/<uuid:evaluation_id>"): ADMINISTERS,
    ("POST", "api/evaluations/<uuid:evaluation_id>/cancel"): ADMINISTERS,
    ("GET", "api/evaluations/<uuid:evaluation_id>/files/<str:name>"): ADMINISTERS,
    ("GET", "api/queue"): ADMINISTERS,
    ("GET", "api/routing-rules"): ADMINISTERS,
    ("POST", "api/routing-rules"): ADMINISTERS,
    ("POST", "api/routing-rules/preview"): ADMINISTERS,
    ("PUT", "api/routing-rules/<uuid:rule_id>"): ADMINISTERS,
    ("DELETE", "api/routing-rules/<uuid:rule_id>"): ADMINISTERS,
    ("GET", "api/usage-limits"): ADMINISTERS,
    ("PUT", "api/usage-limits"): ADMINISTERS,
    ("GET", "api/jobs"): READS,
    ("POST", "api/jobs"): ACTS,
    ("GET", "api/jobs/<uuid:job_id>"): READS,
    ("POST", "api/jobs/<uuid:job_id>/cancel"): ACTS,
    ("POST", "api/jobs/<uuid:job_id>/retry"): ACTS,
    ("GET", "api/job-maps/<uuid:map_id>"): READS,
}
"""Who may do what, in one place: an address that is not here fails the suite."""


@dataclass(frozen=True)
class Door:
    """One address and what its pattern asks for."""

    route: str
    pattern: URLPattern
    converters: dict[str, Any]

    @property
    def methods(self) -> list[str]:
        view = getattr(self.pattern.callback, "cls", None)
        if view is None or not issubclass(view, APIView):
            return ["GET", "POST"]
        return [name.upper() for name in view.http_method_names if name != "options" and hasattr(view, name)]

    def path(self, values: dict[str, object]) -> str:
        path = self.route
        for name, converter in self.converters.items():
            kind = KINDS[type(converter)]
            path = path.replace(f"<{kind}:{name}>", str(values[name]))
        return f"/{path}"


def walk(resolver: URLResolver, prefix: str = "", converters: dict[str, Any] | None = None) -> Iterator[Door]:
    for entry in resolver.url_patterns:
        route, found = prefix + str(entry.pattern), {**(converters or {}), **entry.pattern.converters}
        if isinstance(entry, URLResolver):
            yield from walk(entry, route, found)
        else:
            yield Door(route, entry, found)


DOORS = list(walk(get_resolver()))
API = [door for door in DOORS if door.route.startswith("api/") and "^" not in door.route]
ADMIN = [door for door in DOORS if door.route.startswith("admin/")]


def api_calls() -> list[tuple[Door, str]]:
    return [(door, method) for door in API for method in door.methods]


def guess(door: Door) -> dict[str, object]:
    """Values for an address by somebody who knows none."""
    guesses = {IntConverter: lambda: 0, StringConverter: lambda: "nobodys", UUIDConverter: uuid.uuid4}
    return {name: guesses[type(converter)]() for name, converter in door.converters.items()}


def ask(client: Client, door: Door, method: str, values: dict[str, object]) -> Any:
    """Make a call that is in order but for who makes it."""
    kind = BODIES.get(door.route, "application/json")
    headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0"} if door.route.startswith("api/uploads") else {}
    query = f"?base={values.get('revision_id', uuid.uuid4())}" if door.route.endswith("/revisions") else ""
    body = b"{}" if kind == "application/json" else b""
    return client.generic(method, door.path(values) + query, body, content_type=kind, headers=headers)


def as_administrator(person: User) -> User:
    """Let the role open every door: what is left is whose records they are."""
    User.objects.filter(pk=person.pk).update(role=Role.ADMINISTRATOR)
    return User.objects.get(pk=person.pk)


@contextmanager
def undone() -> Iterator[None]:
    """Let a call leave no trace for the next."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_the_matrix_names_every_call_of_the_api_and_no_other() -> None:
    there = {(method, door.route) for door, method in api_calls()}
    assert there - OPEN == set(MATRIX) - OPEN


def test_nothing_is_mounted_outside_the_api_and_the_administrators_pages() -> None:
    others = {door.route for door in DOORS if door not in API and door not in ADMIN}
    assert others == {*OUTSIDE_THE_API, "api/^"}


def test_a_stranger_is_refused_whatever_the_method(client: Client) -> None:
    faults = []
    for door, method in api_calls():
        answer = ask(client, door, method, guess(door))
        if (method, door.route) in OPEN:
            continue
        is_refused = answer.status_code == 401 and answer["WWW-Authenticate"] == "Session"
        if not is_refused or (method != "HEAD" and answer.json()["code"] != "session.required"):
            faults.append((method, door.route, answer.status_code))
    assert faults == []


@pytest.mark.parametrize("role", [None, Role.VIEWER, Role.CLINICIAN])
def test_the_administrators_pages_refuse_everybody_else(role: Role | None, client: Client) -> None:
    if role is not None:  # Django's own flags open nothing
        client.force_login(UserFactory.create(role=role, is_staff=True, is_superuser=True))
    faults = []
    for door, method in product(ADMIN, ("GET", "POST")):
        call = client.get if method == "GET" else client.post
        answer = call("/" + fill_in(door.route), follow=True)
        last, status = answer.redirect_chain[-1] if answer.redirect_chain else ("", 0), answer.status_code
        is_sign_in = last[0].startswith("/sign-in")
        if not (is_sign_in if role is None else (is_sign_in and door.route == "admin/logout/") or status in (403, 404)):
            faults.append((method, door.route, last, status))
        if role is not None and is_sign_in:  # that was the way out
            client.force_login(UserFactory.create(role=role, is_staff=True, is_superuser=True))
    assert [fault for fault in faults if fault[1] != "admin/password_change/"] == []


def fill_in(route: str) -> str:
    """Return an address of the administrator's pages with something in each gap."""
    named = re.sub(r"\^\(\?P<app_label>(\w+)[^)]*\)/\$", r"\1/", route)
    return re.sub(r"<[^>]+>", "1", named).replace("(?P<url>.*)$", "nothing").rstrip("$")


@pytest.mark.parametrize("role", list(Role))
def test_each_role_gets_what_the_matrix_says(role: Role, client: Client, make_records: Callable[[], Records]) -> None:
    records = make_records()
    User.objects.filter(pk=records.owner.pk).update(role=role)
    person = User.objects.get(pk=records.owner.pk)
    faults = []
    for door, method in api_calls():
        with undone():
            client.force_login(person)
            answer = ask(client, door, method, records.ids)
            if role in MATRIX.get((method, door.route), READS):
                is_right = answer.status_code not in (401, 403, 404, 405)
            else:
                is_recorded = AuditEntry.objects.filter(act="access.refused", actor=person.username).count() == 1
                is_right = answer.status_code == 403 and answer.json()["code"] == "role.forbidden" and is_recorded
            if not is_right:
                faults.append((method, door.route, answer.status_code, getattr(answer, "content", b"")))
    assert faults == []


def test_another_teams_record_and_none_at_all_get_the_same_answer(
    client: Client, make_records: Callable[[], Records]
) -> None:
    theirs, mine = make_records(), make_records()
    client.force_login(as_administrator(mine.owner))
    faults = []
    for door, method in api_calls():
        if "<uuid" not in door.route:
            continue
        first, second = (ask(client, door, method, values) for values in (theirs.ids, guess(door)))
        is_same = first.content == second.content and dict(first.items()) == dict(second.items())
        is_hidden = first.status_code == second.status_code == 404
        if not is_same or not is_hidden or (method != "HEAD" and first.json()["code"] != "record.not_found"):
            faults.append((method, door.route, first.status_code, second.status_code, first.content, second.content))
    assert faults == []


LISTS = [
    "api/evaluations",
    "api/jobs",
    "api/models",
    "api/queue",
    "api/routing-rules",
    "api/uploads",
    "api/usage-limits",
    "api/worklist",
]


@pytest.mark.parametrize("route", LISTS)
def test_lists_hold_nothing_of_another_team(route: str, client: Client, make_records: Callable[[], Records]) -> None:
    theirs, mine = make_records(), make_records()
    client.force_login(as_administrator(mine.owner))
    for query in ({}, {"series": theirs.ids["series_id"]}, {"study": theirs.ids["study_id"]}, {"team": theirs.team.pk}):
        answer = client.get(f"/{route}", query)
        assert answer.status_code == 200 or query
        text = answer.content.decode()
        assert not any(str(value) in text for name, value in theirs.ids.items() if name not in EVERYBODYS)


@pytest.mark.parametrize("body", [{"series_id": "SERIES", "model_name": "otsu", "parameters": {}, "focus": [0, 0, 0]}])
def test_a_job_cannot_be_asked_for_on_another_teams_series(
    body: dict[str, object], client: Client, make_records: Callable[[], Records]
) -> None:
    theirs, mine = make_records(), make_records()
    client.force_login(mine.owner)
    answers = [
        client.post("/api/jobs", json.dumps({**body, "series_id": str(key)}), content_type="application/json")
        for key in (theirs.ids["series_id"], uuid.uuid4())
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


def test_every_act_asks_for_the_csrf_token(make_records: Callable[[], Records]) -> None:
    records = make_records()
    client = Client(enforce_csrf_checks=True)
    client.force_login(records.owner)
    faults = []
    for door, method in api_calls():
        if method in ("GET", "HEAD"):
            continue
        answer = ask(client, door, method, records.ids)
        if (answer.status_code, answer.json()["code"]) != (403, "csrf.failed"):
            faults.append((method, door.route, answer.status_code, answer.content))
    assert faults == []


def test_leaving_the_team_ends_access_at_once(client: Client, make_records: Callable[[], Records]) -> None:
    records = make_records()
    client.force_login(records.owner)
    path = f"/api/series/{records.ids['series_id']}/pixels"
    assert client.get(path).status_code == 200
    records.owner.memberships.all().delete()
    assert client.get(path).status_code == 404
    assert client.get("/api/worklist").json()["count"] == 0


def test_a_patient_shared_with_a_second_team_is_seen_by_it(client: Client, make_records: Callable[[], Records]) -> None:
    theirs, mine = make_records(), make_records()
    visible_patients(theirs.owner).get(pk=theirs.ids["patient_id"]).teams.add(mine.team)
    client.force_login(mine.owner)
    patient = client.get(f"/api/patients/{theirs.ids['patient_id']}").json()
    assert [team["id"] for team in patient["teams"]] == [str(mine.team.pk)]  # the other team's name is not theirs
    assert client.get(f"/api/studies/{theirs.ids['study_id']}").status_code == 200


def test_a_disabled_account_and_a_stranger_see_nobody() -> None:
    team = TeamFactory.create()
    PatientFactory.create(home_team=team)
    gone = UserFactory.create(teams=[team], is_active=False)
    for user in (gone, AnonymousUser()):
        assert not visible_patients(user).exists()
        assert not visible_teams(user).exists()


def test_an_unknown_address_of_the_api_is_a_problem_and_not_the_page(client: Client) -> None:
    answer = client.get("/api/nothing/here")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
