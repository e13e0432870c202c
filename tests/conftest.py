"""What every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.db.backends.base.operations import BaseDatabaseOperations

from studies.services import audit

# The networks of tests are too small to be shared among threads, and two test processes share the machine already.
os.environ.setdefault("SEGWEB_TORCH_THREADS", "1")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real studies; skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"{SHARED_DATA} is absent: the real studies do not ship with the code")
    return SHARED_DATA


@pytest.fixture(scope="session", autouse=True)
def flush_past_audit_triggers() -> Iterator[None]:
    """Let the test runner empty the audit tables between tests; the triggers stand again before the next begins."""
    triggers = import_module("studies.migrations.0002_audit_append_only")
    flush = BaseDatabaseOperations.execute_sql_flush

    def flush_without_triggers(operations: Any, sql_list: list[str]) -> None:
        is_postgresql = operations.connection.vendor == "postgresql"
        undo, install = (
            (triggers.POSTGRESQL_UNDO, triggers.POSTGRESQL)
            if is_postgresql
            else (triggers.SQLITE_UNDO, triggers.SQLITE)
        )
        with transaction.atomic(using=operations.connection.alias), operations.connection.cursor() as cursor:
            for statement in undo:
                cursor.execute(statement)
            flush(operations, sql_list)
            for statement in install:
                cursor.execute(statement)

    BaseDatabaseOperations.execute_sql_flush = flush_without_triggers  # type: ignore[method-assign]
    yield
    BaseDatabaseOperations.execute_sql_flush = flush  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def forget_recent_views() -> None:
    """Each test's first look at a record is noted in the audit trail."""
    audit.forget_views()
