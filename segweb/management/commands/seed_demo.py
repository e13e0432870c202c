"""Load the demo cases: synthetic patients for looking around."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from segweb.demo import GenerationError, seed_demo
from studies.errors import DomainError


class Command(BaseCommand):
    """Generate and load what is missing; a second run finds everything there and ends at once."""

    help = "Load the demo cases (synthetic patients) into the demo team."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load what is missing."""
        try:
            count = seed_demo(self._say)
        except (GenerationError, DomainError) as error:
            raise CommandError(str(error)) from error
        if not count and options["verbosity"] > 1:
            self.stdout.write("The demo cases are there already.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
