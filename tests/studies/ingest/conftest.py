"""A team, a person and an empty store."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings

from studies.models import Team, User
from tests.factories import TeamFactory, UserFactory


@pytest.fixture(autouse=True)
def data_folder(settings: Settings, tmp_path: Path) -> Path:
    """Each test's own data folder."""
    settings.SEGWEB_DATA_DIR = tmp_path / "data"
    return tmp_path / "data"


@pytest.fixture
def team(db: None) -> Team:
    return TeamFactory()


@pytest.fixture
def clinician(team: Team) -> User:
    return UserFactory(teams=[team])


@pytest.fixture(autouse=True)
def sent_tasks(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What would go to the broker once committed; the tests call the tasks' services themselves."""
    sent: list[dict[str, object]] = []

    def enqueue(task: str, **stated: object) -> None:
        transaction.on_commit(lambda: sent.append({"task": task, **stated}))

    for module in ("uploads", "upload_care", "volumes"):
        monkeypatch.setattr(f"studies.services.{module}.enqueue_on_commit", enqueue)
    return sent
