"""`manage.py list_models`: the catalogue, one model a line. Needs no database."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inference.registry import get_model, list_models
from studies.errors import DomainError


class Command(BaseCommand):
    """Print the catalogue, or one model's card."""

    help = "List the models, one a line; --card NAME prints one model's card."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--card", metavar="NAME", help="print this model's card instead (Markdown)")

    def handle(self, *, card: str | None, **options: Any) -> None:
        if card is not None:
            try:
                self.stdout.write(get_model(card).card, ending="")
            except DomainError as error:
                raise CommandError(error.message, returncode=2) from error
            return
        for spec in list_models():
            modalities = ",".join(sorted(spec.modalities)) or "any"
            kind = spec.format if spec.folder else spec.method.value.replace("_", " ")
            self.stdout.write(
                f"{spec.name:<18} {spec.version:<8} {kind:<15} {modalities:<8} {spec.title} ({spec.licence})"
            )
