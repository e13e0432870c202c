"""Let the database itself refuse to change a revision or its segments: a correction is a new revision."""

from django.db import migrations

TABLES = ("studies_segmentationrevision", "studies_segment")
REFUSAL = "a revision never changes: save a new one"

SQLITE = tuple(
    f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    for table in TABLES
)
POSTGRESQL = (
    f"CREATE OR REPLACE FUNCTION segweb_refuse_revision_change() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
    *(
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION segweb_refuse_revision_change()"
        for table in TABLES
    ),
)


def install(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def remove(apps, schema_editor):
    is_postgresql = schema_editor.connection.vendor == "postgresql"
    for table in TABLES:
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_no_update" + (f" ON {table}" if is_postgresql else ""))
    if is_postgresql:
        schema_editor.execute("DROP FUNCTION IF EXISTS segweb_refuse_revision_change()")


class Migration(migrations.Migration):
    dependencies = [("studies", "0002_audit_append_only")]
    operations = [migrations.RunPython(install, remove)]
