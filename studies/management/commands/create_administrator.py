"""Create an administrator with a one-time password: the first act on a production installation."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studies.errors import DomainError
from studies.models import Role
from studies.services.accounts import create_account


class Command(BaseCommand):
    """Print the one-time password of a new administrator."""

    help = "Create an administrator and print a one-time password."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the username."""
        parser.add_argument("username", nargs="?", default="admin")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create it, or say why not."""
        try:
            account = create_account(options["username"], role=Role.ADMINISTRATOR)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{account.username}  one-time password: {account.password}")
