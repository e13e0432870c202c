"""Signing in, being locked out, idling out, passwords."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from studies.models import AuditEntry, Role, User
from studies.services import audit, people
from tests.factories import PASSWORD, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    user: User = UserFactory.create(username="ada", teams=[TeamFactory.create(name="Neuro-oncology")])
    return user


@pytest.fixture
def window() -> Client:
    """A browser that has opened the page, and so holds a CSRF cookie."""
    client = Client(enforce_csrf_checks=True)
    client.get("/api/session")
    return client


def post(client: Client, path: str, body: dict[str, Any], **headers: str) -> Any:
    token = client.cookies["csrftoken"].value
    return client.post(path, body, content_type="application/json", headers={"X-CSRFToken": token, **headers})


def sign_in(client: Client, username: str = "ada", password: str = PASSWORD, **headers: str) -> Any:
    return post(client, "/api/session", {"username": username, "password": password}, **headers)


def test_a_stranger_learns_that_nobody_is_signed_in(window: Client) -> None:
    answer = window.get("/api/session")
    assert answer.json() == {"is_authenticated": False, "user": None, "idle_timeout_s": 900}


def test_signing_in_says_who_one_is_and_starts_a_new_session(window: Client, ada: User) -> None:
    session = window.session
    session["planted"] = True
    session.save()
    window.cookies["sessionid"] = planted = session.session_key
    answer = sign_in(window)
    assert answer.status_code == 200
    assert answer.json()["user"] == {
        "id": ada.pk,
        "username": "ada",
        "full_name": ada.get_full_name(),
        "role": "clinician",
        "teams": [{"id": str(ada.teams.get().pk), "name": "Neuro-oncology"}],
        "must_change_password": False,
    }
    cookie = answer.cookies["sessionid"]
    assert cookie.value != planted
    assert not Session.objects.filter(session_key=planted).exists()
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert window.get("/api/worklist").status_code == 200
    assert AuditEntry.objects.get(act="session.signed_in").actor == "ada"


@pytest.mark.parametrize(("username", "password"), [("ada", "wrong"), ("nobody", PASSWORD), ("", ""), ("ada", "")])
def test_a_wrong_name_and_a_wrong_password_get_one_answer(
    window: Client, ada: User, username: str, password: str
) -> None:
    answer = sign_in(window, username or "x", password or "x")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "session.wrong_credentials"
    assert answer.json()["detail"] == "The name or the password is wrong."


def test_a_name_nobody_has_is_not_written_to_the_audit_trail(window: Client, ada: User) -> None:
    sign_in(window, "my-password-in-the-wrong-field")
    sign_in(window, "ada", "wrong")
    entries = AuditEntry.objects.filter(act="session.sign_in_refused")
    assert [(entry.actor, entry.outcome) for entry in entries] == [("unknown", "failed"), ("ada", "failed")]
    assert not any("my-password" in str(vars(entry)) for entry in entries)


def test_a_disabled_account_does_not_sign_in(window: Client) -> None:
    UserFactory.create(username="gone", is_active=False)
    assert sign_in(window, "gone").json()["code"] == "session.wrong_credentials"


@pytest.mark.parametrize("path", ["/api/session", "/api/session/password"])
def test_nothing_is_posted_without_the_csrf_token(window: Client, ada: User, path: str) -> None:
    if path.endswith("password"):
        sign_in(window)
    answer = window.post(path, {"username": "ada", "password": PASSWORD}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf.failed")


def test_five_wrong_passwords_lock_the_name_at_that_address_and_say_for_how_long(window: Client, ada: User) -> None:
    codes = [sign_in(window, password="wrong").json()["code"] for _ in range(5)]
    assert codes == ["session.wrong_credentials"] * 4 + ["session.locked_out"]
    answer = sign_in(window)  # even the right one
    assert answer.status_code == 429
    problem = answer.json()
    assert problem["code"] == "session.locked_out"
    assert 14 * 60 < problem["retry_after_s"] <= 15 * 60 + 1
    assert answer["Retry-After"] == str(problem["retry_after_s"])
    assert "15 minutes" in problem["detail"]
    assert AuditEntry.objects.filter(act="session.sign_in_refused", actor="ada", outcome="refused").count() == 2


def test_waiting_ends_the_lockout_and_attempts_meanwhile_do_not_prolong_it(window: Client, ada: User) -> None:
    for _ in range(5):
        sign_in(window, password="wrong")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=10))
    left = sign_in(window).json()["retry_after_s"]
    assert 4 * 60 < left <= 5 * 60 + 1
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert sign_in(window).status_code == 200


def test_an_address_in_a_forwarding_header_opens_no_lockout(window: Client, ada: User) -> None:
    for attempt in range(5):
        sign_in(window, password="wrong", **{"X-Forwarded-For": f"192.0.2.{attempt}"})
    assert sign_in(window, **{"X-Forwarded-For": "198.51.100.1"}).status_code == 429
    assert set(AuditEntry.objects.values_list("address", flat=True)) == {"127.0.0.1"}


def test_behind_one_own_proxy_its_entry_alone_is_believed(window: Client, ada: User, settings: Any) -> None:
    settings.SEGWEB_PROXY_COUNT = 1
    sign_in(window, **{"X-Forwarded-For": "203.0.113.9, 192.0.2.44"})
    assert AuditEntry.objects.get(act="session.signed_in").address == "192.0.2.44"


def test_signing_out_ends_the_session_for_good(window: Client, ada: User) -> None:
    key = sign_in(window).cookies["sessionid"].value
    answer = window.delete("/api/session", headers={"X-CSRFToken": window.cookies["csrftoken"].value})
    assert answer.status_code == 204
    assert answer["Clear-Site-Data"] == '"cache"'
    window.cookies["sessionid"] = key
    answer = window.get("/api/worklist")
    assert (answer.status_code, answer.json()["code"]) == (401, "session.required")
    assert AuditEntry.objects.get(act="session.signed_out").actor == "ada"


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.time()
        monkeypatch.setattr(people.time, "time", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_a_session_ends_when_nobody_acts_for_the_time_out(window: Client, ada: User, clock: Clock) -> None:
    sign_in(window)
    clock.now += 899
    assert window.get("/api/worklist").status_code == 200
    clock.now += 899
    assert window.get("/api/worklist").status_code == 200
    clock.now += 901
    assert window.get("/api/worklist").status_code == 401
    assert AuditEntry.objects.get(act="session.idled_out").actor == "ada"
    assert not window.get("/api/session").json()["is_authenticated"]


def test_requests_the_page_makes_by_itself_do_not_count_as_acts(window: Client, ada: User, clock: Clock) -> None:
    sign_in(window)
    for _ in range(18):
        clock.now += 49
        assert window.get("/api/worklist", headers={"X-SegWeb-Background": "1"}).status_code == 200
    clock.now += 49
    assert window.get("/api/worklist", headers={"X-SegWeb-Background": "1"}).status_code == 401


def test_activity_is_written_now_and_then_not_with_every_request(
    window: Client, ada: User, clock: Clock, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    sign_in(window)
    clock.now += 5
    with django_assert_num_queries(3) as captured:  # the session, the person, their teams
        window.get("/api/session")
    assert not any("UPDATE" in query["sql"] for query in captured)
    clock.now += 31
    with django_assert_max_num_queries(8) as captured:
        window.get("/api/session")
    assert any("UPDATE" in query["sql"] and "session" in query["sql"] for query in captured)


def test_a_password_somebody_else_chose_opens_nothing_but_its_own_change(window: Client) -> None:
    UserFactory.create(username="new", must_change_password=True, role=Role.ADMINISTRATOR)
    assert sign_in(window, "new").json()["user"]["must_change_password"]
    refused = window.get("/api/worklist")
    assert (refused.status_code, refused.json()["code"]) == (403, "session.password_change_required")
    assert window.get("/admin/").status_code == 302
    changed = post(
        window, "/api/session/password", {"current_password": PASSWORD, "new_password": "seven blue horses 7"}
    )
    assert changed.status_code == 200
    assert not changed.json()["user"]["must_change_password"]
    assert window.get("/api/worklist").status_code == 200
    assert window.get("/admin/").status_code == 200


def test_a_new_password_ends_the_other_sessions(window: Client, ada: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(ada)
    assert elsewhere.get("/api/worklist").status_code == 200
    sign_in(window)
    before = window.cookies["sessionid"].value
    post(window, "/api/session/password", {"current_password": PASSWORD, "new_password": "seven blue horses 7"})
    assert window.cookies["sessionid"].value != before
    assert window.get("/api/worklist").status_code == 200
    assert elsewhere.get("/api/worklist").status_code == 401
    assert AuditEntry.objects.filter(act="password.changed", actor="ada").exists()


@pytest.mark.parametrize(
    ("current", "new", "part"),
    [
        ("wrong", "seven blue horses 7", "current password is wrong"),
        (PASSWORD, PASSWORD, "differs"),
        (PASSWORD, "short", "12 characters"),
        (PASSWORD, "password1234", "too common"),
    ],
)
def test_a_password_is_refused_with_the_reason(window: Client, ada: User, current: str, new: str, part: str) -> None:
    sign_in(window)
    answer = post(window, "/api/session/password", {"current_password": current, "new_password": new})
    assert (answer.status_code, answer.json()["code"]) == (422, "password.refused")
    assert part in answer.json()["detail"]
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_a_body_that_is_not_what_was_asked_for_names_the_field(window: Client) -> None:
    answer = post(window, "/api/session", {"username": "ada"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "input.invalid"
    assert answer.json()["fields"] == {"password": ["This field is required."]}


def test_the_trail_of_all_this_is_whole(window: Client, ada: User) -> None:
    sign_in(window, password="wrong")
    sign_in(window)
    window.get("/api/worklist")
    assert audit.verify_chain().is_whole
