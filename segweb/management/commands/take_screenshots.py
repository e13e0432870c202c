"""Take the pictures that README shows, from the running product."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from segweb.screenshots import NotTakenError, take_screenshots


class Command(BaseCommand):
    """`manage.py take_screenshots` writes the pictures of the worklist, a patient and the reading page."""

    help = "Take README's pictures: starts a portal of its own on the demo cases; nothing of this one is touched."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the folder to write to."""
        parser.add_argument("--output", type=Path, default=settings.BASE_DIR / ".github" / "images")

    def handle(self, *args: Any, **options: Any) -> None:
        """Take them and say where they lie."""
        try:
            taken = take_screenshots(options["output"], self.stdout.write)
        except NotTakenError as error:
            raise CommandError(str(error)) from error
        for path in taken:
            self.stdout.write(f"{path}  {path.stat().st_size // 1024} KiB")
