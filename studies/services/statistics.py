"""What the database knows about its own contents, by which it plans how to answer the worklist."""

from __future__ import annotations

from django.db import connection

from studies.models import Patient, Study, StudyWord

_TABLES = (Study, StudyWord, Patient, Patient.teams.through)


def refresh_statistics() -> None:
    """Let SQLite count afresh, which it never does by itself; PostgreSQL's autovacuum does.

    Without, it takes a team for rarer than any search word and walks through all its studies.
    """
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        for model in _TABLES:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")
