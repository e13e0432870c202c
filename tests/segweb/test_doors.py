"""The health check, the one page, the start-up checks, and what every answer carries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import Client

from segweb import checks, health
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forget_workers() -> None:
    cache.clear()


@pytest.mark.parametrize(
    ("database", "broker", "worker", "status", "code"),
    [
        (True, True, True, "ok", 200),
        (True, True, False, "degraded", 200),
        (True, False, True, "down", 503),
        (False, True, True, "down", 503),
    ],
)
def test_the_health_check_says_which_part_is_away(
    database: bool, broker: bool, worker: bool, status: str, code: int, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_is_database_up", lambda: database)
    monkeypatch.setattr(health, "_is_broker_up", lambda: broker)
    monkeypatch.setattr(health, "_is_worker_up", lambda: worker)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (code, status)
    assert answer["Cache-Control"] == "no-store"


def test_a_broker_that_is_away_is_noticed(client: Client, settings: Any, tmp_path: Path) -> None:
    settings.CELERY_BROKER_URL = f"redis+socket://{tmp_path / 'nobody.sock'}"
    answer = client.get("/healthz")
    expected = {"status": "down", "database": "ok", "broker": "down", "worker": "no_answer"}
    assert (answer.status_code, answer.json()) == (503, expected)


@pytest.mark.parametrize("path", ["/", "/sign-in", "/studies/0b6f0c0e-0000-0000-0000-000000000000", "/patients/x/y"])
def test_every_address_of_the_application_is_the_one_page(
    path: str, client: Client, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><title>SegWeb</title>")
    settings.SEGWEB_FRONTEND_DIST = tmp_path
    answer = client.get(path)
    assert (answer.status_code, answer.content) == (200, b"<!doctype html><title>SegWeb</title>")
    assert answer.cookies["csrftoken"]["samesite"] == "Lax"
    assert "no-store" in answer["Cache-Control"]
    settings.SEGWEB_FRONTEND_DIST = tmp_path / "nothing"
    missing = client.get(path)
    assert missing.status_code == 503
    assert "npm run build" in missing.content.decode()


@pytest.mark.parametrize("path", ["/", "/api/session", "/api/worklist", "/healthz", "/admin/", "/api/nothing"])
def test_every_answer_carries_the_security_headers(path: str, client: Client) -> None:
    answer = client.get(path)
    policy = answer["Content-Security-Policy"]
    for directive in (
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
        "worker-src 'self' blob:",
        "connect-src 'self'",
    ):
        assert directive in policy
    assert "unsafe-eval'" not in policy.replace("'wasm-unsafe-eval'", "")
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"


def test_records_are_not_kept_by_caches(client: Client) -> None:
    client.force_login(UserFactory.create())
    assert client.get("/api/worklist")["Cache-Control"] == "private, no-store"


def test_passwords_are_hashed_with_argon2id() -> None:
    from segweb.settings import base

    assert base.PASSWORD_HASHERS[0] == "django.contrib.auth.hashers.Argon2PasswordHasher"
    from django.contrib.auth.hashers import Argon2PasswordHasher

    hasher = Argon2PasswordHasher()
    assert hasher.encode("seven blue horses", hasher.salt()).startswith("argon2$argon2id$")


def test_a_data_folder_that_cannot_be_written_is_said_in_a_sentence(settings: Any, tmp_path: Path) -> None:
    settings.SEGWEB_DATA_DIR = tmp_path / "made" / "later"
    assert checks.check_data_folder() == []
    (tmp_path / "file").write_text("")
    settings.SEGWEB_DATA_DIR = tmp_path / "file" / "below"
    (message,) = checks.check_data_folder()
    assert message.id == "segweb.E001"
    assert "SEGWEB_DATA_DIR" in str(message.hint)


def test_a_missing_front_end_is_a_warning(settings: Any, tmp_path: Path) -> None:
    settings.SEGWEB_FRONTEND_DIST = tmp_path
    assert [message.id for message in checks.check_frontend()] == ["segweb.W001"]
    (tmp_path / "index.html").write_text("")
    assert checks.check_frontend() == []


def test_production_refuses_the_workstations_defaults(settings: Any) -> None:
    settings.SECRET_KEY = "development-only-" + "x" * 60
    settings.DATABASES = {"default": {**django_settings.DATABASES["default"], "ENGINE": "django.db.backends.sqlite3"}}
    assert [message.id for message in checks.check_production()] == ["segweb.E002", "segweb.E003"]
    settings.SECRET_KEY = "r" * 60
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}
    assert checks.check_production() == []
