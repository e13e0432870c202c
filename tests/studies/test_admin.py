"""The administrator's pages: on the portal's roles and teams, recorded, and under the strict policy."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.test import Client

from studies.models import AuditEntry, Role, TeamMembership, User
from tests.factories import PASSWORD, PatientFactory, StudyFactory, TeamFactory, UploadFactory, UserFactory

pytestmark = pytest.mark.django_db
PAGES = (
    "",
    "studies/user/",
    "studies/team/",
    "studies/patient/",
    "studies/study/",
    "studies/upload/",
    "inference/segmentationjob/",
)
MEMBERSHIPS = {
    "memberships-TOTAL_FORMS": "0",
    "memberships-INITIAL_FORMS": "0",
    "memberships-MIN_NUM_FORMS": "0",
    "memberships-MAX_NUM_FORMS": "1000",
}


@pytest.fixture
def boss(client: Client) -> User:
    made: User = UserFactory.create(username="boss", role=Role.ADMINISTRATOR, teams=[TeamFactory.create()])
    client.force_login(made)
    return made


def person_form(user: User, **changes: object) -> dict[str, Any]:
    return {
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": "",
        "role": user.role,
        "is_active": "on",
        **MEMBERSHIPS,
        **changes,
    }


def test_every_page_opens_without_anything_the_policy_forbids(boss: User, client: Client) -> None:
    UserFactory.create()
    PatientFactory.create(home_team=boss.teams.get())
    for page in (*PAGES, "studies/auditentry/", "studies/user/add/", f"studies/user/{boss.pk}/change/"):
        answer = client.get(f"/admin/{page}")
        assert answer.status_code == 200, page
        policy = answer["Content-Security-Policy"]
        assert "script-src 'self' 'wasm-unsafe-eval'" in policy
        assert "unsafe-inline" not in policy.split("style-src-attr")[0]
        body = answer.content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", body), page
        assert "<style" not in body
        assert not re.search(r"\son[a-z]+=\"", body)


def test_records_are_those_of_the_administrators_own_teams(boss: User, client: Client) -> None:
    mine = StudyFactory.create(patient__home_team=boss.teams.get(), patient__patient_name="MINE^ONE")
    theirs = StudyFactory.create(patient__patient_name="THEIRS^TWO")
    UploadFactory.create(file_name="theirs.zip")
    for page in ("patient", "study", "upload"):
        body = client.get(f"/admin/studies/{page}/").content.decode()
        assert "THEIRS" not in body
        assert "theirs.zip" not in body
    assert "MINE^ONE" in client.get("/admin/studies/patient/").content.decode()
    assert client.get(f"/admin/studies/patient/{mine.patient_id}/change/").status_code == 200
    assert client.get(f"/admin/studies/patient/{theirs.patient_id}/change/").status_code == 302  # as for one not there
    assert client.get(f"/admin/studies/study/{theirs.pk}/change/").status_code == 302


def test_a_new_person_must_choose_a_password_and_the_act_is_recorded(boss: User, client: Client) -> None:
    answer = client.post(
        "/admin/studies/user/add/",
        {
            "username": "newcomer",
            "first_name": "New",
            "last_name": "Comer",
            "role": "viewer",
            "password1": "seven blue horses 7",
            "password2": "seven blue horses 7",
            **MEMBERSHIPS,
        },
    )
    assert answer.status_code == 302, answer.content.decode()
    person = User.objects.get(username="newcomer")
    assert (person.role, person.must_change_password) == ("viewer", True)
    entry = AuditEntry.objects.get(act="user.added")
    assert (entry.actor, entry.subject_id) == ("boss", str(person.pk))


def test_a_password_set_by_somebody_else_ends_the_sessions_and_must_be_replaced(boss: User, client: Client) -> None:
    person = UserFactory.create()
    elsewhere = Client()
    elsewhere.force_login(person)
    words = {"password1": "seven blue horses 7", "password2": "seven blue horses 7"}
    assert client.post(f"/admin/studies/user/{person.pk}/password/", words).status_code == 302
    person.refresh_from_db()
    assert person.must_change_password
    assert elsewhere.get("/api/worklist").status_code == 401


def test_changing_role_and_teams_is_recorded_by_field_and_without_values(boss: User, client: Client) -> None:
    person, team = UserFactory.create(role=Role.VIEWER), TeamFactory.create()
    joining = {"memberships-TOTAL_FORMS": "1", "memberships-0-team": str(team.pk), "memberships-0-user": person.pk}
    form = person_form(person, role="clinician", **joining)
    assert client.post(f"/admin/studies/user/{person.pk}/change/", form).status_code == 302
    assert TeamMembership.objects.filter(user=person, team=team).exists()
    details = AuditEntry.objects.get(act="user.changed").details
    assert any("role" in field.lower() for field in details["fields"])
    assert any("team membership" in field for field in details["fields"])
    assert "clinician" not in str(details)


def test_the_last_administrator_stays(boss: User, client: Client) -> None:
    answer = client.post(f"/admin/studies/user/{boss.pk}/change/", person_form(boss, role="viewer"))
    assert "last administrator" in answer.content.decode()
    boss.refresh_from_db()
    assert boss.role == Role.ADMINISTRATOR


@pytest.mark.parametrize("page", ["user", "team", "patient", "study", "upload", "auditentry"])
def test_nothing_is_deleted_here(page: str, boss: User, client: Client) -> None:
    key = {"user": boss.pk, "team": boss.teams.get().pk, "auditentry": 1}.get(page)
    if page in ("patient", "study"):
        study = StudyFactory.create(patient__home_team=boss.teams.get())
        key = study.pk if page == "study" else study.patient_id
    if page == "upload":
        key = UploadFactory.create(team=boss.teams.get()).pk
    if page == "auditentry":
        client.delete("/api/session")
        client.force_login(boss)
    assert client.post(f"/admin/studies/{page}/{key}/delete/", {"post": "yes"}).status_code == 403


def test_a_lockout_can_be_ended(boss: User, client: Client) -> None:
    person = UserFactory.create(username="ada")
    stranger = Client()
    words = {"username": "ada", "password": "wrong"}
    for _ in range(5):
        answer = stranger.post("/api/session", words, content_type="application/json")
    assert answer.status_code == 429
    action = {"action": "end_lockout", "_selected_action": [person.pk]}
    client.post("/admin/studies/user/", action)
    assert not AccessAttempt.objects.exists()
    good = stranger.post("/api/session", {**words, "password": PASSWORD}, content_type="application/json")
    assert good.status_code == 200
    assert AuditEntry.objects.get(act="user.lockout_ended").actor == "boss"


def test_signing_out_of_the_pages_signs_out_of_the_portal(boss: User, client: Client) -> None:
    assert client.post("/admin/logout/")["Location"] == "/sign-in"
    assert client.get("/api/worklist").status_code == 401
