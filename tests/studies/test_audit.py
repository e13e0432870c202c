"""The audit trail holds, and tells where it does not."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from studies.models import AuditEntry, AuditHead, Patient
from studies.services import audit
from tests.factories import PatientFactory, UserFactory

triggers = __import__("importlib").import_module("studies.migrations.0002_audit_append_only")


def tamper(statement: str, params: list[object] | None = None) -> None:
    """Change the trail as somebody with the database's own rights would, past the triggers."""
    is_postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        for undo in triggers.POSTGRESQL_UNDO if is_postgresql else triggers.SQLITE_UNDO:
            cursor.execute(undo)
        cursor.execute(statement, params or [])
        for install in triggers.POSTGRESQL if is_postgresql else triggers.SQLITE:
            cursor.execute(install)


def write_entries(count: int) -> None:
    for number in range(count):
        audit.record(act="study.viewed", actor="ada", number=number)


@pytest.mark.django_db
def test_an_entry_holds_who_what_when_whom_and_no_name() -> None:
    patient: Patient = PatientFactory.create(patient_name="ROE^RICHARD")
    user = UserFactory.create(username="ada")
    entry = audit.record(act="patient.viewed", actor=user, subject=patient, patient=patient, address="192.0.2.7")
    entry.refresh_from_db()
    assert (entry.actor, entry.act, entry.outcome) == ("ada", "patient.viewed", "success")
    assert (entry.subject_type, entry.subject_id, entry.patient_id) == ("patient", str(patient.pk), str(patient.pk))
    assert entry.address == "192.0.2.7"
    assert "ROE" not in json.dumps([str(value) for value in vars(entry).values()])


@pytest.mark.django_db
def test_the_hash_is_sha256_over_canonical_json_and_the_previous_hash() -> None:
    write_entries(2)
    first, second = AuditEntry.objects.all()
    assert first.previous_hash == "0" * 64
    assert second.previous_hash == first.entry_hash
    moment = second.occurred_at.isoformat(timespec="microseconds")
    text = (
        '{"act":"study.viewed","actor":"ada","address":"","details":{"number":1},"occurred_at":"' + moment + '",'
        f'"outcome":"success","patient_id":"","previous_hash":"{first.entry_hash}","sequence":2,'
        '"subject_id":"","subject_type":""}'
    )
    assert second.entry_hash == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "details",
    [{"ä": "Ω ✓"}, {"n": 1e300, "list": [1, None, True], "nul": "a\0b", "big": 10**30}, {"nested": {"b": 1, "a": 2}}],
)
def test_details_survive_the_database_with_their_hash(details: dict[str, object]) -> None:
    audit.record(act="x.y", actor=None, **details)
    assert audit.verify_chain().is_whole


@pytest.mark.django_db
def test_the_database_refuses_to_change_or_remove_entries() -> None:
    write_entries(2)
    for act in (
        lambda: AuditEntry.objects.filter(sequence=1).update(actor="eve"),
        lambda: AuditEntry.objects.filter(sequence=2).delete(),
        lambda: AuditHead.objects.all().delete(),
        lambda: AuditHead.objects.update(sequence=1),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            act()
    assert audit.verify_chain() == audit.ChainVerdict(2, AuditEntry.objects.get(sequence=2).entry_hash)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "broken", "reason"),
    [
        ("UPDATE studies_auditentry SET actor = 'eve' WHERE sequence = 3", 3, "contents do not match"),
        ("UPDATE studies_auditentry SET outcome = 'refused' WHERE sequence = 1", 1, "contents do not match"),
        ("DELETE FROM studies_auditentry WHERE sequence = 2", 2, "entry 2 is missing"),
        ("DELETE FROM studies_auditentry WHERE sequence = 1", 1, "entry 1 is missing"),
        ("DELETE FROM studies_auditentry WHERE sequence >= 4", 4, "entries up to 5 were written"),
        ("UPDATE studies_auditentry SET previous_hash = 'f' WHERE sequence = 4", 4, "does not follow"),
        ("DELETE FROM studies_audithead", 5, "head record is missing"),
        ("UPDATE studies_audithead SET sequence = 4", 5, "does not name the last entry"),
    ],
)
def test_verification_names_the_first_broken_link(statement: str, broken: int, reason: str) -> None:
    write_entries(5)
    assert audit.verify_chain().is_whole
    tamper(statement)
    verdict = audit.verify_chain()
    assert verdict.broken_sequence == broken
    assert reason in verdict.reason
    with pytest.raises(CommandError, match=f"entry {broken}"):
        call_command("verify_audit")


@pytest.mark.django_db
def test_a_tail_cut_off_together_with_the_head_is_found_by_a_head_noted_outside() -> None:
    write_entries(5)
    noted = AuditHead.objects.get()
    kept = AuditEntry.objects.get(sequence=3)
    tamper("DELETE FROM studies_auditentry WHERE sequence > 3")
    tamper("UPDATE studies_audithead SET sequence = 3, entry_hash = %s", [kept.entry_hash])
    assert audit.verify_chain().is_whole  # what cannot be found from inside
    verdict = audit.verify_chain(expected_sequence=noted.sequence, expected_hash=noted.entry_hash)
    assert (verdict.broken_sequence, verdict.is_whole) == (4, False)


@pytest.mark.django_db
def test_a_rewritten_trail_is_found_by_a_head_noted_outside(capsys: pytest.CaptureFixture[str]) -> None:
    write_entries(3)
    call_command("verify_audit")
    note = capsys.readouterr().out.split("--expect ")[1].strip().rstrip(".")
    call_command("verify_audit", expect=note)
    tamper("DELETE FROM studies_auditentry")
    tamper("DELETE FROM studies_audithead")
    write_entries(4)
    call_command("verify_audit")
    with pytest.raises(CommandError, match="rewritten"):
        call_command("verify_audit", expect=note)


@pytest.mark.django_db
def test_an_entry_falls_with_the_act_it_tells_of() -> None:
    def act_that_fails() -> None:
        with transaction.atomic():
            audit.record(act="study.removed", actor="ada")
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        act_that_fails()
    write_entries(1)
    assert [entry.act for entry in AuditEntry.objects.all()] == ["study.viewed"]
    assert audit.verify_chain().is_whole


@pytest.mark.django_db(transaction=True)
def test_concurrent_writers_form_one_chain() -> None:
    def write(writer: int) -> None:
        for _ in range(10):
            audit.record(act="study.viewed", actor=f"writer{writer}")
        connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    assert audit.verify_chain().entry_count == 60
    assert audit.verify_chain().is_whole
    assert {AuditEntry.objects.filter(actor=f"writer{n}").count() for n in range(6)} == {10}


@pytest.mark.django_db
def test_looking_on_is_one_entry_and_another_person_another() -> None:
    patient = PatientFactory.create()
    ada, ben = UserFactory.create_batch(2)
    for user in (ada, ada, ben, ada):
        audit.record_view(actor=user, subject=patient, patient=patient)
    assert list(AuditEntry.objects.values_list("actor", flat=True)) == [ada.username, ben.username]
