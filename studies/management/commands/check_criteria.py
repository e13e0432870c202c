"""`manage.py check_criteria FILE`: a site's acceptance test of the response criteria. Needs no database."""

from __future__ import annotations

import argparse
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studies.dicom.suv_vectors import run_suv
from studies.tracking.acceptance.runner import Outcome, run_vectors
from studies.tracking.acceptance.schema import VectorFileError


class Command(BaseCommand):
    """Read a file of vectors, run each, and leave with 1 if any fails."""

    help = "Run acceptance vectors of the response criteria and print which pass."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a JSON file in the schema segweb-criteria-vectors/1")

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            outcomes = run_vectors(read_document(file), more_runners={"SUV": run_suv})
        except VectorFileError as error:
            raise CommandError(error.message) from None
        self._print_outcomes(outcomes)
        if any(not outcome.is_passed for outcome in outcomes):
            sys.exit(1)

    def _print_outcomes(self, outcomes: tuple[Outcome, ...]) -> None:
        passed = sum(outcome.is_passed for outcome in outcomes)
        self.stdout.write(f"{passed} passed, {len(outcomes) - passed} failed")
        for outcome in outcomes:
            vector = outcome.vector
            if not outcome.is_passed:
                self.stdout.write(f"FAILED {vector.vector_id} [{vector.criterion}] {vector.title} ({vector.rule_ref})")
            for mismatch in outcome.mismatches:
                self.stdout.write(f"  {mismatch}")
            for note in outcome.notes:
                self.stdout.write(f"  note on {vector.vector_id}: {note}")


def read_document(file: Path) -> object:
    """Return the parsed file, its numbers as exact decimals.

    Raises
    ------
    CommandError
        If there is no such file, or it is no JSON.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise CommandError(f"{file} is no JSON file: {error}.") from None
