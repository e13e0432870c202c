"""The audit trail: one chain, appended to by one writer at a time."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from studies.models import AuditEntry, AuditHead, Patient, User

GENESIS_HASH = "0" * 64
SYSTEM_ACTOR = "system"
SUCCESS, REFUSED, FAILED = "success", "refused", "failed"
VIEW_KEPT_S = 300.0
_MOST_VIEWS = 10_000
_recent_views: dict[tuple[int, str, str, str], float] = {}
_LOCK_KEY = 0x5E6_3EB_A0D17  # any constant that nothing else in the database uses


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """What `verify_chain` found: how many entries hold, and the first that does not."""

    entry_count: int
    head_hash: str
    broken_sequence: int | None = None
    reason: str = ""

    @property
    def is_whole(self) -> bool:
        """Tell whether every link holds."""
        return self.broken_sequence is None


@transaction.atomic
def record(
    *,
    act: str,
    actor: User | str | None,
    subject: models.Model | None = None,
    patient: Patient | None = None,
    outcome: str = SUCCESS,
    address: str = "",
    **details: object,
) -> AuditEntry:
    """Append an entry. It stands or falls with the surrounding transaction, as the act it tells of does.

    The chain is locked until that transaction ends: call it last, after every other lock has been taken.
    """
    head = _lock_head()
    entry = AuditEntry(
        sequence=head.sequence + 1,
        occurred_at=timezone.now(),
        actor=_name_actor(actor),
        act=act,
        subject_type=subject._meta.model_name or "" if subject is not None else "",
        subject_id=str(subject.pk) if subject is not None else "",
        patient_id=str(patient.pk) if patient is not None else "",
        outcome=outcome,
        address=address,
        details=_plain(details),
        previous_hash=head.entry_hash,
    )
    entry.entry_hash = hash_entry(entry)
    entry.save(force_insert=True)
    head.sequence, head.entry_hash = entry.sequence, entry.entry_hash
    head.save()
    return entry


def record_view(*, actor: User, subject: models.Model, patient: Patient, address: str = "") -> None:
    """Note that a person looked at a record; looking on within `VIEW_KEPT_S` is the same look.

    A page asks for one study many times over, and for one series once a frame. What has been noted is remembered by
    each process on its own: an entry too many is harmless, one too few would not be.
    """
    kind = subject._meta.model_name or ""
    key = (actor.pk, kind, str(subject.pk), address)
    now = time.monotonic()
    seen_at = _recent_views.get(key)
    if seen_at is not None and now - seen_at < VIEW_KEPT_S:
        return
    record(act=f"{kind}.viewed", actor=actor, subject=subject, patient=patient, address=address)
    if len(_recent_views) >= _MOST_VIEWS:
        _recent_views.clear()
    _recent_views[key] = now


def forget_views() -> None:
    """Start afresh: the next look at anything is noted again."""
    _recent_views.clear()


def hash_entry(entry: AuditEntry) -> str:
    """Return the SHA-256 over the canonical JSON of an entry: keys sorted, no spaces, UTF-8, time in UTC."""
    content = {
        "sequence": entry.sequence,
        "occurred_at": _canonical_time(entry.occurred_at),
        "actor": entry.actor,
        "act": entry.act,
        "subject_type": entry.subject_type,
        "subject_id": entry.subject_id,
        "patient_id": entry.patient_id,
        "outcome": entry.outcome,
        "address": entry.address,
        "details": entry.details,
        "previous_hash": entry.previous_hash,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def verify_chain(*, expected_sequence: int | None = None, expected_hash: str = "") -> ChainVerdict:
    """Walk the chain from its first entry and name the first link that does not hold.

    Found: an altered, removed, inserted or reordered entry; a tail cut off while the head record still names it; with
    an expected head noted outside this database, also a trail rewritten or cut together with its head record.
    Not found without such a note: a tail removed by someone who also rewrote the head record.
    """
    previous, count = GENESIS_HASH, 0
    for entry in _entries_in_order():
        reason = _find_fault(entry, expected_sequence=count + 1, previous_hash=previous)
        if not reason and entry.sequence == expected_sequence and expected_hash not in ("", entry.entry_hash):
            reason = "the entry is not the one noted outside this database: the trail up to here was rewritten"
        if reason:
            return ChainVerdict(count, previous, count + 1, reason)
        previous, count = entry.entry_hash, count + 1
    return _check_tail(count, previous, expected_sequence)


def _check_tail(count: int, last_hash: str, expected_sequence: int | None) -> ChainVerdict:
    head = AuditHead.objects.filter(pk=AuditHead.ONLY).first()
    head_sequence = head.sequence if head else 0
    if count and head is None:
        return ChainVerdict(count, last_hash, count, "the head record is missing")
    if head_sequence > count:
        return ChainVerdict(count, last_hash, count + 1, f"entries up to {head_sequence} were written and are missing")
    if head is not None and (head_sequence < count or head.entry_hash != last_hash):
        return ChainVerdict(count, last_hash, count, "the head record does not name the last entry")
    if expected_sequence is not None and expected_sequence > count:
        return ChainVerdict(count, last_hash, count + 1, f"entry {expected_sequence}, noted outside, is missing")
    return ChainVerdict(count, last_hash)


def _find_fault(entry: AuditEntry, *, expected_sequence: int, previous_hash: str) -> str:
    if entry.sequence != expected_sequence:
        return f"entry {expected_sequence} is missing; the next one there is {entry.sequence}"
    if entry.previous_hash != previous_hash:
        return "the entry does not follow from the one before it"
    if entry.entry_hash != hash_entry(entry):
        return "the entry's contents do not match its hash"
    return ""


def _entries_in_order(batch_size: int = 2000) -> Iterator[AuditEntry]:
    last: int | None = None
    while True:
        entries = AuditEntry.objects.order_by("sequence")
        batch = list((entries if last is None else entries.filter(sequence__gt=last))[:batch_size])
        if not batch:
            return
        yield from batch
        last = batch[-1].sequence


def _lock_head() -> AuditHead:
    """Return the head record, locked until the transaction ends (SQLite locks when the transaction begins)."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # also holds while the head record does not exist yet
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK_KEY])
    head = AuditHead.objects.filter(pk=AuditHead.ONLY).first()
    return head or AuditHead(pk=AuditHead.ONLY, sequence=0, entry_hash=GENESIS_HASH)


def _name_actor(actor: User | str | None) -> str:
    if isinstance(actor, User):
        return actor.get_username()
    return (actor or SYSTEM_ACTOR)[:150]


def _plain(value: Any) -> Any:
    """Return details in the JSON that every database gives back unchanged: no fractions, no NUL, text keys."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(part) for part in value]
    return str(value).replace("\0", "\ufffd")


def _canonical_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
