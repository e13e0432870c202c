"""Prove the audit trail whole, or name the first link that does not hold."""

from __future__ import annotations

import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from studies.services import audit


class Command(BaseCommand):
    """`manage.py verify_audit [--expect SEQUENCE:HASH]`."""

    help = (
        "Walk the hash-chained audit trail. A trail whose tail was cut off together with its head record can only be "
        "told with --expect: note the printed head outside this machine, after each run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the head that an earlier run printed."""
        parser.add_argument("--expect", metavar="SEQUENCE:HASH", default="", help="head printed by an earlier run")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify; a broken trail ends the command with an error."""
        sequence, entry_hash = _parse(options["expect"])
        verdict = audit.verify_chain(expected_sequence=sequence, expected_hash=entry_hash)
        if not verdict.is_whole:
            raise CommandError(
                f"The audit trail is broken at entry {verdict.broken_sequence}: {verdict.reason}. "
                f"The {verdict.entry_count} entries before it hold."
            )
        self.stdout.write(f"The audit trail is whole: {verdict.entry_count} entries.")
        if verdict.entry_count:
            self.stdout.write(
                f"Note outside this machine, for the next run: --expect {verdict.entry_count}:{verdict.head_hash}"
            )


def _parse(text: str) -> tuple[int | None, str]:
    if not text:
        return None, ""
    match = re.fullmatch(r"(\d+):([0-9a-f]{64})", text)
    if match is None:
        raise CommandError("--expect takes SEQUENCE:HASH as an earlier run printed it.")
    return int(match[1]), match[2]
